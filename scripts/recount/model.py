"""What the recount reads and what it goes by: records of a log, and the rules' constants."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from schemas.events import PydanticEvent
from schemas.rates import Rates, Weights, load_rates, load_weights
from streams.config import Settings

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
CURRENCY_OF_SUMS = "USD"  # what a sum without a currency beside it adds up

COUNTERS = (
    "impressions",
    "views",
    "qualified_views",
    "watch_ms",
    "completions",
    "likes",
    "unlikes",
    "comments",
    "replies",
    "shares",
    "favorites",
    "follows",
    "profile_views",
    "not_interested",
    "reports",
    "gifts",
    "gift_coins",
)


class Record(NamedTuple):
    """One record of a topic, as Kafka gives it back."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None


class Fate(StrEnum):
    """What becomes of a message: exactly one of these (rule 3)."""

    DEAD_LETTER = "dead_letter"
    LATE = "late"
    DUPLICATE = "duplicate"
    SUPPRESSED = "suppressed"
    COUNTED = "counted"


class Message(NamedTuple):
    """A record that was judged. `event` is None when the bytes hold none."""

    record: Record
    fate: Fate
    event: PydanticEvent | None
    stage: str
    reason: str
    detail: str
    max_event_time_ms: int


@dataclass(frozen=True, slots=True)
class Rules:
    """The constants of the counting rules; the defaults are those of the rules' text.

    What is dated (gift rates, Creator Rewards, value models) and the points of the score come from
    `schemas`.
    """

    rates: Rates
    region: str
    points: Mapping[str, float]
    half_life_ms: int
    fast_half_life_ms: int
    weights: Weights
    horizon_ms: int = DAY_MS
    ahead_ms_max: int = 300_000
    disorder_ms: int = 10_000
    streak_timeout_ms: int = 60_000
    qualified_watch_ms: int = 5_000


def rules_of(settings: Settings) -> Rules:
    """Return the rules by which a pipeline with these settings counts."""
    weights = load_weights(settings.weights)
    return Rules(
        rates=load_rates(settings.rates),
        region=settings.region,
        points=weights.points,
        half_life_ms=weights.half_life_ms,
        fast_half_life_ms=weights.fast_half_life_ms,
        weights=weights,
        horizon_ms=settings.horizon_ms,
        ahead_ms_max=settings.ahead_ms_max,
        disorder_ms=settings.disorder_ms,
        streak_timeout_ms=settings.streak_timeout_ms,
    )
