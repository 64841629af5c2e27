"""Tariffs from files: TOML with the fields of ``Tariff``, JSON of the Utility Rate Database (URDB), or built in."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path

import orjson

from ....kernel import Fault, InputError
from ....kernel.codec import structured
from ....kernel.plugins import unknown
from .tariff import Tariff
from .urdb import tariff_from_urdb


def load_tariff(name_or_path: str | Path) -> Tariff:
    """Read a tariff: a file ``.toml`` or ``.json``, or the built-in one of that name.

    Raises:
        InputError: there is no such tariff or it is wrong; carries every fault with its key.
    """
    path = Path(name_or_path)
    source = str(name_or_path)
    if not path.suffix and path.name == source and not path.exists():
        return _parsed(_built_in(source), f"{source}.toml")
    return _parsed(_text(path), source)


def tariff_names() -> list[str]:
    """The names of the built-in tariffs."""
    files = resources.files(__package__).joinpath("catalogue").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def _built_in(name: str) -> str:
    if name not in tariff_names():
        raise InputError(name, [Fault("", f"no such file, and {unknown('tariff', name, tariff_names())}")])
    return resources.files(__package__).joinpath("catalogue", f"{name}.toml").read_text(encoding="utf-8")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        complaint = "no such file"
    except UnicodeDecodeError:
        complaint = "is not text in UTF-8; a tariff is a TOML or JSON file"
    except (OSError, ValueError) as error:
        complaint = f"cannot be read: {error}"
    raise InputError(str(path), [Fault("", complaint)])


def _parsed(text: str, source: str) -> Tariff:
    made: Tariff | None
    if source.endswith(".json"):
        made, faults = tariff_from_urdb(_json(text, source))
    elif source.endswith(".toml"):
        made, faults = structured(Tariff, _toml(text, source))
    else:
        raise InputError(source, [Fault("", "expected a file called .toml, or .json in the shape of the URDB")])
    if made is None or faults:
        raise InputError(source, faults)
    return made


def _toml(text: str, source: str) -> object:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        complaint = f"not TOML: {error}"
    except RecursionError:
        complaint = "not a tariff: lists or tables nested too deep"
    raise InputError(source, [Fault("", complaint)])


def _json(text: str, source: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InputError(source, [Fault("", f"not JSON: {error}")]) from None
