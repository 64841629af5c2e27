"""One HELICS federate: a clock that asks for the next instant, and a gateway for values that come and go.

All HELICS calls are made from the event loop's thread. A grant is awaited by asking whether it has come, so
that the loop stays alive: a thread that waits for it starves when coroutines keep the interpreter busy. What
is published is buffered and handed over right before the next request, since nothing can be published while
one is pending.

HELICS has no types; it is ``Any`` here and nowhere else.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import anyio
import anyio.lowlevel
import attrs

from .clock import Clock
from .envelope import Envelope
from .errors import InputError, PeerError, UsageError
from .helics_file import FederateFile, read_federate_file
from .helics_mapping import Assembly, InputRule, Mapping, Publication, PublicationRule, Value, outside
from .helics_settings import HelicsSettings
from .instant import SECOND, Instant
from .kernel import Gateway, Observer
from .plugins import message_class
from .scenario import Scenario
from .units import Conversion, conversion, outside_name

_log = logging.getLogger(__name__)

_SPINS = 50
_SHORTEST_NAP_S, _LONGEST_NAP_S = 0.0002, 0.005
_NETWORKED = ("zmq", "zmq_ss", "tcp", "tcp_ss", "udp")
_SMALL_PAYLOADS = ("tcp", "tcp_ss", "ipc")
_PORTS = range(20_000, 32_000)
_PORTS_OF_A_BROKER = 8
"""A broker listens on its port and the next one; its cores on some that follow."""
_CLOSE_WITHIN_MS = 1000


@attrs.frozen
class Joined:
    """A federation that this run has joined."""

    clock: Clock
    gateway: Gateway
    observers: tuple[Observer, ...]


@asynccontextmanager
async def federate(
    scenario: Scenario, file: Path | None = None, *, messages: Callable[[str], type] = message_class
) -> AsyncIterator[Joined]:
    """Join a federation for the time of the block, and leave it however the block ends.

    The federate is made from a HELICS JSON file, where one is named here or in the scenario, and from the
    scenario's ``[helics]`` table. If the file does not say which broker to join, one is started on a port of
    its own; when the block has ended well, it is kept up until the other federates have left.

    Raises:
        InputError: the file or the table is wrong; carries every fault.
        PeerError: the federation cannot be joined, or ended with an error.
    """
    settings = scenario.helics or HelicsSettings()
    mapping = Mapping(settings, messages)
    if mapping.faults:
        raise InputError(f"scenario {scenario.name}", mapping.scenario_faults())
    named = file if file is not None else Path(settings.federate) if settings.federate else None
    options = read_federate_file(named) if named is not None else FederateFile("", {})
    federation = _Federation(options, settings)
    try:
        with federation.errors():
            await federation.create()
            publisher = _Publisher(federation, mapping.publications)
            gateway = _Inputs(federation)
            await federation.initialise()
            gateway.subscribe(mapping.inputs)
            await federation.execute()
        observers = (publisher,) if mapping.publications else ()
        yield Joined(_FederateClock(federation, publisher), gateway, observers)
        with federation.errors():
            publisher.flush()
            await federation.leave()
    finally:
        federation.close()


class _Federation:
    """The federate, its core and the broker, if this run started it."""

    def __init__(self, file: FederateFile, settings: HelicsSettings) -> None:
        self.h = _library()
        self.failure: type[Exception] = self.h.HelicsException
        self.federate: Any = None
        self.alone = False
        self._file = file
        self._settings = settings
        self._core: Any = None
        self._broker: Any = None
        self._complete: Callable[[Any], Any] | None = None

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn what HELICS raises into errors of a peer."""
        try:
            yield
        except self.failure as error:
            raise PeerError(f"the HELICS federation ended with an error: {_words(error)}") from None

    # Joining

    async def create(self) -> None:
        """Start the broker, if none is named, and make the federate.

        Raises:
            PeerError: no broker answers.
        """
        own = {} if self._file.names_broker else self._start_broker()
        options = self._options(own)
        made = await _in_daemon_thread(lambda: self._create(json.dumps(options)))
        self.federate, self._core = made

    def _create(self, config: str) -> tuple[Any, Any]:
        federate = self.h.helicsCreateCombinationFederateFromConfig(config)
        return federate, self.h.helicsFederateGetCore(federate)

    def _options(self, own: dict[str, str]) -> dict[str, Any]:
        """What the file says, and what it takes to join the right broker and to notice when it has gone."""
        replaced = ("coretype", "core", "coreinitstring", "coreinit")
        defaults = {"tick": "1s", "timeout": "3s", "loglevel": "error", **own}
        given = self._file.core_options
        added = [f"--{name}={value}" for name, value in defaults.items() if f"--{name}" not in given]
        options = self._file.without(*replaced)
        options["core_type"] = self._file.core_type
        options["core_init_string"] = " ".join([given, *added]).strip()
        options.setdefault("name", self._settings.name)
        if self._file.waits is None:
            # What others publish at an instant belongs to that instant, not to one a nanosecond later.
            options["wait_for_current_time_update"] = True
        return options

    def _start_broker(self) -> dict[str, str]:
        """Start a broker; returns the options of a core that joins it."""
        kind, others = self._file.core_type, self._settings.federates - 1
        port = self._settings.port or _free_port()
        name = f"gridbus-{port}"
        options = f"-f {others + 1} --tick=1s --loglevel=error"
        join = {"brokerport": str(port)} if kind in _NETWORKED else {"broker": name}
        if kind in _NETWORKED:
            options += f" --port={port}"
        if kind in _SMALL_PAYLOADS:
            join["maxsize"] = "1000000"
            options += " --maxsize=1000000"
        self._broker = self.h.helicsCreateBroker(kind, name, options)
        if not self.h.helicsBrokerIsConnected(self._broker):
            raise PeerError(
                f"the HELICS broker cannot be started on port {port}; name another in helics.port"
            )
        told = " ".join(f"--{key}={value}" for key, value in join.items())
        _log.log(
            logging.WARNING if others else logging.INFO,
            "the HELICS broker waits for %d other federates; start them with %s (core type %s)",
            *(others, told, kind),
        )
        return join

    async def initialise(self) -> None:
        """Enter the state in which the interfaces of all federates are known."""
        self.h.helicsFederateEnterInitializingModeAsync(self.federate)
        await self._completed(self.h.helicsFederateEnterInitializingModeComplete)

    async def execute(self) -> None:
        """Enter the state in which time passes.

        Raises:
            PeerError: the federation ended before it began.
        """
        self.h.helicsFederateEnterExecutingModeAsync(self.federate)
        await self._completed(self.h.helicsFederateEnterExecutingModeComplete)
        if self.h.helicsFederateGetState(self.federate) != self.h.HELICS_STATE_EXECUTION:
            raise PeerError(
                "the HELICS federation ended before time began. If another federate has the flag "
                "wait_for_current_time_update, set it to false in this one's federate file: only one may wait"
            )

    # Time

    async def request(self, target: Instant) -> Instant | None:
        """The instant that is granted; None when the federation has ended."""
        self.h.helicsFederateRequestTimeAsync(self.federate, target / SECOND)
        granted = await self._completed(self.h.helicsFederateRequestTimeComplete)
        if granted >= self.h.HELICS_TIME_MAXTIME:
            self.alone = True
            return None
        instant: Instant = round(granted * SECOND)
        return instant

    async def _completed(self, complete: Callable[[Any], Any]) -> Any:
        """Wait for the operation that was begun, without a thread, and finish it."""
        self._complete = complete
        begun = time.perf_counter()
        for _ in range(_SPINS):
            await anyio.lowlevel.checkpoint()
            if self._arrived():
                break
        else:
            while not self._arrived():
                nap_s = (time.perf_counter() - begun) / 10
                await anyio.sleep(min(max(nap_s, _SHORTEST_NAP_S), _LONGEST_NAP_S))
        self._complete = None
        return complete(self.federate)

    def _arrived(self) -> bool:
        return bool(self.h.helicsFederateIsAsyncOperationCompleted(self.federate))

    def grid(self) -> str:
        """The federate's period and offset, for errors."""
        codes = {"period": self.h.HELICS_PROPERTY_TIME_PERIOD, "offset": self.h.HELICS_PROPERTY_TIME_OFFSET}
        values = {n: self.h.helicsFederateGetTimeProperty(self.federate, code) for n, code in codes.items()}
        return ", ".join(f"{name} {value:g} s" for name, value in values.items())

    # Leaving

    async def leave(self) -> None:
        """Leave the federation, and keep the broker up until the others have left it too."""
        self.h.helicsFederateDisconnectAsync(self.federate)
        await self._completed(self.h.helicsFederateDisconnectComplete)
        told, begun = False, time.monotonic()
        while self._broker is not None and self.h.helicsBrokerIsConnected(self._broker):
            if not told and time.monotonic() - begun > 1.0:
                _log.warning("waiting for the other HELICS federates to leave; Ctrl-C ends them")
                told = True
            await anyio.sleep(_LONGEST_NAP_S)

    def close(self) -> None:
        """Leave at once, whatever is going on; a broker of our own ends, and with it the federation."""
        with suppress(self.failure):
            if self._complete is not None and self._core is not None:
                # The only call that ends an operation that is pending.
                self.h.helicsCoreDisconnect(self._core)
                self._complete(self.federate)
        if self.federate is not None:
            with suppress(self.failure):
                self.h.helicsFederateDisconnect(self.federate)
        if self._broker is not None:
            with suppress(self.failure):
                self.h.helicsBrokerDisconnect(self._broker)
                self.h.helicsBrokerWaitForDisconnect(self._broker, _CLOSE_WITHIN_MS)


class _FederateClock(Clock):
    """Time as HELICS grants it."""

    def __init__(self, federation: _Federation, publisher: _Publisher) -> None:
        self._federation = federation
        self._publisher = publisher

    async def advance(self, target: Instant) -> Instant:
        """Publish what is waiting, ask for the target and wait for what is granted.

        Raises:
            UsageError: HELICS grants a later instant only; says how to change that.
            PeerError: the federation ended with an error.
        """
        if self._federation.alone:
            await anyio.lowlevel.checkpoint()
            return target
        with self._federation.errors():
            self._publisher.flush()
            granted = await self._federation.request(target)
        if granted is None:
            _log.warning("the HELICS federation ended before the run did; going on alone to the stop")
            return target
        if granted > target:
            raise UsageError(
                f"HELICS granted {granted / SECOND:.9g} s for a request of {target / SECOND:.9g} s: the "
                f"federate has {self._federation.grid()}. Set a period that divides every instant at which "
                "something is due, or leave it out of the federate file"
            )
        return granted


# Values that come in


@attrs.define
class _Input:
    """A HELICS input with the messages that its value goes into."""

    key: str
    handle: Any
    assemblies: list[Assembly]
    read: Callable[[], Value] | None = None
    unit: str = ""


class _Inputs(Gateway):
    """Turns HELICS inputs into messages."""

    def __init__(self, federation: _Federation) -> None:
        self._federation = federation
        self._inputs: dict[str, _Input] = {}

    def subscribe(self, rules: tuple[InputRule, ...]) -> None:
        """Subscribe to every publication that the rules name or match.

        Raises:
            PeerError: no publication matches a wildcard.
        """
        if not rules:
            return
        there = self._published()
        for rule in rules:
            keys = [slot.key for slot in rule.slots]
            for matched in _matches(keys, there) if rule.wildcard else [""]:
                filled = [key.replace("*", matched) for key in keys]
                assembly = rule.assembly(matched, filled)
                for key in filled:
                    if key not in there:
                        _log.warning("no HELICS federate publishes %s so far", key)
                    self._input(key).assemblies.append(assembly)

    def _published(self) -> list[str]:
        h = self._federation.h
        answer = h.helicsQueryExecute(h.helicsCreateQuery("root", "publications"), self._federation.federate)
        return sorted(answer) if isinstance(answer, list) else []

    def _input(self, key: str) -> _Input:
        made = self._inputs.get(key)
        if made is None:
            h, federate = self._federation.h, self._federation.federate
            try:
                handle = h.helicsFederateGetInputByTarget(federate, key)
            except h.HelicsException:
                handle = h.helicsFederateRegisterSubscription(federate, key, "")
            made = self._inputs[key] = _Input(key, handle, [])
        return made

    def inbound(self, now: Instant) -> list[tuple[str, object]]:
        """The messages of all inputs that have changed.

        Raises:
            PeerError: a value does not fit its field; names the publication.
        """
        is_updated = self._federation.h.helicsInputIsUpdated
        changed: dict[int, Assembly] = {}
        with self._federation.errors():
            for entry in self._inputs.values():
                if is_updated(entry.handle):
                    value = self._read(entry)
                    for assembly in entry.assemblies:
                        assembly.put(entry.key, value, entry.unit)
                        changed[id(assembly)] = assembly
        made = ((assembly.sender, assembly.message(now)) for assembly in changed.values())
        return [(sender, message) for sender, message in made if message is not None]

    def _read(self, entry: _Input) -> Value:
        if entry.read is None:
            entry.read, entry.unit = _reader(self._federation.h, entry.handle)
        return entry.read()


def _matches(keys: list[str], there: list[str]) -> list[str]:
    """Every text that the ``*`` of some key stands for, in order."""
    found: set[str] = set()
    for key in keys:
        pattern = re.compile("([^/]+)".join(map(re.escape, key.split("*"))))
        matched = {fits.group(1) for name in there if (fits := pattern.fullmatch(name))}
        if not matched:
            raise PeerError(f"no HELICS publication matches {key}; there are: {', '.join(there) or 'none'}")
        found |= matched
    return sorted(found)


def _reader(h: Any, handle: Any) -> tuple[Callable[[], Value], str]:
    """How to read an input, and the unit that its values are in; empty where nobody says."""
    declared, wanted = h.helicsInputGetInjectionUnits(handle), h.helicsInputGetExtractionUnits(handle)
    kind = h.helicsInputGetPublicationDataType(handle)
    if kind in (h.HELICS_DATA_TYPE_DOUBLE, h.HELICS_DATA_TYPE_TIME) or (
        kind == h.HELICS_DATA_TYPE_INT and declared and wanted
    ):
        return lambda: h.helicsInputGetDouble(handle), wanted or declared
    readers = {
        h.HELICS_DATA_TYPE_INT: h.helicsInputGetInteger,
        h.HELICS_DATA_TYPE_BOOLEAN: h.helicsInputGetBoolean,
        h.HELICS_DATA_TYPE_COMPLEX: h.helicsInputGetComplex,
        h.HELICS_DATA_TYPE_VECTOR: h.helicsInputGetVector,
    }
    read = readers.get(kind, h.helicsInputGetString)
    return lambda: read(handle), declared


# Values that go out


@attrs.define
class _Output:
    """A HELICS publication with the value that it had last."""

    publish: Callable[[Value], None]
    convert: Conversion | None
    last: Value | None = None


class _Publisher(Observer):
    """Turns messages into HELICS publications."""

    def __init__(self, federation: _Federation, rules: tuple[PublicationRule, ...]) -> None:
        self._federation = federation
        self._rules: dict[type, list[PublicationRule]] = {}
        self._outputs: dict[str, _Output] = {}
        self._waiting: dict[str, Any] = {}
        for rule in rules:
            self._rules.setdefault(rule.cls, []).append(rule)
            for publication in rule.publications.values():
                if publication.key not in self._outputs:
                    self._outputs[publication.key] = self._output(publication, rule)

    def observe(self, outbox: list[Envelope[Any]]) -> None:
        """Remember what the messages of a round publish.

        Raises:
            UsageError: a message would make a publication that is not foreseen.
        """
        for envelope in outbox:
            for rule in self._rules.get(type(envelope.message), ()):
                found = rule.match(envelope.message)
                if found is not None:
                    self._waiting[found[0]] = found[1]

    def flush(self) -> None:
        """Publish the last value of every key, where it has changed."""
        if not self._federation.alone:
            for key, value in self._waiting.items():
                output = self._outputs[key]
                sent = outside(value, output.convert)
                if sent != output.last:
                    output.publish(sent)
                    output.last = sent
        self._waiting.clear()

    def _output(self, publication: Publication, rule: PublicationRule) -> _Output:
        """The publication that the federate file declares, or a new one.

        Raises:
            UsageError: the file declares it in a unit that does not fit.
        """
        h, federate = self._federation.h, self._federation.federate
        handle, unit = self._declared(publication.key), publication.unit
        if handle is None:
            args = publication.key, publication.type, outside_name(unit)
            handle = h.helicsFederateRegisterGlobalTypePublication(federate, *args)
        else:
            unit = h.helicsPublicationGetUnits(handle) or unit
        publish = _PUBLISHERS[publication.type]
        convert = conversion(rule.field.unit, unit) if rule.field.unit else None
        return _Output(lambda value: getattr(h, publish)(handle, value), convert)

    def _declared(self, key: str) -> Any:
        h, federate = self._federation.h, self._federation.federate
        for index in range(h.helicsFederateGetPublicationCount(federate)):
            handle = h.helicsFederateGetPublicationByIndex(federate, index)
            if h.helicsPublicationGetName(handle) == key:
                return handle
        return None


_PUBLISHERS = {
    "double": "helicsPublicationPublishDouble",
    "int": "helicsPublicationPublishInteger",
    "bool": "helicsPublicationPublishBoolean",
    "string": "helicsPublicationPublishString",
    "vector": "helicsPublicationPublishVector",
}


# The library


def _library() -> Any:
    """HELICS, imported when it is needed: it takes a third of a second and wants all uncaught exceptions."""
    hook = sys.excepthook
    import helics

    sys.excepthook = hook
    return helics


async def _in_daemon_thread(work: Callable[[], Any]) -> Any:
    """Await a call that blocks, in a thread that does not keep the interpreter from ending."""
    outcome: list[Any] = []

    def carry() -> None:
        try:
            outcome.append((work(), None))
        except Exception as error:
            outcome.append((None, error))

    thread = Thread(target=carry, name="helics-create", daemon=True)
    thread.start()
    while thread.is_alive():  # noqa: ASYNC110 - an event of the loop cannot be set from a thread
        await anyio.sleep(_LONGEST_NAP_S)
    result, error = outcome[0]
    if error is not None:
        raise error
    return result


def _free_port() -> int:
    """A port with free ones after it, below those that the system hands out by itself."""
    while True:
        port = secrets.choice(_PORTS)
        if all(_is_free(port + offset) for offset in range(_PORTS_OF_A_BROKER)):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _words(error: Exception) -> str:
    """What HELICS says, without its number."""
    return re.sub(r"^\[-?\d+\]\s*", "", str(error)) or "no reason given"
