"""Rules for the simulated logs: the real weights, and rates made so that every branch is met."""

import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from schemas.config_files import read_toml
from schemas.rate_rows import CatalogueRow
from schemas.rates import GiftRate, RateRows, Rates, RewardsRate
from schemas.weights import WEIGHTS_PATH, Weights
from scripts.recount import Rules as PlainRules
from streams.values import Rules
from tests.oracle.events import DAY_MS, HOUR_MS, T0_MS

GAP_MS = (T0_MS + 40 * DAY_MS, T0_MS + 41 * DAY_MS)  # no gift rate is valid then
_BEGINNING_MS = 1_451_606_400_000


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The same rules for the pipeline and for the recount."""

    pipeline: Rules
    plain: PlainRules


@cache
def rule_set(
    *,
    horizon_ms: int = DAY_MS,
    pane_keep_ms: int = 900_000,
    threshold_views: int = 2,
    backlog: bool = False,
    free_gifts: bool = False,
    price_list: bool = False,
) -> RuleSet:
    """Return rules with a low reward threshold, dated rates and a gap in them.

    With `free_gifts` a coin is worth nothing before T0; with `price_list` only a rose of 10 coins is
    a gift.
    """
    rates = Rates(
        gift_preset="A",
        gift=[
            _gift("g-1", _BEGINNING_MS, T0_MS, 0 if free_gifts else 2_500),
            _gift("g-2", T0_MS, GAP_MS[0], 2_400),
            _gift("g-3", GAP_MS[1], None, 100),
        ],
        creator_rewards=[
            _rewards("r-1", "*", _BEGINNING_MS, T0_MS, 1_234_567, threshold_views, backlog=backlog),
            _rewards("r-2", "*", T0_MS, None, 400_001, threshold_views, backlog=backlog),
            _rewards("r-de", "DE", _BEGINNING_MS, None, 9, threshold_views + 1, backlog=backlog),
        ],
        more=RateRows(unknown_gifts="refuse", gift_catalogue=[_rose()]) if price_list else None,
    )
    weights = small_pools()
    return RuleSet(
        Rules(rates, weights, horizon_ms=horizon_ms, pane_keep_ms=pane_keep_ms),
        PlainRules(
            rates=rates,
            region="US",
            points=weights.points,
            half_life_ms=weights.half_life_ms,
            fast_half_life_ms=weights.fast_half_life_ms,
            weights=weights,
            horizon_ms=horizon_ms,
        ),
    )


@cache
def small_pools() -> Weights:
    """Return the weights that ship, with pools that a few events decide, other ones after T0."""
    table = copy.deepcopy(dict(read_toml(WEIGHTS_PATH)))
    for cohort in table["cohort"]:
        cohort["prior_impressions"] = 2
    early = next(row for row in table["value_model"] if row["preset"] == table["preset"])
    early |= {"wilson_z": 0.5, "like_rate_max": 0.9}
    early["pools"] = [_pool("P1", 1, 0.5), _pool("P2", 3, 1.0), _pool("P3", 5, 3.0)]
    late = early | {"version": "late", "valid_from": _at(T0_MS)}
    late["pools"] = [_pool("P1", 2, 0.1, "like"), _pool("P3", 4, 0.7), _pool("P4", 6, 0.2, "like")]
    table["value_model"].append(late)
    early["valid_to"] = _at(T0_MS)
    (fraud,) = table["fraud"]
    table["fraud"].append(fraud | {"version": "late fraud", "valid_from": _at(T0_MS + HOUR_MS)})
    fraud |= {"valid_to": _at(T0_MS), "watched_ms": 5_001}
    return Weights.model_validate(table)


def _pool(name: str, impressions: int, threshold: float, by: str = "value") -> dict[str, Any]:
    fields = {"by": by, "threshold": threshold, "hold_minutes": 2}
    return {"name": name, "impressions": impressions, **fields}


def _at(time_ms: int) -> datetime:
    return datetime.fromtimestamp(time_ms / 1000, UTC)


def _rose() -> CatalogueRow:
    return CatalogueRow(
        version="rose-1",
        gift_id="rose",
        region="*",
        name="Rose",
        valid_from=_at(_BEGINNING_MS),
        coins=10,
        source="made up",
    )


def _gift(version: str, from_ms: int, to_ms: int | None, micros_per_coin: int) -> GiftRate:
    return GiftRate(
        version=version,
        preset="A",
        valid_from=_at(from_ms),
        valid_to=None if to_ms is None else _at(to_ms),
        micros_per_coin=micros_per_coin,
        currency="USD",
        source="made up",
    )


def _rewards(
    version: str,
    region: str,
    from_ms: int,
    to_ms: int | None,
    rpm_micros: int,
    threshold_views: int,
    *,
    backlog: bool,
) -> RewardsRate:
    return RewardsRate(
        version=version,
        region=region,
        valid_from=_at(from_ms),
        valid_to=None if to_ms is None else _at(to_ms),
        rpm_micros_per_1000=rpm_micros,
        min_duration_ms=60_000,
        threshold_views=threshold_views,
        threshold_variant="backlog" if backlog else "excess",
        currency="USD",
        source="made up",
    )
