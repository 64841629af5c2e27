"""``python -m gridbus.roles.lse.rate_making RUN_FOLDER``: the rates that would have recovered the expenses of a run."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from ....kernel import UsageError
from ..tariff import load_tariff
from .recorded import rates_in, text


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the rates of a run folder; returns the exit code."""
    parser = ArgumentParser(prog="python -m gridbus.roles.lse.rate_making", description=__doc__)
    parser.add_argument("run_folder", type=Path)
    parser.add_argument(
        "--time-of-use",
        default="time-of-use",
        metavar="TARIFF",
        help="tariff with the periods and the ratios of their prices, a file or a built-in one",
    )
    chosen = parser.parse_args(arguments)
    try:
        rates = rates_in(chosen.run_folder, load_tariff(chosen.time_of_use))
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(text(rates))
    return 0


if __name__ == "__main__":
    sys.exit(main())
