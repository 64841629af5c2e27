"""The command line: ``gridbus run``, ``serve``, ``check``, ``scenarios``, ``describe``, ``replay`` and others."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from .describe import asyncapi, contract_text
from .errors import Fault, GridbusError, InputError, UsageError
from .instant import HOUR, MINUTE, SECOND, Duration
from .journal import DifferenceFound
from .plugins import Command, contract, load, names, scenario_text
from .run import Interrupted, Result, replay, run, until_signal
from .run import Progress as Tell
from .scenario import Scenario

if TYPE_CHECKING:
    from .nats.bus import NatsBus
    from .nats.serve import Service

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
DEFAULT_SCENARIO = "feeder-day"

_out = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
_err = Console(highlight=False, soft_wrap=True, markup=False, emoji=False, stderr=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 done, 1 failed, 2 bad input, 130 interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser(given[0] if given else "").parse_args(given)
    logging.basicConfig(format="gridbus: %(message)s", level=logging.WARNING)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except InputError as error:
        for line in error.lines():
            _complain(line)
        return BAD_INPUT
    except UsageError as error:
        _complain(str(error))
        return BAD_INPUT
    except Interrupted as stopped:
        _complain(str(stopped))
        return INTERRUPTED
    except KeyboardInterrupt:
        _complain("interrupted")
        return INTERRUPTED
    except GridbusError as error:
        _complain(str(error))
        return FAILED


def _complain(line: str) -> None:
    _err.print(f"gridbus: {line}", markup=False)


# Commands


def _run(options: argparse.Namespace) -> int:
    scenario = Scenario.load(options.scenario)
    until = None if options.until is None else _until(options.until, scenario)
    with _progress(f"{scenario.name}") as tell:
        result = run(
            scenario,
            options.out,
            options.seed,
            until,
            records=not options.no_records,
            speed=options.speed,
            helics=_helics_choice(options.helics),
            bus=_bus(options),
            progress=tell,
        )
    if options.json:
        _print_json(_facts(result))
    else:
        _print_summary(result)
    return DONE


def _check(options: argparse.Namespace) -> int:
    scenario = Scenario.load(options.scenario)
    hours = scenario.stop / HOUR
    _out.print(f"{options.scenario}: good; {len(scenario.members)} members, {hours:g} h from {scenario.head.start}")
    return DONE


def _init(options: argparse.Namespace) -> int:
    text = scenario_text(options.name)
    path = Path(options.to or f"{options.name}.toml")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    _out.print(f"{path} written; edit it and run: gridbus run {path}")
    return DONE


def _scenarios(_: argparse.Namespace) -> int:
    for name in names("scenarios"):
        head = Scenario.load(name).head
        _out.print(f"{name}  {head.description}")
    return DONE


def _serve(options: argparse.Namespace) -> int:
    from .nats.serve import serve

    anyio.run(until_signal, serve, Scenario.load(options.scenario), _service(options), _out.print)
    return DONE


def _describe(options: argparse.Namespace) -> int:
    if options.nats is not None:
        from .nats.serve import configuration

        _out.print(configuration(Scenario.load(options.nats or DEFAULT_SCENARIO), _service(options)), end="")
    elif options.asyncapi:
        _print_json(asyncapi(contract()))
    else:
        _out.print(contract_text(contract()), markup=False)
    return DONE


def _replay(options: argparse.Namespace) -> int:
    try:
        with _progress(f"replay of {options.run}") as tell:
            compared = anyio.run(replay, options.run, tell)
    except DifferenceFound as found:
        for line in found.difference.lines():
            _out.print(line, markup=False)
        return FAILED
    _out.print(f"{options.run}: the same {compared} messages, byte for byte")
    return DONE


def _bench(options: argparse.Namespace) -> int:
    measurements: list[dict[str, Any]] = []
    for name in [options.name] if options.name else names("benchmarks"):
        measurements += load("benchmarks", name)()
    if options.json:
        _print_json(measurements)
        return DONE
    table = Table("measurement", "value", "unit")
    for entry in measurements:
        table.add_row(entry["name"], f"{entry['value']:,.6g}", entry["unit"])
    _out.print(table)
    return DONE


def _plugged(plugin: Command, options: argparse.Namespace) -> int:
    for line in plugin.run(options):
        _out.print(line)
    return DONE


# Output


def _facts(result: Result) -> dict[str, Any]:
    return {
        "scenario": result.scenario.name,
        "digest": result.digest,
        "path": str(result.path) if result.path else None,
        "wall_s": round(result.wall_s, 3),
        "messages": result.messages,
        "instants": result.statistics.instants,
        "rounds": result.statistics.rounds,
        **({"part": list(result.part)} if result.part else {}),
    }


def _print_summary(result: Result) -> None:
    table = Table(title=f"{result.scenario.name}: {result.scenario.head.description}", show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    if result.path is not None:
        for name in names("summaries"):
            for row in load("summaries", name)(result):
                table.add_row(*row)
            table.add_section()
    statistics = result.statistics
    exchanged = f"{result.messages:,} in {statistics.rounds:,} rounds of {statistics.instants:,} instants"
    table.add_row("messages", exchanged)
    table.add_row("wall time", f"{result.wall_s:.1f} s")
    if result.part:
        table.add_row("part", f"{', '.join(result.part)}; the records are with the process that keeps time")
        table.add_row("digest of it", result.digest)
    else:
        table.add_row("digest", result.digest)
        table.add_row("records", str(result.path or "none"))
    _out.print(table)


def _print_json(content: object) -> None:
    sys.stdout.write(orjson.dumps(content, option=orjson.OPT_INDENT_2).decode() + "\n")


@contextmanager
def _progress(title: str) -> Iterator[Tell | None]:
    """A progress bar on a terminal, nothing elsewhere."""
    if not _err.is_terminal:
        yield None
        return
    columns = (TextColumn(title), BarColumn(), TextColumn("{task.fields[at]}"), TimeRemainingColumn())
    with Progress(*columns, console=_err, transient=True) as bar:
        task = bar.add_task(title, total=1.0, at="")
        yield lambda now, stop: bar.update(task, completed=now / stop, at=f"{now / HOUR:.1f} of {stop / HOUR:.1f} h")


# Arguments


_SPANS = {"h": HOUR, "min": MINUTE, "s": SECOND}


def _until(text: str, scenario: Scenario) -> datetime | Duration:
    for suffix, span in _SPANS.items():
        number = text.removesuffix(suffix)
        if number != text and len(number) < 20 and number.replace(".", "", 1).isdecimal():
            return round(float(number) * span)
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        faults = [Fault("", f"expected a date or a span such as 6h, 90min or 30s, got {text!r}")]
        raise InputError("--until", faults) from None
    return date if date.tzinfo is not None else date.replace(tzinfo=scenario.calendar.zone)


def _helics_choice(given: str | None) -> bool | Path:
    """The option's value: absent, given without a file (the empty text), or a federate file."""
    if given is None:
        return False
    return Path(given) if given else True


_NETWORK = {
    "only": "only",
    "shard": "shard",
    "shards": "shards",
    "keep": "keep",
    "run_name": "run",
    "credentials": "credentials",
    "patience": "patience_s",
    "tls_ca": "tls_ca",
    "tls_certificate": "tls_certificate",
    "tls_key": "tls_key",
}
"""Options of a networked run, and what they are to the bus."""


def _bus(options: argparse.Namespace) -> NatsBus | None:
    """The networked bus that the options ask for."""
    given = {name: value for name in _NETWORK if (value := getattr(options, name)) is not None}
    if options.bus is None:
        for name in given:
            raise UsageError(f"--{name.replace('_', '-')} is for a run on a network; add --bus nats")
        return None
    from .nats.bus import NatsBus

    url = None if options.bus == "nats" else options.bus
    return NatsBus(url, **{_NETWORK[name]: value for name, value in given.items()})


def _tls(options: argparse.Namespace) -> dict[str, Path | None]:
    names = ("tls_ca", "tls_certificate", "tls_key")
    return {name: None if getattr(options, name) is None else Path(getattr(options, name)) for name in names}


def _service(options: argparse.Namespace) -> Service:
    from .nats.serve import Service

    return Service(
        host=options.host,
        port=options.port,
        credentials=None if options.anonymous else Path(options.credentials),
        shards=options.shards or 1,
        keep=None if options.keep is None else tuple(options.keep),
        run=options.run_name or "",
        **_tls(options),
    )


def _network_arguments(added: argparse.ArgumentParser, credentials: str | None) -> None:
    """The options that the two ends of a networked run share."""
    added.add_argument("--shards", type=int, metavar="N", help="split agents over N processes")
    added.add_argument("--keep", nargs="+", metavar="WHAT", help="members that run with the process that keeps time")
    added.add_argument("--run-name", metavar="NAME", help="name of the run, where several share a server")
    added.add_argument(
        "--credentials", default=credentials, metavar="PATH", help="folder of seed files, or one of them"
    )
    added.add_argument("--tls-ca", metavar="FILE", help="certificate authority of the other side")
    added.add_argument("--tls-certificate", metavar="FILE", help="own certificate")
    added.add_argument("--tls-key", metavar="FILE", help="key of the own certificate")


def _server_arguments(added: argparse.ArgumentParser) -> None:
    """The options of a server."""
    added.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    added.add_argument("--port", type=int, default=4222, help="port to listen on (default: %(default)s)")
    added.add_argument("--anonymous", action="store_true", help="no users and permissions; on loopback only")
    _network_arguments(added, "credentials")


def _parser(chosen: str) -> argparse.ArgumentParser:
    """The parser; of the commands that packages add, only the chosen one is loaded."""
    parser = argparse.ArgumentParser(
        prog="gridbus", description="Simulate a distribution system operator: DO, LSE, MO and their device agents."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=function)
        return added

    added = command("run", _run, "run a scenario file or a built-in scenario")
    added.add_argument("scenario", nargs="?", default=DEFAULT_SCENARIO, help="file or name (default: %(default)s)")
    added.add_argument("--out", metavar="DIR", help="folder of the records (default: the next one under runs/)")
    added.add_argument("--seed", type=int, metavar="N", help="another seed than the scenario's")
    added.add_argument("--until", metavar="WHEN", help="stop earlier: a date, or a span such as 6h")
    added.add_argument("--speed", type=float, metavar="X", help="pace the run by the wall clock, X times as fast")
    added.add_argument(
        "--helics", nargs="?", const="", metavar="FED.json", help="run as a HELICS federate, own broker if none named"
    )
    added.add_argument(
        "--bus",
        metavar="nats[://HOST:PORT]",
        help="split the run over processes: own server and all processes, or joining a server that runs",
    )
    added.add_argument("--only", nargs="+", metavar="WHAT", help="run only these members: mo.retail, agents")
    added.add_argument("--shard", metavar="N/COUNT", help="run only this part of them, like 2/4")
    added.add_argument(
        "--patience", type=float, metavar="S", help="seconds that another process may be silent (default: 60)"
    )
    _network_arguments(added, None)
    added.add_argument("--no-records", action="store_true", help="keep no records")
    added.add_argument("--json", action="store_true", help="print one JSON object instead of the summary")

    added = command("serve", _serve, "run just the NATS server of a scenario, with users and permissions for each role")
    added.add_argument("scenario", nargs="?", default=DEFAULT_SCENARIO, help="file or name (default: %(default)s)")
    _server_arguments(added)

    added = command("check", _check, "check a scenario and report every fault at once")
    added.add_argument("scenario")
    added = command("init", _init, "copy a built-in scenario to edit")
    added.add_argument("name", help="name of the built-in scenario")
    added.add_argument("--to", metavar="FILE", help="file to write (default: NAME.toml)")
    command("scenarios", _scenarios, "list the built-in scenarios")
    added = command("describe", _describe, "print every message: topic, who sends and receives it, fields and units")
    added.add_argument("--asyncapi", action="store_true", help="as AsyncAPI 3")
    added.add_argument(
        "--nats", nargs="?", const="", metavar="SCENARIO", help="the NATS server's configuration, with permissions"
    )
    _server_arguments(added)
    added = command("replay", _replay, "run a recorded run again and show the first difference")
    added.add_argument("run", metavar="RUN", help="run folder")
    added = command("bench", _bench, "measure")
    added.add_argument("name", nargs="?", choices=names("benchmarks"), help="one benchmark (default: all)")
    added.add_argument("--json", action="store_true", help="print a list of {name, value, unit}")
    for name in names("commands"):
        if name == chosen:
            plugin: Command = load("commands", name)
            plugin.arguments(command(name, partial(_plugged, plugin), plugin.help))
        else:
            commands.add_parser(name, help=f"see gridbus {name} --help", add_help=False)
    return parser


if __name__ == "__main__":
    sys.exit(main())
