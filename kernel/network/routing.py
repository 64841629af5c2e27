"""Which process has components that may hear a message: by the contract alone, whether they listen or not."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from ..message import Declaration

P = TypeVar("P", bound=Hashable)


class Routes(Generic[P]):
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

    def places(self, body: Mapping[str, object]) -> Iterable[P]:
        """The places with components that may hear a message, given in its encoded form; each once."""
        if not self._named:
            return self._open
        found = self._open
        for bound, by_name in self._named.items():
            name = body.get(bound)
            if isinstance(name, str) and (named := by_name.get(name)):
                found = found | named if found else named
        return found


class Router(Generic[P]):
    """Finds the places (processes) that may hear a message."""

    def __init__(self, places: Mapping[P, Sequence[str]]) -> None:
        self._places = places
        self._routes: dict[str, Routes[P]] = {}

    def routes(self, declaration: Declaration) -> Routes[P]:
        """Where the messages of a class may go."""
        routes = self._routes.get(declaration.name)
        if routes is None:
            routes = self._routes[declaration.name] = Routes(declaration, self._places)
        return routes
