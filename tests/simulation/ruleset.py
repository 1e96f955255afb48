"""Rules for the simulated logs: the real weights, and rates made so that every branch is met."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from schemas.rate_rows import CatalogueRow
from schemas.rates import GiftRate, RateRows, Rates, RewardsRate, load_weights
from scripts.recount import Rules as PlainRules
from streams.values import Rules
from tests.oracle.events import DAY_MS, T0_MS

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
    weights = load_weights()
    return RuleSet(
        Rules(rates, weights, horizon_ms=horizon_ms, pane_keep_ms=pane_keep_ms),
        PlainRules(
            rates=rates,
            region="US",
            points=weights.points,
            half_life_ms=weights.half_life_ms,
            fast_half_life_ms=weights.fast_half_life_ms,
            horizon_ms=horizon_ms,
        ),
    )


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
