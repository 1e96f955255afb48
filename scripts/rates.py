"""Shows or checks the dated rates that price events.

`show` prints every row with its period, figures and source; `check` reads the file and says whether
it can be used. A file is checked whole: strict types, no unknown keys, every version once, no two
rows of one kind valid at the same time. Without --rates it is the file that ENGAGE_RATES names,
else the one that ships with engage.

Exit code 2 says that the file cannot be used; the message names the file and the key.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from schemas.rate_rows import (
    AffiliateTerms,
    BrandTerms,
    CatalogueRow,
    CommissionRate,
    DatedRow,
    FundRate,
    GiftRate,
    PayoutTerms,
    RewardsRate,
    SaleFees,
)
from schemas.rates import RATES_PATH, Rates, load_rates
from streams.config import load_settings

HELP = "show or check the dated rates"
EXAMPLES = """\
Examples:
  engage rates show                               the rates in use, with the source of each figure
  engage rates show --rates my-rates.toml
  engage rates check --rates my-rates.toml        before a worker or `settle` uses it

A change is a new row with a new version, never an edit: ledger entries name their version. Amounts
are micro-units (1 USD = 1,000,000), bps are 1/10,000 and ppm 1/1,000,000.
"""
KINDS: dict[type[DatedRow], str] = {
    GiftRate: "gift",
    CatalogueRow: "gift_catalogue",
    FundRate: "creator_fund",
    RewardsRate: "creator_rewards",
    AffiliateTerms: "affiliate",
    CommissionRate: "commission",
    SaleFees: "sale_fees",
    BrandTerms: "brand_deal",
    PayoutTerms: "payout",
}
_COMMON = {"version", "valid_from", "valid_to", "source"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("action", choices=("show", "check"), help="print all rows, or only a word")
    parser.add_argument(
        "--rates", metavar="FILE", help="a rates file; else the environment's ENGAGE_RATES"
    )


def run(args: argparse.Namespace) -> int:
    """Show or check the file."""
    file = Path(args.rates or load_settings().rates or RATES_PATH)
    rates = load_rates(file)
    if args.action == "show":
        print("\n".join(listing(rates)))
    else:
        kinds = {KINDS[type(row)] for row in rates.all}
        print(f"{file}: sound: {len(rates.all)} rows of {len(kinds)} kinds")
    return 0


def listing(rates: Rates) -> Iterator[str]:
    """Yield the rows as lines of text, one kind after the other, in the file's order."""
    kind = ""
    yield f"pay day: {rates.pay_day_time_zone}; gifts: preset {rates.gift_preset}"
    for row in rates.all:
        if KINDS[type(row)] != kind:
            kind = KINDS[type(row)]
            yield f"\n{kind}"
        yield f"  {row.version}: {_period(row)}"
        yield from (f"    {name} = {value}" for name, value in _figures(row))
        yield f"    source: {row.source}"


def _period(row: DatedRow) -> str:
    end = "open" if row.valid_to is None else f"to {row.valid_to.isoformat()}"
    return f"from {row.valid_from.isoformat()}, {end}"


def _figures(row: DatedRow) -> Iterator[tuple[str, str]]:
    for name, value in row.model_dump(exclude=_COMMON).items():
        if isinstance(value, int):
            yield name, f"{value:,}"
        elif isinstance(value, str):
            yield name, value
        else:
            parts = value if isinstance(value, list) else [value]
            yield name, "; ".join(_inline(part) for part in parts)


def _inline(part: object) -> str:
    return part if isinstance(part, str) else json.dumps(part)[1:-1].replace('"', "")
