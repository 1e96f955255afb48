"""Pools do not depend on arrival within the disorder, on partial sums or on restarts."""

from __future__ import annotations

from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.pools import DEMOTE, PROMOTE, STOP, Boosting
from streams.value_model import LIKE, NOTHING, added
from tests.oracle.events import T0_MS
from tests.pooling import (
    MINUTE_MS,
    Happening,
    arrivals,
    decide,
    pool_weights,
    sums,
)

FIRST_MINUTE = T0_MS // MINUTE_MS
PARTITIONS = 8
SPAN_MINUTES = 12
KINDS = ("like", "comment", "share", "favorite", "follow", "not_interested")

chances = st.integers(0, 1 << 32).map(Random)
gauges = st.sampled_from(
    (
        ("value", (0.8, 1.0, 1.2)),
        ("value", (0.5, 0.6, 0.7)),
        ("like", (0.02, 0.05, 0.08)),
        ("completion", (0.1, 0.15, 0.2)),
    )
)


def story(rng: Random) -> list[Happening]:
    """Return the events of one video in order of event time; some are invalidated.

    Users are shown it, may watch it, and may do more, which is an event of its own: some like what
    they did not watch, or like first and are seen to watch later.
    """
    quality = rng.random() * 3
    made: list[Happening] = []

    def add(at_ms: int, user: str, **counts: int) -> None:
        made.append(Happening(at_ms, len(made), user, sums(**counts)))

    for number in range(rng.randrange(20, 250)):
        at_ms = T0_MS + rng.randrange(SPAN_MINUTES * MINUTE_MS)
        user = f"u{number % 90}"
        add(at_ms, user, impressions=1)
        if rng.random() < 0.8:
            watch_ms = int(rng.random() * 40_000 * quality)
            completed = int(rng.random() < 0.13 * quality)
            add(at_ms + rng.randrange(3_000), user, play=1, watch_ms=watch_ms, completion=completed)
        for kind in KINDS:
            if rng.random() < 0.02 * quality:
                add(at_ms + rng.randrange(90_000), user, **{kind: 1})
    for number in range(rng.randrange(9)):
        add(T0_MS + rng.randrange(SPAN_MINUTES * MINUTE_MS), f"bot{number}", like=1)
    for _ in range(rng.randrange(12)):
        target = rng.choice(made)
        group = [e.id for e in made if not e.targets and abs(e.at_ms - target.at_ms) < 40_000]
        at_ms = target.at_ms + rng.choice((0, 500, 9_000, 61_000, 200_000))
        if group:
            made.append(Happening(at_ms, len(made), targets=tuple(rng.sample(group, len(group)))))
    return sorted(made)


@settings(max_examples=150)
@example(Random(1916015600), Random(1320164848), ("like", (0.02, 0.05, 0.08)))
@given(chances, chances, gauges)
def test_arrival_within_the_disorder_has_no_say(
    rng: Random, shuffle: Random, gauge: tuple[str, tuple[float, ...]]
) -> None:
    by, thresholds = gauge
    weights = pool_weights(by=by, thresholds=thresholds)
    events = story(rng)
    in_order = decide(events, weights, FIRST_MINUTE)
    assert decide(arrivals(events, shuffle), weights, FIRST_MINUTE) == in_order
    restarted = decide(arrivals(events, shuffle), weights, FIRST_MINUTE, restarts=shuffle)
    assert restarted == in_order


@settings(max_examples=100)
@given(chances, gauges)
def test_every_decision_is_made_once_and_follows_from_the_one_before(
    rng: Random, gauge: tuple[str, tuple[float, ...]]
) -> None:
    by, thresholds = gauge
    decisions, _ = decide(story(rng), pool_weights(by=by, thresholds=thresholds), FIRST_MINUTE)
    ids = [decision.decision_id for decision in decisions]
    assert ids == [f"v:{number}" for number in range(1, len(ids) + 1)]
    assert len({(d.pool, d.decided_at_ms) for d in decisions}) == len(ids), "a key of boosts_log"
    assert decisions == sorted(decisions, key=lambda decision: decision.decided_at_ms)
    standing = {"L1": ""}
    for decision in decisions:
        before = standing.get(decision.pool)
        assert before is not None, "nobody is judged in a pool that was not reached"
        assert before or decision.verdict in (PROMOTE, STOP)
        assert (decision.verdict == DEMOTE) <= (before == PROMOTE)
        assert before != decision.verdict
        standing[decision.pool] = decision.verdict
        following = f"L{int(decision.pool[1]) + 1}"
        if decision.verdict == PROMOTE:
            assert decision.lower >= decision.threshold
            standing[following] = ""
        else:
            standing = {name: now for name, now in standing.items() if name <= decision.pool}


@settings(max_examples=100)
@given(chances, gauges)
def test_partial_sums_of_partitions_decide_the_same(
    rng: Random, gauge: tuple[str, tuple[float, ...]]
) -> None:
    by, thresholds = gauge
    weights = pool_weights(by=by, thresholds=thresholds)
    # what needs a video's users is decided where its key is; the sums may come from anywhere
    watched = [event for event in story(rng) if not event.sums[LIKE] and not event.targets]
    parts: list[dict[int, tuple[int, ...]]] = [{} for _ in range(PARTITIONS)]
    for event in watched:
        part = parts[rng.randrange(PARTITIONS)]
        part[event.minute] = added((part.get(event.minute, NOTHING), event.sums))
    merged = Boosting("v")
    decisions = []
    for minute in sorted({minute for part in parts for minute in part}):
        rng.shuffle(parts)
        whole = added(part.get(minute, NOTHING) for part in parts)
        decisions += merged.close(minute, whole, (), weights)
    decisions += merged.expire(FIRST_MINUTE + 10_000, weights)
    # pools that begin with the first quota decide what those do that were there from the start
    assert decisions == decide(watched, weights, FIRST_MINUTE)[0]
