"""Reading a HELICS federate JSON file, with every fault reported at once.

HELICS itself takes what it cannot read for the name of the federate, and ignores keys that it does not know.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from ..errors import Fault, InputError
from ..plugins import unknown

_TIMES = """
    period timeperiod delta timedelta mintimedelta offset timeoffset inputdelay outputdelay stoptime
    granttimeout rtlag rtlead rttolerance timertlag timertlead timerttolerance maxcosimduration
"""
_FLAGS = """
    sourceonly source observer slow slowresponse slowresponding uninterruptible interruptible debugging
    profiling reentrant localprofilingcapture profilingmarker onlyupdateonchange onlytransmitonchange
    forwardcompute realtime json usejsonserialization restrictivetimepolicy ignoretimemismatch
    ignoretimemismatchwarnings strictinputtypechecking strictconfigchecking ignoreunitmismatch
    connectionoptional connectionrequired optional required waitforcurrenttimeupdate delayinitentry
    enableinitentry singlethreadfederate singlethreadcore multithreadcore forceloggingflush dumplog
    eventtriggered bufferdata reconnectable rollback terminateonerror allowremotecontrol
    disableremotecontrol dynamic autobroker
"""
_OTHERS = """
    name core coretype corename coreinit coreinitstring forcenewcore broker brokeraddress brokerport
    brokerinit brokerinitstring brokerkey key port localport portstart interface interfacenetwork
    reuseaddress noack maxsize maxcount networkretries osport servermode encrypted encryptionconfig
    profiler separator flags flag logfile logbuffer loglevel fileloglevel consoleloglevel maxiterations
    indexgroup tags globals aliases defaultglobal targeted
"""
_SECTIONS = ("publications", "subscriptions", "inputs", "endpoints", "filters", "translators")
_LEVELS = (
    *("trace", "debug", "profiling", "timing", "interfaces", "connections"),
    *("data", "summary", "warning", "error", "no_print", "none"),
)
_BROKER_KEYS = {"broker", "brokeraddress", "brokerport", "brokerkey", "key", "autobroker"}
_BROKER_OPTION = re.compile(
    r"(?:^|\s)(?:-b\b|--(?:broker|broker_?address|broker_?port|broker_?key|key|autobroker)\b)", re.I
)
_CORE_TYPES = {"default": "zmq", "zeromq": "zmq", "interprocess": "ipc"}
_CORES = ("zmq", "zmq_ss", "tcp", "tcp_ss", "udp", "ipc", "inproc")
_TIME = re.compile(r"\s*\d+(\.\d*)?([eE][-+]?\d+)?\s*(s|sec|ms|us|ns|ps|min|hr?|day)?\s*")
_KNOWN_TIMES = frozenset(_TIMES.split())
_KNOWN_FLAGS = frozenset(_FLAGS.split())
_KNOWN = _KNOWN_TIMES | _KNOWN_FLAGS | frozenset(_OTHERS.split()) | frozenset(_SECTIONS)


_EXPECTED = "expected a JSON object with the options of a HELICS federate"


@attrs.frozen
class FederateFile:
    """A federate's configuration: what HELICS is given, and what this side has to know of it."""

    source: str
    options: dict[str, Any]

    def get(self, *names: str) -> Any:
        """The value of an option under any of its names, however they are spelt; None without."""
        return next((value for key, value in self.options.items() if _normal(key) in names), None)

    def without(self, *names: str) -> dict[str, Any]:
        """The options but for some."""
        return {key: value for key, value in self.options.items() if _normal(key) not in names}

    @property
    def core_type(self) -> str:
        """The type of core, as HELICS names it."""
        given = str(self.get("coretype", "core") or "zmq").lower()
        return _CORE_TYPES.get(given, given)

    @property
    def core_options(self) -> str:
        """The command line of the core."""
        return str(self.get("coreinitstring", "coreinit") or "")

    @property
    def names_broker(self) -> bool:
        """Whether it says which broker to join, so that none is to be started."""
        keyed = any(value for key, value in self.options.items() if _normal(key) in _BROKER_KEYS)
        return keyed or _BROKER_OPTION.search(self.core_options) is not None

    @property
    def waits(self) -> bool | None:
        """Whether it says to wait for what others publish at the same time; None where it does not say."""
        flags = {_normal(str(flag)) for flag in self.get("flags", "flag") or ()}
        for flag, answer in (("waitforcurrenttimeupdate", True), ("-waitforcurrenttimeupdate", False)):
            if flag in flags:
                return answer
        given = self.get("waitforcurrenttimeupdate")
        return None if given is None else bool(given)


def read_federate_file(path: Path) -> FederateFile:
    """Read a federate JSON file, or its section ``helics`` where it has one.

    Raises:
        InputError: it cannot be read or is wrong; carries every fault.
    """
    source = str(path)
    options = _json(source, path)
    if not isinstance(options, dict):
        raise InputError(source, [Fault("", _EXPECTED)])
    section = options.get("helics")
    if section is not None:
        if not isinstance(section, dict):
            raise InputError(source, [Fault("helics", _EXPECTED)])
        options = section
    if faults := list(_faults(options, "helics." if section is not None else "")):
        raise InputError(source, faults)
    return FederateFile(source, options)


def _json(source: str, path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        fault = Fault("", "no such file; name a HELICS federate JSON file")
    except IsADirectoryError:
        fault = Fault("", "is a directory; name a HELICS federate JSON file")
    except UnicodeDecodeError:
        fault = Fault("", "is not text in UTF-8; a federate file is JSON")
    except json.JSONDecodeError as error:
        fault = Fault("", f"not JSON: {error.msg} at column {error.colno}", error.lineno)
    except (OSError, ValueError) as error:
        fault = Fault("", f"cannot be read: {error}")
    raise InputError(source, [fault])


def _faults(options: dict[str, Any], root: str) -> Iterator[Fault]:
    for key, value in options.items():
        name = _normal(key)
        complaint = _complaint(key, name, value)
        if complaint:
            yield Fault(f"{root}{key}", complaint)
        elif name in _SECTIONS:
            yield from _section_faults(f"{root}{key}", name, value)


def _complaint(key: str, name: str, value: Any) -> str | None:
    if name not in _KNOWN:
        return unknown("option of a HELICS federate", key, _KNOWN)
    if name in _KNOWN_TIMES:
        return _time_complaint(value)
    if name in _SECTIONS:
        return None if isinstance(value, list) else f"expected a list of objects, got {value!r}"
    if name in ("name", "coreinit", "coreinitstring", "corename", "broker", "brokeraddress"):
        good = isinstance(value, str) and (value or name != "name")
        return None if good else f"expected text, got {value!r}"
    if name == "coretype" and str(value).lower() not in (*_CORES, *_CORE_TYPES):
        return f"expected one of {', '.join(_CORES)}, got {value!r}"
    if name.endswith("loglevel") and value not in _LEVELS:
        return f"expected one of {', '.join(_LEVELS)}, got {value!r}"
    if name in ("flags", "flag"):
        return _flags_complaint(value)
    if name in _KNOWN_FLAGS and not isinstance(value, bool):
        return f"expected true or false, got {value!r}"
    return None


def _time_complaint(value: Any) -> str | None:
    if isinstance(value, str) and _TIME.fullmatch(value):
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return None
    return f'expected seconds or a time such as "500 ms", got {value!r}'


def _flags_complaint(value: Any) -> str | None:
    if not (isinstance(value, list) and all(isinstance(flag, str) for flag in value)):
        return f"expected a list of texts, got {value!r}"
    strange = [flag for flag in value if _normal(flag).removeprefix("-") not in _KNOWN_FLAGS]
    return unknown("flag of a HELICS federate", strange[0], _KNOWN_FLAGS) if strange else None


def _section_faults(path: str, section: str, entries: list[Any]) -> Iterator[Fault]:
    seen: dict[tuple[bool, str], int] = {}
    for index, entry in enumerate(entries):
        where = f"{path}[{index}]"
        if not isinstance(entry, dict):
            yield Fault(where, f"expected an object, got {entry!r}")
            continue
        name = next((entry[key] for key in ("key", "name") if entry.get(key)), None)
        if section in ("publications", "subscriptions") and not isinstance(name, str):
            if section == "publications" or not (entry.get("target") or entry.get("targets")):
                yield Fault(where, "expected a key")
        elif section in ("publications", "endpoints") and isinstance(name, str):
            first = seen.setdefault((bool(entry.get("global")), name), index)
            if first != index:
                yield Fault(where, f"the key {name!r} is taken by {path}[{first}] already")


def _normal(key: str) -> str:
    return key.replace("_", "").lower()
