"""Running a scenario, from a script or from the command line."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import attrs
import pyarrow as pa

from .clock import Clock, VirtualClock, WallClock
from .errors import ComponentError, GridbusError, UsageError
from .instant import Duration, Instant
from .journal import JOURNAL, Comparison, read_journal
from .kernel import Kernel, KernelStatistics, Observer
from .plugins import Setting
from .records import DigestObserver, Recorder, next_folder, read_manifest, read_table, table_names
from .scenario import Scenario

RUNS = Path("runs")
"""Where run folders are made when the caller names none."""

Progress = Callable[[Instant, Duration], None]
"""Is told the present instant and the length of the run, once an instant."""


class Interrupted(KeyboardInterrupt):
    """A run was stopped from outside; its records are whole and its manifest says so."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        super().__init__(f"interrupted; records so far are in {path}" if path else "interrupted")


@attrs.frozen
class Result:
    """A finished run."""

    scenario: Scenario
    path: Path | None
    digest: str
    wall_s: float
    statistics: KernelStatistics

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
    progress: Progress | None = None,
) -> Result:
    """Run a scenario from start to stop and return what happened.

    ``out`` is the folder of the records, by default the next free one under ``runs/``. ``until`` ends the run earlier
    (a date with zone, or ns since the start). ``speed`` paces it by the clock on the wall. ``helics`` runs it as a
    HELICS federate, from a federate JSON file where one is named. Ctrl-C ends it with its records whole.

    Raises:
        InputError: the scenario is wrong; carries every fault.
        ComponentError: a component raised.
        Interrupted: the run was stopped from outside.
    """

    if not isinstance(scenario, Scenario):
        scenario = Scenario.load(scenario)
    if records and out is None:
        out = next_folder(RUNS, scenario.name)

    async def interruptible() -> Result:
        result: Result | None = None
        async with anyio.create_task_group() as group:
            group.start_soon(_cancel_on_signal, group.cancel_scope)
            result = await run_async(
                scenario, out, seed, until, records=records, speed=speed, helics=helics, progress=progress
            )
            group.cancel_scope.cancel()
        if result is None:
            raise Interrupted(Path(out) if records and out is not None else None)
        return result

    try:
        return anyio.run(interruptible)
    except BaseExceptionGroup as group:
        error = unwrapped(group)
        raise error from error.__cause__


async def run_async(
    scenario: Scenario | str | Path,
    out: str | Path | None = None,
    seed: int | None = None,
    until: datetime | Duration | None = None,
    *,
    records: bool = True,
    speed: float | None = None,
    helics: bool | str | Path = False,
    progress: Progress | None = None,
) -> Result:
    """As ``run``, in the caller's own event loop; cancelling it ends the run with its records whole."""
    if not isinstance(scenario, Scenario):
        scenario = Scenario.load(scenario)
    scenario = scenario.evolve(seed=seed, until=until)
    if helics or scenario.helics is not None:
        from .helics.adapter import federate

        async with federate(scenario, None if isinstance(helics, bool) else Path(helics)) as joined:
            return await _run(scenario, out, records, joined.clock, progress, joined.observers, gateway=joined.gateway)
    clock = VirtualClock() if speed is None else WallClock(speed)
    return await _run(scenario, out, records, clock, progress, ())


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
    comparison = Comparison(read_journal(folder / JOURNAL))
    await _run(scenario, None, False, VirtualClock(), progress, (comparison,))
    comparison.finish()
    return comparison.compared


def compose(
    scenario: Scenario,
    *,
    clock: Clock | None = None,
    observers: tuple[Observer, ...] = (),
    gateway: Any = None,
    on_instant: Callable[[Instant], None] | None = None,
) -> Kernel:
    """A kernel with all components of a scenario, ready to run.

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
    )
    setting = Setting(scenario.calendar, scenario.stop, head.seed)
    for member in scenario.members:
        for address, main in member.settings.components(member.name, setting):
            kernel.add(address, main)
    return kernel


async def _run(
    scenario: Scenario,
    out: str | Path | None,
    records: bool,
    clock: Clock,
    progress: Progress | None,
    observers: tuple[Observer, ...],
    gateway: Any = None,
) -> Result:
    recorder, digester = None, None
    if records:
        folder = Path(out) if out is not None else next_folder(RUNS, scenario.name)
        head = {"scenario": scenario.data(), "scenario_digest": scenario.digest(), "seed": scenario.head.seed}
        recorder = Recorder(folder, scenario.calendar, head)
    elif gateway is not None or not observers:
        digester = DigestObserver()
    watching = tuple(o for o in (recorder, digester) if o is not None) + observers
    stop = scenario.stop
    tell = (lambda now: progress(now, stop)) if progress is not None else None
    begun = time.perf_counter()
    state, error = "failed", ""
    kernel: Kernel | None = None
    try:
        kernel = compose(scenario, clock=clock, observers=watching, gateway=gateway, on_instant=tell)
        await kernel.run()
        state = "done"
    except GridbusError as failure:
        error = str(failure)
        raise
    except BaseException as failure:
        state = "failed" if isinstance(failure, Exception) else "interrupted"
        error = f"{type(failure).__name__}: {failure}"
        raise
    finally:
        wall_s = time.perf_counter() - begun
        if recorder is not None:
            now = 0 if kernel is None else kernel.now
            more: Mapping[str, object] = {"wall_s": round(wall_s, 3), "until_ns": now, "error": error}
            recorder.close(state, more)
    digest = recorder.digest() if recorder is not None else digester.digest() if digester is not None else ""
    return Result(scenario, recorder.folder if recorder else None, digest, wall_s, kernel.statistics())


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
    """The one exception that a group of nested groups stands for."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


__all__ = ["ComponentError", "Interrupted", "Result", "compose", "replay", "run", "run_async"]
