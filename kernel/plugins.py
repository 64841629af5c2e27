"""What installed packages add: components, messages, scenarios, summaries, benchmarks and commands, by entry points.

=========================  ==============================================================================
group                      an entry is
=========================  ==============================================================================
``gridbus.components``     a ``Plugin``: a ``value`` class whose fields are the keys of its scenario table
``gridbus.messages``       a module whose message classes are part of the contract
``gridbus.scenarios``      a package that holds the scenario as ``NAME.toml``
``gridbus.summaries``      a function that turns a ``Result`` into rows of the summary
``gridbus.benchmarks``     a function that returns measurements
``gridbus.commands``       a ``Command`` of the command line
=========================  ==============================================================================
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from difflib import get_close_matches
from enum import Enum
from functools import cache
from importlib import import_module, resources
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any, Protocol, runtime_checkable

import attrs

from .activity import Main
from .errors import UsageError
from .instant import Calendar, Duration
from .message import Declaration, overlap


class Placement(Enum):
    """Where the components of a scenario table run when a run is split over processes."""

    APART = "in a process of their own"
    SHARDED = "in one or more processes, split by address"
    KEPT = "with the process that keeps time, unless told otherwise"


@attrs.frozen
class Setting:
    """What a plug-in may know of the run when it makes its components."""

    calendar: Calendar
    stop: Duration
    seed: int


@runtime_checkable
class Plugin(Protocol):
    """A kind of scenario table: settings that can make components.

    A plug-in may also have ``check() -> Iterable[(key, complaint)]`` for what one field cannot say of another, and
    ``references() -> Iterable[(key, address)]`` for the components that must be in the scenario beside it, and a class
    attribute ``placement`` for where its components run when a run is split over processes.
    """

    def components(self, name: str, setting: Setting) -> Iterable[tuple[str, Main]]:
        """The addresses and main functions of the components that a table ``[kind.name]`` stands for."""


class Command(Protocol):
    """A command of the command line, ``gridbus NAME``."""

    help: str
    """What it does, in a sentence."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add its options."""

    def run(self, options: argparse.Namespace) -> Iterable[str]:
        """Do it; what it yields is printed, line by line.

        Raises:
            InputError, UsageError: the options are wrong; the command line says so and ends with 2.
        """


def names(group: str) -> list[str]:
    """The names that installed packages have entered in a group."""
    return sorted({entry.name for entry in entry_points(group=f"gridbus.{group}")})


def load(group: str, name: str) -> Any:
    """What is entered under a name.

    Raises:
        UsageError: nothing is; names what there is.
    """
    for entry in entry_points(group=f"gridbus.{group}"):
        if entry.name == name:
            return entry.load()
    raise UsageError(unknown(group.removesuffix("s"), name, names(group)))


def unknown(what: str, name: str, there: Iterable[str]) -> str:
    """A complaint about a name that is not known, with the nearest one that is."""
    there = sorted(there)
    close = get_close_matches(name, there, n=1)
    meant = f"; did you mean {close[0]}?" if close else "."
    return f"no {what} is called {name!r}{meant} There are: {', '.join(there) or 'none'}"


def scenario_text(name: str) -> str:
    """The text of a built-in scenario.

    Raises:
        UsageError: there is none of that name.
    """
    package = load("scenarios", name)
    return resources.files(package).joinpath(f"{name}.toml").read_text(encoding="utf-8")


@cache
def contract() -> tuple[Declaration, ...]:
    """Every message that installed packages declare, sorted by topic.

    Raises:
        UsageError: two messages could be on one topic.
    """
    found: dict[str, Declaration] = {}
    for module in [import_module("gridbus.kernel.system"), *(load("messages", n) for n in names("messages"))]:
        for declaration in _declared(module):
            known = found.setdefault(declaration.name, declaration)
            if known is not declaration:
                raise UsageError(f"two messages are called {declaration.name}: {known.cls} and {declaration.cls}")
    ordered = sorted(found.values(), key=lambda d: d.pattern)
    for index, one in enumerate(ordered):
        for other in ordered[index + 1 :]:
            if overlap(one, other):
                raise UsageError(f"{one.name} and {other.name} could be on one topic: {one.topic}, {other.topic}")
    return tuple(ordered)


def message_class(name: str) -> type:
    """The message class of a name such as ``meter_read``.

    Raises:
        UsageError: no installed package declares it.
    """
    for declaration in contract():
        if declaration.name == name:
            return declaration.cls
    raise UsageError(unknown("message", name, (declaration.name for declaration in contract())))


def _declared(module: ModuleType) -> list[Declaration]:
    values = (getattr(module, name) for name in dir(module))
    return [v.__declaration__ for v in values if isinstance(getattr(v, "__declaration__", None), Declaration)]
