"""A HELICS federate, its core and the broker, if this run starts one: joining, asking for time and leaving.

HELICS has no types; it is ``Any`` here and in what uses this, and nowhere else.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any

import anyio
import anyio.lowlevel

from ..errors import PeerError
from ..instant import SECOND, Instant
from .file import FederateFile
from .settings import HelicsSettings

_log = logging.getLogger(__name__)

_SPINS = 50
_SHORTEST_NAP_S, _LONGEST_NAP_S = 0.0002, 0.005
_NETWORKED = ("zmq", "zmq_ss", "tcp", "tcp_ss", "udp")
_SMALL_PAYLOADS = ("tcp", "tcp_ss", "ipc")
_PORTS = range(20_000, 32_000, 50)
"""First ports of federations: cores listen on those that follow. From 32768 on, systems hand out ports."""
_PORTS_OF_A_FEDERATION = 10
_ATTEMPTS = 3
_CLOSE_WITHIN_MS = 1000


class Federation:
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
        """Start a broker; returns the options of a core that joins it.

        Raises:
            PeerError: its port is taken.
        """
        attempts = 1 if self._settings.port else _ATTEMPTS
        for _ in range(attempts):
            port = self._settings.port or free_port()
            join = self._try_broker(port)
            if join is not None:
                return self._told(join)
        raise PeerError(f"the HELICS broker cannot be started on port {port}; name another in helics.port")

    def _try_broker(self, port: int) -> dict[str, str] | None:
        kind, name = self._file.core_type, f"gridbus-{port}"
        options = f"-f {self._settings.federates} --tick=1s --loglevel=error"
        join = {"brokerport": str(port)} if kind in _NETWORKED else {"broker": name}
        if kind in _NETWORKED:
            options += f" --port={port}"
        if kind in _SMALL_PAYLOADS:
            join["maxsize"] = "1000000"
            options += " --maxsize=1000000"
        self._broker = self.h.helicsCreateBroker(kind, name, options)
        return join if self.h.helicsBrokerIsConnected(self._broker) else None

    def _told(self, join: dict[str, str]) -> dict[str, str]:
        """Tell the user how others can join; it is up to him to start them."""
        others = self._settings.federates - 1
        _log.log(
            logging.WARNING if others else logging.INFO,
            "the HELICS broker waits for %d other federates; start them with %s (core type %s)",
            others,
            " ".join(f"--{key}={value}" for key, value in join.items()),
            self._file.core_type,
        )
        return join

    async def gather(self) -> None:
        """Wait until every federate has made its interfaces; this one may make more after that."""
        self.h.helicsFederateEnterInitializingModeIterativeAsync(self.federate)
        await self._completed(self.h.helicsFederateEnterInitializingModeIterativeComplete)

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
        except Exception as error:  # noqa: BLE001 - raised again in the thread of the caller
            outcome.append((None, error))

    thread = Thread(target=carry, name="helics-create", daemon=True)
    thread.start()
    while thread.is_alive():  # noqa: ASYNC110 - an event of the loop cannot be set from a thread
        await anyio.sleep(_LONGEST_NAP_S)
    result, error = outcome[0]
    if error is not None:
        raise error
    return result


def free_port() -> int:
    """A port for a broker, with free ones after it for the cores."""
    while True:
        port = secrets.choice(_PORTS)
        if all(_is_free(port + offset) for offset in range(_PORTS_OF_A_FEDERATION)):
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
