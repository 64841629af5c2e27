"""Tariffs as files: TOML and URDB-shaped JSON give one value, and what is wrong is said all at once."""

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from gridbus.kernel import Envelope, InputError, decode, encode
from gridbus.kernel.codec import encoder, structured
from gridbus.kernel.columns import Columns
from gridbus.kernel.testing import CALENDAR
from gridbus.roles.interfaces import ChargeKind, TariffPublished
from gridbus.roles.lse.tariff import Tariff, components, load_tariff, tariff_names
from gridbus.roles.lse.tariff.schedule import Schedule

EVENINGS = [[0] * 16 + [1] * 6 + [0] * 2] * 12
NIGHTS = [[0] * 24] * 12

URDB: dict[str, Any] = {
    "label": "5cf1",
    "utility": "Any Utility",
    "name": "Everything (R-1)",
    "approved": True,
    "startdate": 1546300800,
    "energycomments": "as filed",
    "energyratestructure": [
        [{"max": 500, "rate": 0.1, "adj": 0.02, "sell": 0.03, "unit": "kWh"}, {"rate": 0.15, "sell": 0.03}],
        [{"max": 500, "rate": 0.3, "unit": "kWh"}, {"rate": 0.35, "max": 1e38}],
    ],
    "energyweekdayschedule": EVENINGS,
    "energyweekendschedule": NIGHTS,
    "demandratestructure": [[{"rate": 0}], [{"rate": 6}]],
    "demandweekdayschedule": EVENINGS,
    "demandweekendschedule": NIGHTS,
    "demandwindow": 30,
    "demandratchetpercentage": [0] * 12,
    "flatdemandstructure": [[{"rate": 4}], [{"rate": 5, "max": 10}, {"rate": 7}]],
    "flatdemandmonths": [0] * 4 + [1] * 5 + [0] * 3,
    "flatdemandunit": "kW",
    "fixedchargefirstmeter": 120,
    "fixedchargeunits": "$/year",
    "fixedchargeeaaddl": 3,
    "mincharge": 0.5,
    "minchargeunits": "$/day",
    "dgrules": "Net Billing Hourly",
}

TOML = """
name = "everything-r-1"

[energy]
periods = [
  { name = "period 0", export_per_kwh = 0.03, tiers = [
    { price_per_kwh = 0.12, up_to_kwh = 500 },
    { price_per_kwh = 0.15 },
  ] },
  { name = "period 1", tiers = [{ price_per_kwh = 0.3, up_to_kwh = 500 }, { price_per_kwh = 0.35 }] },
]
schedule = @SCHEDULE@

[export]
rule = "net-billing"
netting_min = 60

[[demand]]
name = "demand by time of use"
interval_min = 30
periods = [
  { name = "period 0", tiers = [{ price_per_kw = 0 }] },
  { name = "period 1", tiers = [{ price_per_kw = 6 }] },
]
schedule = @SCHEDULE@

[[demand]]
name = "demand"
interval_min = 30
periods = [
  { name = "period 0", tiers = [{ price_per_kw = 4 }] },
  { name = "period 1", tiers = [{ price_per_kw = 5, up_to_kw = 10 }, { price_per_kw = 7 }] },
]
schedule = { weekday = [[0], [0], [0], [0], [1], [1], [1], [1], [1], [0], [0], [0]] }

[[fixed]]
price = 10
per = "month"

[minimum]
amount = 0.5
per = "day"
""".replace("@SCHEDULE@", f"{{ weekday = {EVENINGS}, weekend = {NIGHTS} }}")


def written(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else orjson.dumps(content))
    return path


def faults_of(path: Path | str) -> list[str]:
    with pytest.raises(InputError) as caught:
        load_tariff(path)
    assert all(line.startswith(str(caught.value.source)) for line in caught.value.lines())
    return [str(fault) for fault in caught.value.faults]


def test_toml_and_the_utility_rate_database_give_the_same_tariff(tmp_path: Path) -> None:
    urdb = load_tariff(written(tmp_path, "rate.json", URDB))
    assert load_tariff(written(tmp_path, "rate.toml", TOML)) == urdb
    assert load_tariff(written(tmp_path, "answer.json", {"items": [URDB]})) == urdb


@pytest.mark.parametrize("name", tariff_names())
def test_every_built_in_tariff_is_good_and_goes_by_its_name(name: str) -> None:
    tariff = load_tariff(name)
    assert tariff.name == name
    assert tariff.description
    made, faults = structured(Tariff, orjson.loads(orjson.dumps(encoder(Tariff)(tariff))))
    assert (made, faults) == (tariff, [])


def test_the_built_in_tariffs_are_these() -> None:
    assert tariff_names() == [
        "demand",
        "dynamic",
        "flat",
        "net-billing",
        "net-metering",
        "subscription",
        "tiered",
        "time-of-use",
        "transactive",
    ]


def test_a_name_that_is_not_there_is_told_the_nearest() -> None:
    (fault,) = faults_of("time-off-use")
    assert "did you mean time-of-use?" in fault


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("rate.toml", "name = [", "not TOML"),
        ("rate.toml", "a = " + "[" * 3000, "nested too deep"),
        ("rate.json", "{", "not JSON"),
        ("rate.json", "[]", "expected an object"),
        ("rate.json", '{"items": []}', "expected one rate, got 0"),
        ("rate.yaml", "name: flat", "expected a file called .toml"),
    ],
)
def test_what_is_no_tariff_file_is_refused(tmp_path: Path, name: str, content: str, complaint: str) -> None:
    (fault,) = faults_of(written(tmp_path, name, content))
    assert complaint in fault


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert faults_of(tmp_path / "none.toml") == ["no such file"]
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in faults_of(tmp_path / "binary.toml")[0]
    (tmp_path / "folder.toml").mkdir()
    assert "cannot be read" in faults_of(tmp_path / "folder.toml")[0]


WRONG_TOML = """
name = "no name"
colour = "red"

[energy]
periods = [
  { name = "day", tiers = [{ price_per_kwh = "cheap" }] },
  { name = "night", tiers = [] },
  { name = "dawn", tiers = [{ price_per_kwh = 0.1, up_to_kwh = 5 }] },
  { name = "noon", tiers = [{ price_per_kwh = 0.1 }, { price_per_kwh = 0.2 }] },
  { name = "dusk", export_per_kwh = 0.1, tiers = [
    { price_per_kwh = 0.1, up_to_kwh = 9 }, { price_per_kwh = 0.2, up_to_kwh = 9 }, { price_per_kwh = 0.1 }] },
]

[energy.schedule]
weekday = [[0, 1], [4]]

[export]
rule = "net"
settlement_per_kwh = 0.1
netting_min = 7

[[demand]]
interval_min = 45
periods = []

[minimum]
amount = -1
"""


def test_every_fault_of_a_file_is_said_with_its_key(tmp_path: Path) -> None:
    faults = faults_of(written(tmp_path, "wrong.toml", WRONG_TOML))
    for key in (
        "name",
        "colour",
        "energy.periods[0].tiers[0].price_per_kwh",
        "energy.periods[1].tiers",
        "energy.periods[2].tiers[0].up_to_kwh",
        "energy.periods[3].tiers[0].up_to_kwh",
        "energy.periods[4].tiers[1].up_to_kwh",
        "energy.schedule.weekday",
        "export.settlement_per_kwh",
        "export.netting_min",
        "demand[0].periods",
        "demand[0].interval_min",
        "minimum.amount",
    ):
        assert any(fault.startswith(f"{key}: ") for fault in faults), key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "energy"),
        ('market = { rule = "subscription" }', "energy"),
        ('market = { rule = "dynamic" }\nexport = { rule = "none" }', "export.rule"),
        ('energy = { periods = [{ name = "a", tiers = [{ price_per_kwh = 1 }] }] }\n'
         'market = { rule = "dynamic" }\nexport = { rule = "net-metering" }', "export.rule"),
        ('energy = { periods = [{ name = "a", tiers = [{ price_per_kwh = 1 }] }] }\n'
         'market = { rule = "subscription" }\nexport = { rule = "none" }', "export.rule"),
        ('energy = { periods = [{ name = "a", tiers = [{ price_per_kwh = 1 }], export_per_kwh = 1 }] }',
         "energy.periods[0].export_per_kwh"),
        ('energy = { schedule = { weekday = [[1]] }, periods = [{ name = "a", tiers = [{ price_per_kwh = 1 }] }] }',
         "energy.schedule.weekday"),
        ('energy = { schedule = { weekend = [[0, 0]] }, periods = [{ name = "a", tiers = [{ price_per_kwh = 1 }] }] }',
         "energy.schedule.weekend"),
        ('export = { rule = "net-billing", settlement_month = 13 }\nfixed = [{ price = 1, per = "day" }]',
         "export.settlement_month"),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_each_other_are_refused(tmp_path: Path, text: str, key: str) -> None:
    faults = faults_of(written(tmp_path, "tariff.toml", f'name = "t"\n{text}'))
    assert any(fault.startswith(f"{key}: ") for fault in faults)


def test_every_fault_of_a_rate_of_the_database_is_said_with_its_key(tmp_path: Path) -> None:
    wrong = {
        **URDB,
        "energyratestructure": [
            [{"rate": 0.1, "max": 5, "unit": "kWh/kW"}, {"rate": 0.2, "sell": 0.1}],
            [{"rate": 0.1}, {"rate": 0.2}],
            [],
        ],
        "energyweekdayschedule": [[0] * 24] * 11,
        "energyweekendschedule": [[3] * 24] * 12,
        "demandratchetpercentage": [0.5] * 12,
        "coincidentratestructure": [[{"rate": 1.0}]],
        "fueladjustmentsmonthly": [0.01] + [0] * 11,
        "demandrateunit": "kVA",
        "demandwindow": 40,
        "flatdemandmonths": [2] * 12,
        "fixedmonthlycharge": 5,
        "dgrules": "Buy All Sell All",
    }
    faults = faults_of(written(tmp_path, "wrong.json", wrong))
    for key in (
        "energyratestructure[0][0].unit",
        "energyratestructure[0][1].sell",
        "energyratestructure[1][0].max",
        "energyratestructure[2]",
        "energyweekdayschedule",
        "energyweekendschedule",
        "demandratchetpercentage",
        "coincidentratestructure",
        "fueladjustmentsmonthly",
        "demandrateunit",
        "demandwindow",
        "flatdemandmonths",
        "fixedmonthlycharge",
        "dgrules",
    ):
        assert any(fault.startswith(f"{key}: ") for fault in faults), key


def test_a_rate_of_the_database_that_charges_nothing_is_refused(tmp_path: Path) -> None:
    (fault,) = faults_of(written(tmp_path, "nothing.json", {"name": "nothing"}))
    assert "charges something" in fault


def test_schedules_of_demand_that_costs_nothing_say_nothing(tmp_path: Path) -> None:
    without = {key: entry for key, entry in URDB.items() if "structure" not in key or key.startswith("energy")}
    assert load_tariff(written(tmp_path, "rate.json", without)).demand == ()


@pytest.mark.parametrize(
    ("changes", "rule", "export_per_kwh"),
    [
        ({"dgrules": "Net Metering"}, "net-metering", 0.0),
        ({"dgrules": "Net Billing Instantaneous"}, "net-billing", 0.03),
        ({"dgrules": None}, "net-billing", 0.03),
        ({"dgrules": None, "usenetmetering": True}, "net-metering", 0.0),
    ],
)
def test_the_rule_of_exports_follows_what_the_database_says(
    tmp_path: Path, changes: dict[str, Any], rule: str, export_per_kwh: float
) -> None:
    tariff = load_tariff(written(tmp_path, "rate.json", {**URDB, **changes}))
    assert tariff.energy is not None
    assert (tariff.export.rule.value, tariff.energy.periods[0].export_per_kwh) == (rule, export_per_kwh)


def test_a_schedule_of_one_row_or_one_entry_is_that_of_all_months_or_hours() -> None:
    full = Schedule(tuple(map(tuple, EVENINGS)), tuple(map(tuple, NIGHTS))).table()
    assert full.shape == (2, 12, 24)
    assert np.array_equal(Schedule((tuple(EVENINGS[0]),), ((0,),)).table(), full)
    assert np.array_equal(Schedule((tuple(EVENINGS[0]),)).table()[1], full[0])


@pytest.mark.parametrize("name", ["time-of-use", "tiered", "demand", "net-billing"])
def test_the_published_components_tell_the_price_of_every_hour(name: str) -> None:
    tariff = load_tariff(name)
    assert tariff.energy is not None
    published = [each for each in components(tariff) if each.kind is ChargeKind.ENERGY]
    for (weekend, month, hour), period in np.ndenumerate(tariff.energy.schedule.table()):
        there = [
            (each.above, each.price)
            for each in published
            if month + 1 in each.season and hour in (each.weekend_hours if weekend else each.weekday_hours)
        ]
        tiers = tariff.energy.periods[period].tiers
        bounds = [0.0, *(tier.up_to_kwh for tier in tiers[:-1])]
        assert there == [(bound, tier.price_per_kwh) for bound, tier in zip(bounds, tiers, strict=True)]


@pytest.mark.parametrize("name", tariff_names())
def test_a_published_tariff_goes_over_the_bus_and_into_the_records(name: str) -> None:
    published = TariffPublished(lse="green", tariff=name, description="any", components=components(load_tariff(name)))
    assert decode(TariffPublished, encode(published)) == published
    envelope = Envelope(published, "lse.green", 1, 0, 0)
    table = Columns(TariffPublished, CALENDAR).table([envelope], [envelope.body])
    assert table["components.price"].to_pylist() == [[each.price for each in published.components]]
    assert table["components.season"].to_pylist() == [[list(each.season) for each in published.components]]


def test_the_published_components_are_all_that_is_charged() -> None:
    kinds = {name: [each.kind.value for each in components(load_tariff(name))] for name in tariff_names()}
    assert kinds == {
        "demand": ["energy", "demand", "demand", "demand", "fixed"],
        "dynamic": ["market", "fixed"],
        "flat": ["energy", "fixed"],
        "net-billing": ["energy", "export", "fixed", "minimum"],
        "net-metering": ["energy", "export", "fixed"],
        "subscription": ["energy"] * 4 + ["market", "fixed"],
        "tiered": ["energy"] * 3 + ["fixed"],
        "time-of-use": ["energy"] * 4 + ["fixed"],
        "transactive": ["market", "market", "fixed"],
    }
