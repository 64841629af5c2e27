"""What the settings of the roles complain about, and what they need beside them."""

from typing import Any

import attrs
import pytest

from gridbus.roles.do import DistributionOperator
from gridbus.roles.do.operator import Transformer
from gridbus.roles.lse import Retailer
from gridbus.roles.lse.procurement import NodePrices, RetailPrice
from gridbus.roles.lse.retailer import LoadClass, TariffOffer
from gridbus.roles.mo import MarketOperator
from gridbus.roles.mo.operator import Halt
from gridbus.roles.mo.spec import MarketSpec
from gridbus.roles.series import SlotSeries
from gridbus.roles.settlement.rules import SettlementRules
from gridbus.roles.weather import WeatherStation
from gridbus.roles.wholesale import WholesaleMarket

SERIES = MarketSpec(
    product="real-time",
    slot_min=5.0,
    slots=1,
    first_min=5.0,
    delivery_lead_min=0.5,
    market_lead_min=0.5,
    gate_min=0.25,
)
MARKET = MarketOperator(lse="green", do="wires", series=(SERIES,))
REFINING = attrs.evolve(SERIES, refines="day-ahead")
AHEAD = attrs.evolve(SERIES, product="day-ahead", slot_min=60.0, slots=24, first_min=60.0)
REFINED = MarketOperator(lse="green", do="wires", series=(AHEAD, REFINING))
ITEMISED = SettlementRules(itemised=True)
WHOLESALE_SERIES = SlotSeries(product="real-time", slot_min=5.0, slots=1, first_min=5.0, call_min=1.0, gate_min=0.6)
WHOLESALE = WholesaleMarket(series=(WHOLESALE_SERIES,), intercept_per_kwh=(0.1,) * 24)
FLAT = TariffOffer(name="flat")
TRANSACTIVE = TariffOffer(name="gold", tariff="transactive", market="retail")
HOMES = LoadClass(name="residential", profile_kw=(1.0,) * 24, weekend_kw=(2.0,) * 24)
RETAILER = Retailer(wholesale="iso", profile_kw=(1.0,) * 24, tariffs=(FLAT, TRANSACTIVE), classes=(HOMES,))
WIRES = DistributionOperator(
    substation_limit_kw=50.0, transformers=(Transformer(name="t1", rating_kva=25.0),), peak_kw=40.0
)
WEATHER = WeatherStation()


SOUND = [
    SERIES,
    MARKET,
    REFINED,
    ITEMISED,
    WHOLESALE_SERIES,
    WHOLESALE,
    FLAT,
    TRANSACTIVE,
    HOMES,
    RETAILER,
    WIRES,
    WEATHER,
]


@pytest.mark.parametrize("settings", SOUND)
def test_sound_settings_give_no_complaint(settings: Any) -> None:
    assert list(settings.check()) == []


@pytest.mark.parametrize(
    ("settings", "changes", "key"),
    [
        (SERIES, {"gate_min": 0.6}, "gate_min"),
        (SERIES, {"first_min": 0.9}, "first_min"),
        (SERIES, {"every_min": 2.5}, "every_min"),
        (SERIES, {"price_floor_per_kwh": 1.0}, "price_cap_per_kwh"),
        (SERIES, {"product": "real time"}, "product"),
        (SERIES, {"slot_min": 1e-12}, "slot_min"),
        (SERIES, {"scarcity_price_per_kwh": 1.1}, "scarcity_price_per_kwh"),
        (SERIES, {"fallback_price_per_kwh": -0.1}, "fallback_price_per_kwh"),
        (WHOLESALE_SERIES, {"product": "dayahead"}, "product"),
        (ITEMISED, {"decimals": 3}, "decimals"),
        (REFINED, {"series": (AHEAD, SERIES)}, "series[1].refines"),
        (REFINED, {"series": (attrs.evolve(AHEAD, refines="real-time"), REFINING)}, "series[0].refines"),
        (MARKET, {"series": (SERIES, SERIES)}, "series"),
        (MARKET, {"series": (attrs.evolve(SERIES, refines="day-ahead"),)}, "series[0].refines"),
        (Halt(from_min=1.0, to_min=2.0, reason="storm"), {"to_min": 1.0}, "to_min"),
        (WHOLESALE_SERIES, {"call_min": 0.6}, "call_min"),
        (WHOLESALE_SERIES, {"first_min": 0.0}, "first_min"),
        (WHOLESALE_SERIES, {"first_min": 60.0, "call_min": 10.0}, "call_min"),
        (WHOLESALE, {"intercept_per_kwh": (0.1,) * 23}, "intercept_per_kwh"),
        (WHOLESALE, {"series": (WHOLESALE_SERIES, WHOLESALE_SERIES)}, "series"),
        (RETAILER, {"profile_kw": (1.0,) * 25}, "profile_kw"),
        (RETAILER, {"weekend_kw": (1.0,) * 7}, "weekend_kw"),
        (RETAILER, {"tariffs": ()}, "tariffs"),
        (RETAILER, {"tariffs": (FLAT, FLAT)}, "tariffs"),
        (RETAILER, {"classes": (HOMES, HOMES)}, "classes"),
        (RETAILER, {"retail_price": RetailPrice.NODE_CURVE}, "node_curve"),
        (HOMES, {"profile_kw": ()}, "profile_kw"),
        (HOMES, {"weekend_kw": (1.0,)}, "weekend_kw"),
        (FLAT, {"name": "no name", "tariff": "flat"}, "name"),
        (FLAT, {"name": "flta"}, "tariff"),
        (FLAT, {"tariff": "no/such/file.toml"}, "tariff"),
        (TRANSACTIVE, {"market": "none"}, "market"),
        (WIRES, {"transformers": ()}, "transformers"),
        (WIRES, {"transformers": WIRES.transformers * 2}, "transformers"),
        (WEATHER, {"interval_min": 7.0}, "interval_min"),
        (WEATHER, {"interval_min": 90.0}, "interval_min"),
        (WEATHER, {"interval_min": 1e-12}, "interval_min"),
    ],
)
def test_a_contradiction_is_complained_about_under_its_key(settings: Any, changes: dict[str, Any], key: str) -> None:
    complaints = list(attrs.evolve(settings, **changes).check())
    assert [name for name, _ in complaints] == [key]
    assert all(text for _, text in complaints)


def test_all_complaints_come_at_once() -> None:
    settings = attrs.evolve(RETAILER, profile_kw=(), tariffs=(), retail_price=RetailPrice.NODE_CURVE)
    assert [name for name, _ in settings.check()] == ["profile_kw", "tariffs", "node_curve"]


def test_a_price_from_a_curve_has_a_curve() -> None:
    curve = (NodePrices(intercept_per_kwh=0.02),)
    assert list(attrs.evolve(RETAILER, retail_price=RetailPrice.NODE_CURVE, node_curve=curve).check()) == []


def test_members_that_a_role_needs_are_named() -> None:
    assert list(MARKET.references()) == [("lse", "lse.green"), ("do", "do.wires")]
    assert list(RETAILER.references()) == [("wholesale", "wholesale.iso"), ("tariffs[1].market", "mo.retail")]
