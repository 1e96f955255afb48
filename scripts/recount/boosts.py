"""Rule 15, what is decided: the pools of one video, from what its minutes say."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import sqrt
from typing import NamedTuple

from schemas.entries import entry_id
from schemas.ranking import Pool, Ranking
from schemas.weights import Weights
from scripts.recount.acts import Acts, Sums
from scripts.recount.model import MINUTE_MS

SIGNALS = (
    *("play", "completion", "like", "comment", "reply", "share", "favorite", "follow"),
    *("profile_view", "not_interested", "report"),
)


class Boost(NamedTuple):
    """One decision, as the view `boosts` shows it."""

    decision_id: str
    video_id: str
    pool: str
    verdict: str
    decided_at_ms: int
    reason: str
    measure: float
    lower_bound: float
    upper_bound: float
    threshold: float
    impressions: int
    pool_after: str
    weights_version: str


class Finding(NamedTuple):
    """What sums say against a pool's threshold."""

    verdict: str
    reason: str
    measure: float
    lower: float
    upper: float


@dataclass(slots=True)
class Stay:
    """A video's time in one pool: the minutes that count in it, and what became of it."""

    place: int
    minutes: list[tuple[int, int | None]]  # first, last; None while it goes on
    sums: Sums = field(default_factory=Counter)
    verdict: str = ""
    version: str = ""
    held_until: int | None = None

    def counts(self, minute: int) -> bool:
        """Tell whether a minute counts in it."""
        return any(a <= minute and (b is None or minute <= b) for a, b in self.minutes)


def boosts_of(video_id: str, acts: Acts, weights: Weights, first_open: int) -> list[Boost]:
    """Return the decisions about one video in the minutes before the first open one."""
    pools = Pools(video_id, weights)
    by_close = acts.closes()
    for close in sorted(close for close in by_close if close < first_open):
        changes = {minute: sums for minute, sums in by_close[close].items() if any(sums.values())}
        if changes:
            pools.end_hold(close)
            pools.close(close, changes)
    pools.end_hold(first_open - 1)
    return pools.boosts


class Pools:
    """The pools of one video, minute by minute."""

    def __init__(self, video_id: str, weights: Weights) -> None:
        self.boosts: list[Boost] = []
        self._video_id = video_id
        self._weights = weights
        self._stays = [Stay(0, [(0, None)])]

    def close(self, close: int, changes: dict[int, Sums]) -> None:
        """Take what the close of a minute says of it and of earlier ones; decide."""
        own = changes.get(close, Counter())
        changed = []
        for stay in self._stays:
            earlier = [sums for m, sums in changes.items() if m != close and stay.counts(m)]
            for sums in earlier:
                stay.sums.update(sums)
            changed += [stay] * bool(earlier)
        corrected = self._correct(changed, close)
        stay = self._stays[-1]
        if stay.verdict:
            return
        stay.sums.update(own)
        ranking = self._weights.ranking((close + 1) * MINUTE_MS)
        pool = _pool(ranking, stay.place)
        if corrected or ranking is None or pool is None or shown(stay.sums) < pool.impressions:
            return
        finding = judged(stay.sums, pool, ranking)
        if finding.verdict == "hold":
            if stay.held_until is None:
                stay.held_until = close + pool.hold_minutes
        else:
            self._decide(stay, finding, close, pool, ranking)

    def end_hold(self, before: int) -> None:
        """Stop a video whose hold ended before a minute."""
        stay = self._stays[-1]
        if stay.verdict or stay.held_until is None or stay.held_until >= before:
            return
        ranking = self._weights.ranking((stay.held_until + 1) * MINUTE_MS)
        pool = _pool(ranking, stay.place)
        if ranking is not None and pool is not None:
            finding = judged(stay.sums, pool, ranking)
            stopped = finding._replace(verdict="stop", reason="hold ended")
            self._decide(stay, stopped, stay.held_until, pool, ranking)

    def _correct(self, changed: list[Stay], close: int) -> bool:
        """Judge again what was decided; the first that would be decided otherwise is."""
        for stay in changed:
            ranking = self._weights.ranking_of(stay.version)
            pool = _pool(ranking, stay.place)
            if not stay.verdict or ranking is None or pool is None:
                continue
            finding = judged(stay.sums, pool, ranking)
            if stay.verdict == "promote" != finding.verdict:
                finding = finding._replace(verdict="demote", reason="corrected")
            elif stay.verdict == "stop" and finding.verdict == "promote":
                finding = finding._replace(reason="corrected")
            else:
                continue
            self._decide(stay, finding, close, pool, ranking)
            return True
        return False

    def _decide(self, stay: Stay, finding: Finding, at: int, pool: Pool, ranking: Ranking) -> None:
        stay.verdict, stay.version, stay.held_until = finding.verdict, ranking.version, None
        first, last = stay.minutes[-1]
        stay.minutes[-1] = (first, at if last is None else last)
        from_now_on = at if finding.reason == "corrected" else at + 1
        if finding.verdict == "demote":
            self._stays = self._stays[: self._stays.index(stay) + 1]
            stay.minutes.append((from_now_on, None))
            stay.verdict, stay.held_until = "", at + pool.hold_minutes
        elif finding.verdict == "promote" and stay.place + 1 < len(ranking.model.pools):
            self._stays.append(Stay(stay.place + 1, [(from_now_on, None)]))
        self.boosts.append(
            Boost(
                entry_id(self._video_id, str(len(self.boosts) + 1)),
                self._video_id,
                pool.name,
                finding.verdict,
                (at + 1) * MINUTE_MS,
                finding.reason,
                finding.measure,
                finding.lower,
                finding.upper,
                pool.threshold,
                shown(stay.sums),
                ranking.model.pools[self._stays[-1].place].name,
                ranking.version,
            )
        )


def shown(sums: Sums) -> int:
    """Return to how many people a video was shown."""
    return max(0, sums["impressions"], sums["play"])


def judged(sums: Sums, pool: Pool, ranking: Ranking) -> Finding:
    """Hold sums against a pool's threshold."""
    model, n = ranking.model, shown(sums)
    if pool.by == "value":
        bounds = value_of(sums, ranking)
    else:
        bounds = wilson_interval(sums[pool.by], n, model.wilson_z)
    if wilson_interval(sums["like"], n, model.wilson_z)[1] > model.like_rate_max:
        return Finding("hold", "implausible like rate", *bounds)
    if bounds[1] >= pool.threshold:
        return Finding("promote", "surely above", *bounds)
    if bounds[2] < pool.threshold:
        return Finding("stop", "surely below", *bounds)
    return Finding("hold", "not sure", *bounds)


def value_of(sums: Sums, ranking: Ranking) -> tuple[float, float, float]:
    """Return the value of a video, and the lower and the upper bound."""
    usual, weight = ranking.cohort, ranking.model.weights
    m = usual.prior_impressions
    trials = shown(sums) + m
    watched_s = max(0, sums["watch_ms"]) / 1000
    value = weight.watch_s * (watched_s + m * usual.rates.watch_s) / trials
    variance = 0.0
    for name, p in _rates(sums, ranking, trials):
        w: float = getattr(weight, name)
        value += w * p
        variance += w**2 * p * (1 - p) / (trials + 1)
    margin = ranking.model.wilson_z * sqrt(variance)
    return value, value - margin, value + margin


def _rates(sums: Sums, ranking: Ranking, trials: int) -> Iterator[tuple[str, float]]:
    usual = ranking.cohort
    for name in SIGNALS:
        prior: float = usual.prior_impressions * getattr(usual.rates, name)
        yield name, min(1.0, (max(0, sums[name]) + prior) / trials)


def wilson_interval(successes: int, n: int, z: float) -> tuple[float, float, float]:
    """Return a rate with the bounds of Wilson's score interval."""
    if n <= 0:
        return 0.0, 0.0, 1.0
    p = min(1.0, max(0, successes) / n)
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return p, max(0.0, middle - reach), min(1.0, middle + reach)


def first_pool(weights: Weights) -> str:
    """Return the pool of a video about which nothing was decided."""
    models = [row for row in weights.value_models if row.preset == weights.preset]
    return max(models, key=lambda row: row.valid_from).pools[0].name


def _pool(ranking: Ranking | None, place: int) -> Pool | None:
    if ranking is None or place >= len(ranking.model.pools):
        return None
    return ranking.model.pools[place]
