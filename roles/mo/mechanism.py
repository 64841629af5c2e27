"""Market mechanisms: how a slot is cleared once its demand and its supply are known.

A mechanism is found by name: the two that are here, or an entry of the group ``gridbus.mechanisms``. One that finds its
prices by talking to the participants, as consensus does, has ``negotiate``, which runs during the state Negotiation and
has to be done by its end; what it returns for a slot is given back to ``clear``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import ClassVar, Protocol, runtime_checkable

import attrs

from ...kernel import Instant, Port, UsageError
from ...kernel.plugins import load, names, unknown
from ..auction.clearing import SupplyCurve, clear
from ..auction.curves import aggregate
from ..auction.safe_clearing import Slot, SlotResult, clear_slot


@attrs.frozen
class Negotiation:
    """What a mechanism that negotiates may know and use."""

    port: Port
    product: str
    clearing: Instant
    slot_starts: tuple[Instant, ...]
    end: Instant
    """First instant of the market lead; what is not agreed by then is left to ``clear``."""
    expected_price_per_kwh: tuple[float, ...]
    """Price of each slot to start from; empty where nothing is known."""


@runtime_checkable
class Mechanism(Protocol):
    """A way to clear the slots of a market; one object serves all markets, and keeps nothing of any."""

    @property
    def takes_orders(self) -> bool:
        """Whether participants send orders; without them they are told a price."""

    def clear(
        self,
        slot: Slot,
        *,
        market_limit_kw: float | None,
        transformer_limit_kw: Mapping[int, float],
        agreed: object = None,
    ) -> SlotResult:
        """Price and awards of a slot, within limits on what its orders draw together [kW].

        ``agreed`` is what ``negotiate`` has returned for the slot.
        """

    async def negotiate(self, negotiation: Negotiation) -> Mapping[Instant, object]:
        """Talk to the participants before the market lead; returns what is agreed, by start of the slot."""


@attrs.frozen
class DoubleAuction:
    """Orders of both sides against the retailer's supply, one price for all but for binding transformers."""

    takes_orders: ClassVar[bool] = True

    def clear(
        self,
        slot: Slot,
        *,
        market_limit_kw: float | None,
        transformer_limit_kw: Mapping[int, float],
        agreed: object = None,
    ) -> SlotResult:
        """The exact crossing of demand and supply."""
        return clear_slot(slot, market_limit_kw=market_limit_kw, transformer_limit_kw=transformer_limit_kw)

    async def negotiate(self, negotiation: Negotiation) -> Mapping[Instant, object]:
        """Orders are sealed: nothing to negotiate."""
        return {}


@attrs.frozen
class PriceOnly:
    """A dynamic price: the retailer's, within floor and cap; customers take it and respond as they like."""

    takes_orders: ClassVar[bool] = False

    def clear(
        self,
        slot: Slot,
        *,
        market_limit_kw: float | None,
        transformer_limit_kw: Mapping[int, float],
        agreed: object = None,
    ) -> SlotResult:
        """The supply price for all load, which is estimated and not bid; nothing is awarded.

        Limits are on orders, of which there are none: devices are limited by the distribution operator.
        """
        clearing = clear(
            aggregate(slot.quantity_kw, slot.price_per_kwh, fixed_kw=slot.inelastic_kw),
            SupplyCurve.flat(slot.supply_price_per_kwh, slot.supply_kw, export_kw=slot.supply_kw),
            price_cap=slot.price_cap_per_kwh,
            price_floor=slot.price_floor_per_kwh,
        )
        nobody = slot.quantity_kw.sum(axis=1)
        return SlotResult(clearing, nobody, nobody.copy(), ())

    async def negotiate(self, negotiation: Negotiation) -> Mapping[Instant, object]:
        """Nobody is asked."""
        return {}


_BUILT_IN: Mapping[str, Mechanism] = {"double-auction": DoubleAuction(), "price-only": PriceOnly()}


@cache
def mechanism(name: str) -> Mechanism:
    """The mechanism of a name.

    Raises:
        UsageError: no installed package has it, or what it has is no mechanism.
    """
    if name in _BUILT_IN:
        return _BUILT_IN[name]
    there = names("mechanisms")
    if name not in there:
        raise UsageError(unknown("mechanism", name, [*_BUILT_IN, *there]))
    made: object = load("mechanisms", name)
    if isinstance(made, type) or not isinstance(made, Mechanism):
        raise UsageError(
            f"the entry point of mechanism {name!r} is {made!r}; expected an object with clear and negotiate"
        )
    return made
