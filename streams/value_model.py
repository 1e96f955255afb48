"""What a video is worth to For You: a weighted sum of smoothed rates and expected play time.

value = sum over signals of w_a P^a + w_t E(play seconds), the shape of the formula in the leaked
document "TikTok Algo 101" (New York Times, 2021-12-05) and of the published rankers of X. Per video

    P^a = (n_a + m p0_a) / (n + m)            E = (watch_s + m t0) / (n + m)

with n impressions and a cohort (p0, t0, m): the mean of a Beta posterior, which is p0 without
impressions and n_a / n with many. Everything is a function of integer sums, added in one fixed
order: the same sums give the same bits. One more of a positive signal never lowers the value, one
more of a negative one never raises it: rounding keeps the order of sums and quotients.
"""

from collections.abc import Iterable, Sequence
from math import sqrt
from operator import add
from typing import NamedTuple, get_args

from schemas.ranking import Cohort, Ranking, Signal
from schemas.rows import COUNTERS

SIGNALS: tuple[str, ...] = get_args(Signal)
FIELDS = ("impressions", "watch_ms", *SIGNALS)
IMPRESSIONS, WATCH_MS, FIRST_SIGNAL = 0, 1, 2
PLAY = FIRST_SIGNAL + SIGNALS.index("play")
LIKE = FIRST_SIGNAL + SIGNALS.index("like")
NOTHING = (0,) * len(FIELDS)

_COUNTER_OF = {
    "play": "views",
    "completion": "completions",
    "like": "likes",
    "comment": "comments",
    "reply": "replies",
    "share": "shares",
    "favorite": "favorites",
    "follow": "follows",
    "profile_view": "profile_views",
    "not_interested": "not_interested",
    "report": "reports",
}
_PLACES = tuple(
    COUNTERS.index(name)
    for name in ("impressions", "watch_ms", *(_COUNTER_OF[signal] for signal in SIGNALS))
)
_UNLIKES = COUNTERS.index("unlikes")

Sums = Sequence[int]  # by FIELDS


class Assessment(NamedTuple):
    """A value with its bounds."""

    value: float
    lower: float
    upper: float


def sums_of(counters: Sequence[int], distrusted_likes: int = 0) -> tuple[int, ...]:
    """Return the sums of a window's counters (by `COUNTERS`).

    Likes are less un-likes, and less those that fraud rules do not trust.
    """
    sums = [counters[place] for place in _PLACES]
    sums[LIKE] -= counters[_UNLIKES] + distrusted_likes
    return tuple(sums)


def added(parts: Iterable[Sums]) -> tuple[int, ...]:
    """Return sums added up: partial sums of partitions, or of minutes."""
    total: Sums = NOTHING
    for part in parts:
        total = tuple(map(add, total, part))
    return tuple(total)


def taken_back(sums: Sums) -> tuple[int, ...]:
    """Return sums with the opposite sign."""
    return tuple(-number for number in sums)


def exposures(sums: Sums) -> int:
    """Return to how many people the video was shown: a play whose impression is missing counts."""
    return max(0, sums[IMPRESSIONS], sums[PLAY])


def smoothed_rates(sums: Sums, cohort: Cohort) -> dict[str, float]:
    """Return P^ of each signal, per impression, from 0 to 1."""
    m = cohort.prior_impressions
    seen = exposures(sums) + m
    usual = cohort.rates
    return {
        signal: min(1.0, (max(0, sums[place]) + m * getattr(usual, signal)) / seen)
        for place, signal in enumerate(SIGNALS, FIRST_SIGNAL)
    }


def expected_watch_s(sums: Sums, cohort: Cohort) -> float:
    """Return the expected play time of an impression, in seconds."""
    m = cohort.prior_impressions
    return (max(0, sums[WATCH_MS]) / 1000 + m * cohort.rates.watch_s) / (exposures(sums) + m)


def value(sums: Sums, ranking: Ranking) -> float:
    """Return the value of a video by the ranking's weights."""
    weights = ranking.model.weights
    total = weights.watch_s * expected_watch_s(sums, ranking.cohort)
    for signal, rate in smoothed_rates(sums, ranking.cohort).items():
        total += getattr(weights, signal) * rate
    return total


def assess(sums: Sums, ranking: Ranking) -> Assessment:
    """Return the value with bounds z posterior standard deviations away.

    A Beta posterior of mean P over n + m trials has the variance P (1 - P) / (n + m + 1); signals
    are taken as independent. Play time adds to the value and nothing to its uncertainty: its
    spread over people is no sum that is kept.
    """
    weights = ranking.model.weights
    trials = exposures(sums) + ranking.cohort.prior_impressions
    total = value(sums, ranking)
    variance = 0.0
    for signal, rate in smoothed_rates(sums, ranking.cohort).items():
        weight = getattr(weights, signal)
        variance += weight * weight * rate * (1 - rate) / (trials + 1)
    margin = ranking.model.wilson_z * sqrt(variance)
    return Assessment(total, total - margin, total + margin)
