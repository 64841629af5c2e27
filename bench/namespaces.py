"""A run over a bad network: two network namespaces, and between them a line that delays and loses packets.

Run ``python -m gridbus.bench.namespaces`` as root. The server and the process that keeps time are on the near side
with every other follower, the rest on the far side; each has its own credentials. The digest must be that of the run
in memory. Nothing outside the two namespaces is touched. Ended with SIGKILL it leaves them, for ``ip netns del``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import attrs
import orjson

from ..kernel import PeerError, Scenario, UsageError
from ..kernel.nats.permissions import TIMEKEEPER
from ..kernel.nats.server import dies_with_parent
from ..kernel.network.followers import followers, kept_members
from .line import DEVICE, Line, Quality

SCENARIO = "feeder-day"
_GRIDBUS = (sys.executable, "-m", "gridbus.kernel.cli")
_PORT = 4222
_START_S = 30.0
_END_S = 15.0


@attrs.frozen
class Side:
    """A network namespace, its interface and the address of that."""

    namespace: str
    interface: str
    address: str

    def inside(self, *arguments: str) -> list[str]:
        """A command that runs in it."""
        return ["ip", "netns", "exec", self.namespace, *arguments]


@attrs.frozen
class Drill:
    """What is run, and over which line."""

    until: str
    quality: Quality
    limit_s: float

    def run(self, *more: str) -> list[str]:
        """The command that runs it, or a part of it."""
        return [*_GRIDBUS, "run", SCENARIO, "--until", self.until, "--no-records", "--json", *more]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the drill; returns the exit code: 0 same digest, 1 not, 2 it cannot be done here."""
    options = _parser().parse_args(arguments)
    drill = Drill(options.until, Quality(options.delay_ms / 1e3, options.loss / 100, options.seed), options.limit)
    # So that what was set up is taken down again.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        _check()
        facts = carried_out(drill)
    except UsageError as error:
        sys.stderr.write(f"namespaces: {error}\n")
        return 2
    except PeerError as error:
        sys.stderr.write(f"namespaces: WRONG: {error}\n")
        return 1
    sys.stdout.write(orjson.dumps(facts, option=orjson.OPT_INDENT_2).decode() + "\n" if options.json else _text(facts))
    return 0 if facts["same"] else 1


def carried_out(drill: Drill) -> dict[str, Any]:
    """Run in memory and over the line; returns digests, wall times and what the line did.

    Raises:
        PeerError: a process did not come up, failed or did not end in time.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gridbus-namespaces-")))
        memory = _finished(drill.run(), folder, drill.limit_s)
        near, far, line = stack.enter_context(_sides(drill.quality))
        url = stack.enter_context(_server(near, folder))
        sides = _placed(near, far)
        for name, side in sides.items():
            command = side.inside(*drill.run("--only", name, *_joining(url, folder, name)))
            stack.enter_context(_process(command, folder / f"{name}.log"))
        split = _finished(near.inside(*drill.run(*_joining(url, folder, TIMEKEEPER))), folder, drill.limit_s)
        if not line.carried:
            raise PeerError("nothing went over the line")
        return {
            "same": split["digest"] == memory["digest"],
            **split,
            "memory_digest": memory["digest"],
            "memory_wall_s": memory["wall_s"],
            "far": [name for name, side in sides.items() if side is far],
            "packets_carried": line.carried,
            "packets_lost": line.lost,
        }


def _joining(url: str, folder: Path, user: str) -> tuple[str, ...]:
    return "--bus", url, "--credentials", str(folder / "credentials" / f"{user}.nk")


def _placed(near: Side, far: Side) -> dict[str, Side]:
    """The sides of the followers, by turns: what is said between them crosses the line."""
    scenario = Scenario.load(SCENARIO)
    names = [follower.name for follower in followers(scenario, kept_members(scenario, None))]
    return {name: (near, far)[index % 2] for index, name in enumerate(names)}


# The namespaces


def _check() -> None:
    """See whether this can be done here.

    Raises:
        UsageError: it cannot; says what is missing.
    """
    if os.geteuid() != 0:
        raise UsageError("network namespaces are made by root; run this as root")
    if shutil.which("ip") is None:
        raise UsageError("there is no command ip; install iproute2")
    if not Path(DEVICE).exists():
        raise UsageError(f"there is no {DEVICE}; load the module tun")


@contextmanager
def _sides(quality: Quality) -> Iterator[tuple[Side, Side, Line]]:
    """Two namespaces and the line between them."""
    number = os.getpid()
    near = Side(f"gridbus-near-{number}", f"gbn{number}", "10.231.0.1")
    far = Side(f"gridbus-far-{number}", f"gbf{number}", "10.231.0.2")
    with ExitStack() as stack:
        for side in (near, far):
            _ip("netns", "add", side.namespace)
            stack.callback(_ip, "netns", "del", side.namespace)
        line = stack.enter_context(_line(near, far, quality))
        for side in (near, far):
            _ip("link", "set", side.interface, "netns", side.namespace)
            _ip("-n", side.namespace, "link", "set", "lo", "up")
            _ip("-n", side.namespace, "address", "add", f"{side.address}/30", "dev", side.interface)
            _ip("-n", side.namespace, "link", "set", side.interface, "up")
        yield near, far, line


def _line(near: Side, far: Side, quality: Quality) -> Line:
    try:
        return Line((near.interface, far.interface), quality)
    except OSError as error:
        raise UsageError(f"no interface can be made with {DEVICE}: {error.strerror}") from None


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607
    if done.returncode != 0:
        raise UsageError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


# The processes


@contextmanager
def _server(side: Side, folder: Path) -> Iterator[str]:
    """The server of the scenario, with a user for each process."""
    where = ("--host", side.address, "--port", str(_PORT), "--credentials", str(folder / "credentials"))
    log = folder / "server.log"
    with _process(side.inside(*_GRIDBUS, "serve", SCENARIO, *where), log) as process:
        _wait(lambda: "seed files" in log.read_text(encoding="utf-8"), process, log)
        yield f"nats://{side.address}:{_PORT}"


def _wait(done: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while not done():
        if process.poll() is not None or time.monotonic() > deadline:
            raise PeerError(f"the server did not come up: {_last_line(log)}")
        time.sleep(0.05)


@contextmanager
def _process(command: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended with the block at the latest; it may take some seconds to leave by itself."""
    with log.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, preexec_fn=dies_with_parent
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _finished(command: Sequence[str], folder: Path, limit_s: float) -> dict[str, Any]:
    """What a run says at its end.

    Raises:
        PeerError: it failed, or did not end in time.
    """
    log = folder / "run.log"
    with _process(command, log) as process:
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise PeerError(f"no end after {limit_s:g} s: {_last_line(log)}") from None
    if code != 0:
        raise PeerError(f"the run ended with exit code {code}: {_last_line(log)}")
    text = log.read_text(encoding="utf-8")
    # Warnings may stand before it.
    facts: dict[str, Any] = orjson.loads(text[text.index("{\n") :])
    return facts


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it wrote nothing"


# Arguments and output


def _text(facts: dict[str, Any]) -> str:
    return (
        f"{'same digest' if facts['same'] else 'WRONG: another digest than in memory'}: {facts['digest']}\n"
        f"{facts['wall_s']:.1f} s over the line, {facts['memory_wall_s']:.1f} s in memory\n"
        f"{facts['packets_carried']} packets carried, {facts['packets_lost']} lost; "
        f"on the far side: {', '.join(facts['far'])}\n"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gridbus.bench.namespaces", description="Run over a bad network.")
    parser.add_argument("--until", default="1h", metavar="SPAN", help="length of the run (default: %(default)s)")
    parser.add_argument("--delay-ms", type=float, default=20.0, metavar="MS", help="one way (default: %(default)s)")
    parser.add_argument("--loss", type=float, default=1.0, metavar="PERCENT", help="of packets (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="says which are lost (default: %(default)s)")
    parser.add_argument("--limit", type=float, default=600.0, metavar="S", help="longest wall time of a run")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


if __name__ == "__main__":
    sys.exit(main())
