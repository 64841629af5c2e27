"""Running a scenario, from a script or from the command line."""

from __future__ import annotations

import signal
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import anyio
import anyio.abc
import attrs
import pyarrow as pa

from .activity import Main
from .clock import Clock, VirtualClock, WallClock
from .errors import ComponentError, GridbusError, UsageError
from .instant import Duration, Instant
from .journal import JOURNAL, Comparison, JournalEnded, read_journal
from .kernel import Gateway, Kernel, KernelStatistics, Observer
from .playback import Playback
from .plugins import Setting
from .records import DigestObserver, Recorder, next_folder, read_manifest, read_table, table_names
from .scenario import Member, Scenario

if TYPE_CHECKING:
    from .network.session import Split
    from .network.timekeeper import Timekeeper

R = TypeVar("R")

RUNS = Path("runs")
"""Where run folders are made when the caller names none."""

Progress = Callable[[Instant, Duration], None]
"""Is told the present instant and the length of the run, once an instant."""


class NetworkBus(Protocol):
    """A bus between processes: connects this one to the others of a run, such as ``NatsBus``."""

    @property
    def split(self) -> Split:
        """Which part of the run this process has."""

    def loop(self) -> dict[str, Any]:
        """Options of the event loop that suits it."""

    def timekeeping(self, scenario: Scenario) -> AbstractAsyncContextManager[Timekeeper]:
        """Keep the time of a run."""

    async def take_part(self, scenario: Scenario) -> tuple[str, KernelStatistics]:
        """Run a part of a scenario to the end; returns the digest of what it said, and its counts."""


class Interrupted(KeyboardInterrupt):
    """A run was stopped from outside; its records are whole and its manifest says so."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        super().__init__(f"interrupted; records so far are in {path}" if path else "interrupted")


@attrs.frozen
class Result:
    """A finished run.

    Of a process that took part in a networked run: the counts and the digest of its ``part`` alone.
    """

    scenario: Scenario
    path: Path | None
    digest: str
    wall_s: float
    statistics: KernelStatistics
    part: tuple[str, ...] = ()

    @property
    def messages(self) -> int:
        """Number of messages published."""
        return self.statistics.bus.published

    def table(self, name: str) -> pa.Table:
        """The records of a message type, such as ``order``.

        Raises:
            UsageError: nothing was recorded, or nothing of that name.
        """
        return read_table(self._recorded(), name)

    def tables(self) -> list[str]:
        """The message types that were recorded."""
        return table_names(self._recorded())

    def _recorded(self) -> Path:
        if self.path is None:
            raise UsageError("this run kept no records; run it with records=True")
        return self.path


def run(
    scenario: Scenario | str | Path,
    out: str | Path | None = None,
    seed: int | None = None,
    until: datetime | Duration | None = None,
    *,
    records: bool = True,
    speed: float | None = None,
    helics: bool | str | Path = False,
    bus: NetworkBus | None = None,
    progress: Progress | None = None,
) -> Result:
    """Run a scenario from start to stop and return what happened.

    ``out`` is the folder of the records, by default the next free one under ``runs/``. ``until`` ends the run earlier
    (a date with zone, or ns since the start). ``speed`` paces it by the clock on the wall. ``helics`` runs it as a
    HELICS federate, from a federate JSON file where one is named. ``bus`` splits it over processes, such as
    ``NatsBus()``; the digest is the same. Ctrl-C ends it with its records whole.

    Raises:
        InputError: the scenario is wrong; carries every fault.
        ComponentError: a component raised.
        Interrupted: the run was stopped from outside.
    """

    if not isinstance(scenario, Scenario):
        scenario = Scenario.load(scenario)
    if records and out is None and (bus is None or not bus.split.only):
        out = next_folder(RUNS, scenario.name)

    go = partial(
        run_async, scenario, out, seed, until, records=records, speed=speed, helics=helics, bus=bus, progress=progress
    )
    try:
        result = anyio.run(until_signal, go, backend_options={} if bus is None else bus.loop())
    except BaseExceptionGroup as group:
        error = unwrapped(group)
        raise error from error.__cause__
    if result is None:
        raise Interrupted(Path(out) if out is not None and Path(out).is_dir() else None)
    return result


async def run_async(
    scenario: Scenario | str | Path,
    out: str | Path | None = None,
    seed: int | None = None,
    until: datetime | Duration | None = None,
    *,
    records: bool = True,
    speed: float | None = None,
    helics: bool | str | Path = False,
    bus: NetworkBus | None = None,
    progress: Progress | None = None,
) -> Result:
    """As ``run``, in the caller's own event loop; cancelling it ends the run with its records whole."""
    if not isinstance(scenario, Scenario):
        scenario = Scenario.load(scenario)
    scenario = scenario.evolve(seed=seed, until=until)
    federated = bool(helics) or scenario.helics is not None
    if bus is not None and bus.split.only:
        if out is not None or speed is not None or helics:
            raise UsageError("records, speed and HELICS are with the process that keeps time; give them to that one")
        return await _take_part(scenario, bus)
    async with AsyncExitStack() as stack:
        timekeeper = None if bus is None else await stack.enter_async_context(bus.timekeeping(scenario))
        if federated:
            from .helics.adapter import federate

            joined = await stack.enter_async_context(
                federate(scenario, None if isinstance(helics, bool) else Path(helics))
            )
            return await _run(
                scenario, out, records, joined.clock, progress, joined.observers, joined.gateway, timekeeper
            )
        clock = VirtualClock() if speed is None else WallClock(speed)
        return await _run(scenario, out, records, clock, progress, (), timekeeper=timekeeper)


async def _take_part(scenario: Scenario, bus: NetworkBus) -> Result:
    begun = time.perf_counter()
    digest, statistics = await bus.take_part(scenario)
    return Result(scenario, None, digest, time.perf_counter() - begun, statistics, bus.split.only)


async def replay(path: str | Path, progress: Progress | None = None) -> int:
    """Run the scenario of a run folder again and compare message by message; returns how many were equal.

    Raises:
        DifferenceFound: at the first message that differs.
        UsageError: the folder is not a run folder.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    if not (folder / JOURNAL).is_file():
        raise UsageError(f"{folder} has no {JOURNAL}; nothing to compare with")
    if not isinstance(data := manifest.get("scenario"), dict):
        raise UsageError(f"{folder / 'manifest.json'} names no scenario to run again")
    scenario = Scenario.from_data(data, str(folder / "manifest.json"))
    comparison = Comparison(read_journal(folder / JOURNAL), complete=manifest.get("state") == "done")
    addresses = {address for address, _ in components(scenario, scenario.members)}
    playback = Playback(read_journal(folder / JOURNAL), addresses)
    with suppress(JournalEnded):
        await _run(scenario, None, False, playback, progress, (comparison,), gateway=playback)
    comparison.finish()
    return comparison.compared


def compose(
    scenario: Scenario,
    *,
    clock: Clock | None = None,
    observers: tuple[Observer, ...] = (),
    gateway: Gateway | None = None,
    on_instant: Callable[[Instant], None] | None = None,
    timekeeper: Timekeeper | None = None,
) -> Kernel:
    """A kernel with the components of a scenario, ready to run: all, or those of them that a timekeeper keeps.

    Raises:
        UsageError: two members claim one address.
    """
    head = scenario.head
    kernel = Kernel(
        scenario.calendar,
        stop=scenario.stop,
        seed=head.seed,
        clock=clock,
        quarantine=head.quarantine,
        round_limit=head.round_limit,
        observers=observers,
        gateway=gateway,
        on_instant=on_instant,
        driver=timekeeper.drive if timekeeper is not None else None,
        elsewhere=timekeeper.addresses if timekeeper is not None else (),
    )
    for address, main in components(scenario, timekeeper.kept if timekeeper is not None else scenario.members):
        kernel.add(address, main)
    return kernel


def components(scenario: Scenario, members: Iterable[Member]) -> Iterator[tuple[str, Main]]:
    """The addresses and main functions of the components of some members of a scenario."""
    setting = Setting(scenario.calendar, scenario.stop, scenario.head.seed)
    for member in members:
        yield from member.settings.components(member.name, setting)


async def _run(
    scenario: Scenario,
    out: str | Path | None,
    records: bool,
    clock: Clock,
    progress: Progress | None,
    observers: tuple[Observer, ...],
    gateway: Gateway | None = None,
    timekeeper: Timekeeper | None = None,
) -> Result:
    stop = scenario.stop
    tell = (lambda now: progress(now, stop)) if progress is not None else None
    kernel = compose(
        scenario, clock=clock, observers=observers, gateway=gateway, on_instant=tell, timekeeper=timekeeper
    )
    count = kernel.statistics if timekeeper is None else lambda: timekeeper.statistics(kernel.statistics())
    begun = time.perf_counter()
    if not records:
        digester = DigestObserver()
        kernel.observers.append(digester)
        await kernel.run()
        return Result(scenario, None, digester.digest(), time.perf_counter() - begun, count())
    recorder = _recorder(scenario, next_folder(RUNS, scenario.name) if out is None else Path(out))
    kernel.observers.append(recorder)
    with _closed(recorder, kernel, begun, timekeeper):
        await kernel.run()
    return Result(scenario, recorder.folder, recorder.digest(), time.perf_counter() - begun, count())


def _recorder(scenario: Scenario, folder: Path) -> Recorder:
    head = {"scenario": scenario.data(), "scenario_digest": scenario.digest(), "seed": scenario.head.seed}
    return Recorder(folder, scenario.calendar, head)


@contextmanager
def _closed(recorder: Recorder, kernel: Kernel, begun: float, timekeeper: Timekeeper | None) -> Iterator[None]:
    """Close the records whatever happens, and say in the manifest how the run ended."""
    state, error = "done", ""
    try:
        yield
    except BaseException as failure:
        state = "failed" if isinstance(failure, Exception) else "interrupted"
        error = "stopped from outside" if state == "interrupted" else str(failure) or type(failure).__name__
        raise
    finally:
        wall_s = round(time.perf_counter() - begun, 3)
        rejected = {} if timekeeper is None else timekeeper.rejected.facts()
        recorder.close(state, {"wall_s": wall_s, "until_ns": kernel.now, "error": error, **rejected})


async def until_signal(work: Callable[..., Awaitable[R]], *arguments: object) -> R | None:
    """Do something until it is done, or until this process is told to end; returns None then."""
    result: R | None = None
    async with anyio.create_task_group() as group:
        group.start_soon(_cancel_on_signal, group.cancel_scope)
        result = await work(*arguments)
        group.cancel_scope.cancel()
    return result


async def _cancel_on_signal(scope: anyio.CancelScope) -> None:
    try:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                scope.cancel()
                return
    except (ValueError, NotImplementedError, RuntimeError):
        # Not the main thread, or a platform without signal handlers: Python's own KeyboardInterrupt remains.
        await anyio.sleep_forever()


def unwrapped(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one exception that a group of nested groups stands for: the first that is ours, where there are several."""
    leaves = list(_leaves(group))
    return next((leaf for leaf in leaves if isinstance(leaf, GridbusError)), leaves[0])


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


__all__ = ["ComponentError", "Interrupted", "Result", "compose", "replay", "run", "run_async"]
