"""Pools as the worker decides them: of real events, whatever their order within the disorder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings

from scripts.recount import Record
from streams.topics import ENGAGEMENT
from streams.value_model import FIELDS
from tests.oracle import records_from_lines
from tests.oracle.events import HOUR_MS, event, invalidated, line_of
from tests.pooling import Happening, arrivals, pool_weights, sums
from tests.property.stories import chances
from tests.property.test_pools import KINDS, gauges, story
from tests.simulation.core import cut, new_core
from tests.simulation.ruleset import RuleSet, rule_set
from tests.simulation.tables import Tables
from tests.simulation.verdict import differences, in_words

OWNER = event("like")["creator_id"]
NEVER_AHEAD_MS = 4_000_000_000_000
_KIND_OF = {"impressions": "impression", "play": "view"}


def rules_of(gauge: tuple[str, tuple[float, ...]]) -> RuleSet:
    rules, weights = rule_set(), pool_weights(by=gauge[0], thresholds=gauge[1])
    return RuleSet(replace(rules.pipeline, weights=weights), replace(rules.plain, weights=weights))


def events_of(happenings: Iterable[Happening]) -> dict[int, dict[str, Any]]:
    """Return the events that stand behind what happened, by number."""
    found: dict[int, dict[str, Any]] = {}
    for one in sorted(happenings, key=lambda one: one.id):
        fields = {"id": f"e{one.id}", "event_time_ms": one.at_ms}
        if one.targets:
            made = invalidated(*(found[target] for target in one.targets)) | fields
        else:
            says = {name: n for name, n in zip(FIELDS, one.sums, strict=True) if n}
            kind = _KIND_OF.get(next(iter(says)), next(iter(says)))
            if "play" in says:
                kind, watch_ms = "view", says.get("watch_ms", 0)
                longer_ms = 0 if "completion" in says else 1
                fields |= {"watch_ms": watch_ms, "duration_ms": watch_ms + longer_ms}
            made = event(kind) | fields | {"user_id": one.user}
        found[one.id] = made
    return found


def log_of(happenings: list[Happening], events: dict[int, dict[str, Any]]) -> list[Record]:
    """Return the log in which these arrive; a last event closes all minutes and holds."""
    last = event("impression", id="last", video_id="w")
    last["event_time_ms"] = max(one.at_ms for one in happenings) + HOUR_MS
    lines = [line_of(events[one.id]) for one in happenings] + [line_of(last)]
    records = records_from_lines(lines, 1, timestamp_ms=NEVER_AHEAD_MS)
    return list(records)


def told(log: list[Record], rules: RuleSet, rng: Random) -> tuple[Tables, list[Any]]:
    """Return the tables, and what was decided, after a worker took the log and died in between."""
    tables, core, decided = Tables(), new_core((ENGAGEMENT, 0), rules.pipeline), []
    for run in cut(log, rng):
        core.apply(run)
        decided += [one.decision for one in core.state.for_you.decided]
        tables.write_all(core.flush())
        if rng.random() < 0.3:
            core = core.recovered()
    return tables, decided


@settings(max_examples=60)
@given(chances, chances, gauges)
def test_shuffled_within_the_disorder_and_restarted_the_decisions_are_the_same(
    rng: Random, shuffle: Random, gauge: tuple[str, tuple[float, ...]]
) -> None:
    rules, happened = rules_of(gauge), story(rng)
    events = events_of(happened)
    in_order, shuffled = log_of(happened, events), log_of(arrivals(happened, shuffle), events)
    _, expected = told(in_order, rules, Random(0))
    tables, decided = told(shuffled, rules, shuffle)
    assert decided == expected
    found = differences(tables, shuffled, rules.plain)
    assert not found, in_words(found)


def own_acts(happened: list[Happening], rng: Random) -> list[Happening]:
    """Return what the creator does all the while; some of it is invalidated, at any time."""
    made: list[Happening] = []
    first, last = happened[0].at_ms, happened[-1].at_ms
    for _ in range(rng.randrange(1, 60)):
        at_ms, number = rng.randrange(first, last + 1), len(happened) + len(made)
        if made and rng.random() < 0.2:
            target = rng.choice([one for one in made if not one.targets])
            at_ms = min(last, target.at_ms + rng.choice((0, 500, 61_000, 200_000)))
            made.append(Happening(at_ms, number, targets=(target.id,)))
            continue
        kind = rng.choice((*KINDS, "impressions", "play"))
        watched = {"watch_ms": 9_000, "completion": 1} if kind == "play" else {}
        made.append(Happening(at_ms, number, OWNER, sums(**{kind: 1}, **watched)))
    return made


def score_of(tables: Tables) -> float:
    return next(
        float(row["score"]) for row in tables.rows("video_totals") if row["video_id"] != "w"
    )


@settings(max_examples=60)
@given(chances, chances, gauges)
def test_what_creators_do_with_their_own_videos_decides_nothing(
    rng: Random, shuffle: Random, gauge: tuple[str, tuple[float, ...]]
) -> None:
    rules, happened = rules_of(gauge), story(rng)
    more = sorted(happened + own_acts(happened, rng))
    without, all_of_it = log_of(happened, events_of(happened)), arrivals(more, shuffle)
    _, expected = told(without, rules, Random(0))
    log = log_of(all_of_it, events_of(more))
    tables, decided = told(log, rules, shuffle)
    assert decided == expected
    tables_without, _ = told(without, rules, rng)
    assert score_of(tables) == pytest.approx(score_of(tables_without), rel=1e-9)
    found = differences(tables, log, rules.plain)
    assert not found, in_words(found)
