"""Bids of one device as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...kernel import UsageError
from .curves import BidCurves
from .text import Shown, distinct, slots

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANEL_IN, HEAD_IN, DPI = 2.5, 1.1, 150
"""Size of a panel and of what is above and below all, and points to the inch. [in]"""
PALE, DARK = 0.85, 0.15
"""The colours of the first and the last slider, on a scale from dark to pale."""
WIDEST, NARROWEST = 4.5, 1.5
"""Widths of their lines, so that of curves that are the same each is seen. [pt]"""
MARGIN = 0.08
"""Room above the highest price and below the lowest, as a share of what lies between."""

Row = tuple[str, list[Shown]]
"""A weather and its slots."""


def draw(path: Path, title: str, sliders: Sequence[float], curves: Sequence[BidCurves]) -> None:
    """Draw price against power: a row a weather, a column a slot, a line a slider.

    Raises:
        UsageError: matplotlib is not there, or the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError("--plot draws with matplotlib, which is not there: pip install 'gridbus[plot]'") from None
    rows = [(weather, slots(each)) for weather, each in distinct(curves)]
    columns = len(rows[0][1])
    figure = Figure(figsize=(PANEL_IN * columns, PANEL_IN * len(rows) + HEAD_IN), dpi=DPI, layout="constrained")
    panels = figure.subplots(len(rows), columns, sharex=True, sharey=True, squeeze=False)
    for panel_row, row in zip(panels, rows, strict=True):
        for panel, slot in zip(panel_row, row[1], strict=True):
            _panel(panel, slot, sliders, _edges(rows))
    _name(panels.tolist(), rows)
    figure.suptitle(title)
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=len(sliders) + 1)
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be drawn: {error}") from None


def _edges(rows: Sequence[Row]) -> tuple[float, float]:
    """Lowest and highest price of the panels."""
    prices = np.stack([slot.price_per_kwh for _, shown in rows for slot in shown])
    lowest, highest = float(prices.min()), float(prices.max())
    room = MARGIN * (highest - lowest)
    return lowest - room, highest + room


def _panel(panel: Axes, slot: Shown, sliders: Sequence[float], edges: tuple[float, float]) -> None:
    from matplotlib import colormaps

    colours = colormaps["viridis"](np.linspace(PALE, DARK, len(sliders)))
    widths = np.linspace(WIDEST, NARROWEST, len(sliders))
    panel.axhline(slot.expected_per_kwh, color="grey", linewidth=1.0, linestyle=":", label="expected price")
    panel.axvline(0.0, color="lightgrey", linewidth=0.8, zorder=0.5)
    for place, slider in enumerate(sliders):
        kw, price = slot.quantity_kw[place], slot.price_per_kwh[place]
        panel.plot(
            [kw[0], *kw, kw[-1]],
            [edges[1], *price, edges[0]],
            color=colours[place],
            linewidth=widths[place],
            marker="o",
            markersize=widths[place] + 2.0,
            markevery=[1, 2, 3, 4],
            label=f"slider {slider:g}",
        )
    panel.set_ylim(*edges)
    panel.spines[["top", "right"]].set_visible(False)
    panel.grid(color="whitesmoke")


def _name(panels: Sequence[Sequence[Axes]], rows: Sequence[Row]) -> None:
    """Say what columns, rows and axes are."""
    for panel_row, (weather, _) in zip(panels, rows, strict=True):
        panel_row[0].set_ylabel(f"{weather}\nprice [\\$/kWh]")
    for panel, slot in zip(panels[0], rows[0][1], strict=True):
        panel.set_title(slot.name, fontsize="medium")
    for panel in panels[-1]:
        panel.set_xlabel("power [kW]")
