"""Which process has components that may hear a message: by the contract alone, whether they listen or not.

What a component may hear is sent to its process, and kept there if it is to be retained, so that a subscription
needs no word to any other process.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Generic, TypeVar

from ..message import Declaration, declaration_of

P = TypeVar("P", bound=Hashable)


class _Routes(Generic[P]):
    """The places that may hear one message class."""

    def __init__(self, declaration: Declaration, places: Mapping[P, Sequence[str]]) -> None:
        self._open: dict[P, None] = {}
        self._named: dict[str, dict[str, dict[P, None]]] = {}
        rules = declaration.receiver_rules
        for place, addresses in places.items():
            for address in addresses:
                role, _, name = address.partition(".")
                if role not in rules and "*" not in rules:
                    continue
                bound = rules.get(role, rules.get("*"))
                if bound is None:
                    self._open[place] = None
                else:
                    self._named.setdefault(bound, {}).setdefault(name, {})[place] = None

    def find(self, message: object) -> list[P]:
        found = self._open
        for bound, by_name in self._named.items():
            if named := by_name.get(getattr(message, bound)):
                found = found | named
        return list(found)


class Router(Generic[P]):
    """Finds the places (processes) that may hear a message."""

    def __init__(self, places: Mapping[P, Sequence[str]]) -> None:
        self._places = places
        self._routes: dict[type, _Routes[P]] = {}

    def places(self, message: object) -> list[P]:
        """The places with components that may hear a message, each once."""
        cls = type(message)
        routes = self._routes.get(cls)
        if routes is None:
            routes = self._routes[cls] = _Routes(declaration_of(cls), self._places)
        return routes.find(message)
