"""``gridbus agent``: the single-agent test bed on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs

from ...kernel import Fault, InputError
from .curves import EVENING, KINDS, bid_curves, default_customer
from .picture import draw
from .text import table


@attrs.frozen
class _Numbers:
    """An option that is a list of numbers."""

    name: str
    metavar: str
    default: str
    help: str
    mark: str
    expected: str
    is_good: Callable[[list[float]], bool]


_OPTIONS = (
    _Numbers(
        "price",
        "LOW:HIGH",
        "0.05:0.30",
        "prices between which the day swings, in $/kWh",
        ":",
        "LOW:HIGH, the higher one last, within -10 to 10",
        lambda found: len(found) == 2 and -10.0 <= found[0] < found[1] <= 10.0,
    ),
    _Numbers(
        "slider",
        "LIST",
        "0.2,0.6,1",
        "how far the customer trades comfort for money, 0 to 1",
        ",",
        "numbers within 0 to 1",
        lambda found: all(0.0 <= each <= 1.0 for each in found),
    ),
    _Numbers(
        "outdoor",
        "LIST",
        "25,30,35",
        "outdoor temperatures, in degC",
        ",",
        "numbers within -40 to 50",
        lambda found: all(-40.0 <= each <= 50.0 for each in found),
    ),
)


class AgentCommand:
    """What one device bids, against price, slider and weather: as text, and as a picture if asked for."""

    help = "print or draw what one device bids, against price, slider and weather"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """The kind of device, and what its bids are shown against."""
        parser.add_argument("kind", choices=KINDS, metavar="KIND", help=f"kind of device: {', '.join(KINDS)}")
        for option in _OPTIONS:
            parser.add_argument(
                f"--{option.name}",
                default=option.default,
                metavar=option.metavar,
                help=f"{option.help} (default: %(default)s)",
            )
        parser.add_argument("--plot", metavar="FILE", help="draw the curves too, as .png, .svg or .pdf")

    def run(self, options: argparse.Namespace) -> Iterator[str]:
        """Print the four points of every bid; draw first, so that a fault of the file is told before anything.

        Raises:
            InputError: an option cannot be read; says of each what was expected.
            UsageError: the picture cannot be drawn.
        """
        (low, high), sliders, outdoors_c = _read(options)
        curves = [
            bid_curves(options.kind, sliders=sliders, outdoor_c=each, low_per_kwh=low, high_per_kwh=high)
            for each in outdoors_c
        ]
        title = _title(options.kind, low, high)
        if options.plot is not None:
            draw(Path(options.plot), title, sliders, curves)
        yield title
        yield from table(sliders, curves)
        if options.plot is not None:
            yield f"{options.plot} drawn"


COMMAND = AgentCommand()


def _title(kind: str, low: float, high: float) -> str:
    import_kw, export_kw = KINDS[kind].ratings_kw(default_customer())
    clock = EVENING.local(0)
    return (
        f"{kind} of {import_kw:.1f} kW{f' (injects {export_kw:.1f} kW)' if export_kw else ''}, "
        f"{clock:%A} {clock:%H:%M}, prices of {low:g} to {high:g} $/kWh"
    )


def _read(options: argparse.Namespace) -> tuple[list[float], list[float], list[float]]:
    """Prices, sliders and outdoor temperatures."""
    faults: list[Fault] = []
    prices, sliders, outdoors_c = (_numbers(option, getattr(options, option.name), faults) for option in _OPTIONS)
    if faults:
        raise InputError("gridbus agent", faults)
    return prices, sliders, outdoors_c


def _numbers(option: _Numbers, text: str, faults: list[Fault]) -> list[float]:
    try:
        found = [float(part) for part in text.split(option.mark)]
    except ValueError:
        found = []
    if not (found and option.is_good(found)):
        faults.append(Fault(f"--{option.name}", f"expected {option.expected}, got {text!r}"))
    return found
