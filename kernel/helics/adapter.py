"""One HELICS federate: a clock that asks for the next instant, and a gateway for values that come and go.

All HELICS calls are made from the event loop's thread. A grant is awaited by asking whether it has come, so
that the loop stays alive: a thread that waits for it starves when coroutines keep the interpreter busy. What
is published is buffered and handed over right before the next request, since nothing can be published while
one is pending.
"""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio.lowlevel
import attrs

from ..clock import Clock
from ..envelope import Envelope
from ..errors import InputError, PeerError, UsageError
from ..instant import SECOND, Instant
from ..kernel import Gateway, Observer
from ..plugins import message_class
from ..scenario import Scenario
from .federation import Federation
from .file import FederateFile, read_federate_file
from .mapping import Mapping
from .rules import Assembly, InputRule, Publication, PublicationRule, Value, outside
from .settings import HelicsSettings
from .units import Conversion, conversion, outside_name

_log = logging.getLogger(__name__)


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
    federation = Federation(options, settings)
    try:
        with federation.errors():
            await federation.create()
            publisher = _Publisher(federation, mapping.publications)
            gateway = _Inputs(federation)
            if mapping.inputs:
                await federation.gather()
                gateway.subscribe(mapping.inputs)
            await federation.execute()
        observers = (publisher,) if mapping.publications else ()
        yield Joined(_FederateClock(federation, publisher), gateway, observers)
        with federation.errors():
            publisher.flush()
            await federation.leave()
    finally:
        federation.close()


class _FederateClock(Clock):
    """Time as HELICS grants it."""

    def __init__(self, federation: Federation, publisher: _Publisher) -> None:
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

    def __init__(self, federation: Federation) -> None:
        self._federation = federation
        self._inputs: dict[str, _Input] = {}

    def subscribe(self, rules: tuple[InputRule, ...]) -> None:
        """Subscribe to every publication that the rules name or match.

        Raises:
            PeerError: no publication matches a wildcard.
        """
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

    def __init__(self, federation: Federation, rules: tuple[PublicationRule, ...]) -> None:
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
