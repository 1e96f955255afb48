"""Shows or checks the dated weights that ranking depends on.

`show` prints the points of the decayed score, every cohort and every value model with its period,
weights, pools and source; `check` reads the file and says whether it can be used. A file is checked
whole: strict types, no unknown keys, every version once, no two value models of one preset valid at
the same time, pools that rise. Without --weights it is the file that ENGAGE_WEIGHTS names, else the
one that ships with engage.

Exit code 2 says that the file cannot be used; the message names the file and the key.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from schemas.ranking import Cohort, Pool, ValueModel
from schemas.rate_rows import DatedRow
from schemas.weights import WEIGHTS_PATH, Weights, load_weights
from streams.config import load_settings

HELP = "show or check the dated weights of scores, values and pools"
EXAMPLES = """\
Examples:
  engage weights show                                   the weights in use, with their sources
  engage weights show --weights my-weights.toml
  engage weights check --weights my-weights.toml        before a worker uses it

A change is a new row with a new version, never an edit: scores and decisions name their version.
Rates and values are per impression, play time is in seconds, holds are in minutes.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("action", choices=("show", "check"), help="print all rows, or only a word")
    parser.add_argument(
        "--weights", metavar="FILE", help="a weights file; else the environment's ENGAGE_WEIGHTS"
    )


def run(args: argparse.Namespace) -> int:
    """Show or check the file."""
    file = Path(args.weights or load_settings().weights or WEIGHTS_PATH)
    weights = load_weights(file)
    if args.action == "show":
        print("\n".join(listing(weights)))
    else:
        presets = {row.preset for row in weights.value_models}
        print(
            f"{file}: sound: score {weights.version}, {len(weights.value_models)} value models of "
            f"{len(presets)} presets, {len(weights.cohorts)} cohorts"
        )
    return 0


def listing(weights: Weights) -> Iterator[str]:
    """Yield the file as lines of text: score, cohorts, value models, in the file's order."""
    yield f"pools go by preset {weights.preset}"
    yield f"\nscore\n  {weights.version}: from {weights.valid_from.isoformat()}"
    yield f"    half_life_ms = {weights.half_life_ms:,}"
    yield f"    fast_half_life_ms = {weights.fast_half_life_ms:,}"
    yield f"    points: {_inline(weights.points)}"
    yield "\ncohort"
    for cohort in weights.cohorts:
        yield from _cohort(cohort)
    yield "\nvalue_model"
    for row in weights.value_models:
        yield from _value_model(row)
    for kind, rules in (("burst", weights.bursts), ("fraud", weights.frauds)):
        yield f"\n{kind}"
        for rule in rules:
            yield from _figures(rule)


def _cohort(cohort: Cohort) -> Iterator[str]:
    yield f"  {cohort.version}"
    yield f"    prior_impressions = {cohort.prior_impressions:,}"
    yield f"    rates: {_inline(cohort.rates.model_dump())}"
    yield f"    source: {cohort.source}"


def _value_model(row: ValueModel) -> Iterator[str]:
    yield f"  {row.version}: {_period(row)}"
    yield f"    preset = {row.preset}, cohort = {row.cohort}"
    yield f"    wilson_z = {row.wilson_z:g}, like_rate_max = {row.like_rate_max:g}"
    yield f"    weights: {_inline(row.weights.model_dump())}"
    yield from (f"    pool {_pool(pool)}" for pool in row.pools)
    yield f"    source: {row.source}"


def _figures(row: DatedRow) -> Iterator[str]:
    yield f"  {row.version}: {_period(row)}"
    figures = row.model_dump(exclude={"version", "valid_from", "valid_to", "source"})
    yield from (f"    {name} = {figure:g}" for name, figure in figures.items())
    yield f"    source: {row.source}"


def _period(row: DatedRow) -> str:
    end = "open" if row.valid_to is None else f"to {row.valid_to.isoformat()}"
    return f"from {row.valid_from.isoformat()}, {end}"


def _pool(pool: Pool) -> str:
    return (
        f"{pool.name}: {pool.impressions:,} impressions, {pool.by} >= {pool.threshold:g}, "
        f"held {pool.hold_minutes:,} min"
    )


def _inline(table: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in table.items())
