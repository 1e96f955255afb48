"""Traffic pools: which videos are shown to more people, decided minute by closed minute.

A video begins in the first pool. When a pool's sums reach its quota of impressions, the measure of
the pool (the value, or one rate) is held against a quantile of the cohort, by its bounds:

    lower >= threshold: promote        upper < threshold: stop        in between: hold

A held video goes on collecting, is judged again at every closed minute in which something came, and
is stopped when the hold ends. A like rate that is surely above what real videos have holds as well:
likes that no watching stands behind do not promote (streams/fraud.py takes out what it can name).

Decisions are made at closed minutes, never at the n-th arrival, so the order in which events arrive
within the allowed disorder has no say. A decision is never changed. When sums of the past change
(invalidations, late events: streams/corrections.py), the pools concerned are judged again by the
version that decided them: one that would not be promoted is demoted and goes on from there, one
that was stopped and would be promoted is promoted. Those decisions follow under ids of their own.
At most one decision of a video is made in one minute, apart from a hold that ended before it.

Until the first quota is reached nothing can be decided, so nothing need be kept: a video's pools may
begin at the minute whose close brings the sum of all closed minutes to the quota, with that sum
(and no corrections) as the sums of that minute. What follows is the same.

The state of a video is one stage per pool it has reached: 13 sums and six small numbers, 35 to
95 bytes a stage in a page and about 600 in memory (measured).
"""

from collections.abc import Iterable, Sequence
from operator import add
from typing import Any, NamedTuple, Protocol

from schemas.entries import entry_id
from schemas.ranking import Pool, Ranking
from streams.intervals import wilson
from streams.value_model import (
    FIRST_SIGNAL,
    LIKE,
    NOTHING,
    SIGNALS,
    Sums,
    assess,
    exposures,
)

MINUTE_MS = 60_000
OPEN = -1
PROMOTE, HOLD, STOP, DEMOTE = "promote", "hold", "stop", "demote"

Correction = tuple[int, Sums]  # the minute whose sums change, and by what


class Rankings(Protocol):
    """Where rankings are found: schemas.weights.Weights."""

    def ranking(self, at_ms: int, preset: str = "") -> Ranking | None:
        """Return the ranking valid at an event time."""

    def ranking_of(self, version: str) -> Ranking | None:
        """Return the ranking that a decision names."""


class LastRanking:
    """Rankings that remember the last answer, for all videos of a minute ask the same."""

    __slots__ = ("_at_ms", "_found", "_rankings")

    def __init__(self, rankings: Rankings) -> None:
        self._rankings = rankings
        self._at_ms = -1
        self._found: Ranking | None = None

    def ranking(self, at_ms: int, preset: str = "") -> Ranking | None:
        """Return the ranking valid at an event time."""
        if preset:
            return self._rankings.ranking(at_ms, preset)
        if at_ms != self._at_ms:
            self._at_ms, self._found = at_ms, self._rankings.ranking(at_ms)
        return self._found

    def ranking_of(self, version: str) -> Ranking | None:
        """Return the ranking that a decision names."""
        return self._rankings.ranking_of(version)


class Judgement(NamedTuple):
    """What a pool's sums say: a verdict (promote, hold, stop) with the figures behind it."""

    verdict: str
    reason: str
    measure: float
    lower: float
    upper: float


class Decision(NamedTuple):
    """One decision; `decision_id` is the same whenever the log is read again.

    `video:n` is the n-th about a video. `pool_after` is the pool that it leaves the video in.
    """

    decision_id: str
    video_id: str
    pool: str
    verdict: str
    decided_at_ms: int
    reason: str
    measure: float
    lower: float
    upper: float
    threshold: float
    impressions: int
    weights_version: str
    pool_after: str


class Stage:
    """A video's time in one pool.

    `spans` are the minutes that count in it, [first, last], the last one OPEN while it lasts;
    `verdict` is "" while undecided, `hold_until` the last minute that may still promote.
    """

    __slots__ = ("hold_until", "pool", "spans", "sums", "verdict", "version")

    def __init__(self, pool: int, first: int) -> None:
        self.pool = pool
        self.sums = list(NOTHING)
        self.spans: list[list[int]] = [[first, OPEN]]
        self.verdict = ""
        self.version = ""
        self.hold_until = OPEN

    def add(self, sums: Sums) -> None:
        """Add to the sums."""
        self.sums[:] = map(add, self.sums, sums)

    def covers(self, minute: int) -> bool:
        """Return whether a minute counts in this stage."""
        return any(
            first <= minute and (last == OPEN or minute <= last) for first, last in self.spans
        )


class Boosting:
    """The pools of one video. Minutes must be closed in rising order."""

    __slots__ = ("closed", "decisions", "stages", "video_id")

    def __init__(self, video_id: str) -> None:
        self.video_id = video_id
        self.closed = -1
        self.decisions = 0  # how many were made
        self.stages = [Stage(0, 0)]

    def close(
        self,
        minute: int,
        sums: Sums,
        corrections: Iterable[Correction],
        rankings: Rankings,
    ) -> list[Decision]:
        """Take a closed minute and what it corrects of earlier ones; return what is decided.

        `minute` is the UTC minute number of the event times, `sums` what happened in it.
        """
        assert minute > self.closed, "minutes are closed in order"
        decisions = self.expire(minute, rankings)
        self.closed = minute
        again = self._reconsider(self._correct(corrections), minute, rankings)
        decisions += again
        stage = self.stages[-1]
        if stage.verdict:
            return decisions
        stage.add(sums)
        ranking = rankings.ranking(_end_ms(minute))
        pool = _pool(stage, ranking)
        if again or ranking is None or pool is None or exposures(stage.sums) < pool.impressions:
            return decisions
        found = judge(stage.sums, pool, ranking)
        if found.verdict == HOLD:
            if stage.hold_until == OPEN:
                stage.hold_until = minute + pool.hold_minutes
        else:
            decisions.append(self._decide(stage, found, minute, pool, ranking))
        return decisions

    def expire(self, minute: int, rankings: Rankings) -> list[Decision]:
        """Stop a video whose hold ended before this minute.

        What is decided does not depend on when this is called; `close` calls it as well.
        """
        stage = self.stages[-1]
        if stage.verdict or stage.hold_until == OPEN or stage.hold_until >= minute:
            return []
        ranking = rankings.ranking(_end_ms(stage.hold_until))
        pool = _pool(stage, ranking)
        if ranking is None or pool is None:
            return []
        found = judge(stage.sums, pool, ranking)._replace(verdict=STOP, reason="hold ended")
        return [self._decide(stage, found, stage.hold_until, pool, ranking)]

    @property
    def deadline(self) -> int | None:
        """Return the last minute of a hold, None when nothing is held."""
        stage = self.stages[-1]
        return None if stage.verdict or stage.hold_until == OPEN else stage.hold_until

    def standing(self, ranking: Ranking) -> tuple[str, str]:
        """Return the pool that the video is in, and open, hold, promote or stop."""
        stage = self.stages[-1]
        pool = _pool(stage, ranking)
        state = stage.verdict or ("open" if stage.hold_until == OPEN else HOLD)
        return ("" if pool is None else pool.name), state

    def dump(self) -> tuple[Any, ...]:
        """Return the state as plain values."""
        stages = tuple(
            (s.pool, s.sums, s.spans, s.verdict, s.version, s.hold_until) for s in self.stages
        )
        return self.closed, self.decisions, stages

    @classmethod
    def load(cls, video_id: str, dumped: Sequence[Any]) -> "Boosting":
        """Return the state that was dumped."""
        made = cls(video_id)
        made.closed, made.decisions, stages = dumped
        made.stages = []
        for pool, sums, spans, verdict, version, hold_until in stages:
            stage = Stage(pool, 0)
            stage.sums, stage.spans = list(sums), [list(span) for span in spans]
            stage.verdict, stage.version = verdict, version
            stage.hold_until = hold_until
            made.stages.append(stage)
        return made

    def _correct(self, corrections: Iterable[Correction]) -> list[Stage]:
        """Apply corrections; return the decided stages that they changed, in order."""
        changed = set()
        for minute, sums in corrections:
            for place, stage in enumerate(self.stages):
                if stage.covers(minute):
                    stage.add(sums)
                    changed.add(place)
        return [self.stages[place] for place in sorted(changed) if self.stages[place].verdict]

    def _reconsider(
        self, stages: Iterable[Stage], minute: int, rankings: Rankings
    ) -> list[Decision]:
        """Judge decided stages again; the first whose verdict falls is decided anew."""
        for stage in stages:
            ranking = rankings.ranking_of(stage.version)
            pool = _pool(stage, ranking)
            if ranking is None or pool is None:
                continue
            found = judge(stage.sums, pool, ranking)
            if (found.verdict == PROMOTE) == (stage.verdict == PROMOTE):
                continue
            if found.verdict != PROMOTE:
                found = found._replace(verdict=DEMOTE)
            found = found._replace(reason="corrected")
            return [self._decide(stage, found, minute, pool, ranking)]
        return []

    def _decide(
        self, stage: Stage, found: Judgement, minute: int, pool: Pool, ranking: Ranking
    ) -> Decision:
        """Let a verdict take effect from the minute after it, a correction from its own on."""
        corrected = found.reason == "corrected"
        self.decisions += 1
        stage.verdict, stage.version = found.verdict, ranking.version
        stage.hold_until = OPEN
        if stage.spans[-1][1] == OPEN:
            stage.spans[-1][1] = minute
        first = minute if corrected else minute + 1
        if found.verdict == DEMOTE:
            del self.stages[self.stages.index(stage) + 1 :]
            stage.verdict = ""
            stage.spans.append([first, OPEN])
            stage.hold_until = minute + pool.hold_minutes
        elif found.verdict == PROMOTE and stage.pool + 1 < len(ranking.model.pools):
            self.stages.append(Stage(stage.pool + 1, first))
        return Decision(
            entry_id(self.video_id, str(self.decisions)),
            self.video_id,
            pool.name,
            found.verdict,
            _end_ms(minute),
            found.reason,
            found.measure,
            found.lower,
            found.upper,
            pool.threshold,
            exposures(stage.sums),
            ranking.version,
            ranking.model.pools[self.stages[-1].pool].name,
        )


def judge(sums: Sums, pool: Pool, ranking: Ranking) -> Judgement:
    """Return what a pool's sums say against its threshold."""
    shown, z = exposures(sums), ranking.model.wilson_z
    if pool.by == "value":
        measure, lower, upper = assess(sums, ranking)
    else:
        place = FIRST_SIGNAL + SIGNALS.index(pool.by)
        measure, lower, upper = wilson(sums[place], shown, z)
    if wilson(sums[LIKE], shown, z).lower > ranking.model.like_rate_max:
        return Judgement(HOLD, "implausible like rate", measure, lower, upper)
    if lower >= pool.threshold:
        return Judgement(PROMOTE, "surely above", measure, lower, upper)
    if upper < pool.threshold:
        return Judgement(STOP, "surely below", measure, lower, upper)
    return Judgement(HOLD, "not sure", measure, lower, upper)


def _pool(stage: Stage, ranking: Ranking | None) -> Pool | None:
    if ranking is None or stage.pool >= len(ranking.model.pools):
        return None
    return ranking.model.pools[stage.pool]


def _end_ms(minute: int) -> int:
    return (minute + 1) * MINUTE_MS
