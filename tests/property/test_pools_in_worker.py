"""Pools as the worker decides them: of real events, whatever their order within the disorder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import given, settings

from scripts.recount import Record
from streams.topics import ENGAGEMENT
from streams.value_model import FIELDS
from tests.oracle import records_from_lines
from tests.oracle.events import HOUR_MS, event, invalidated, line_of
from tests.pooling import Happening, arrivals, pool_weights
from tests.property.stories import chances
from tests.property.test_pools import gauges, story
from tests.simulation.core import cut, new_core
from tests.simulation.ruleset import RuleSet, rule_set
from tests.simulation.tables import Tables
from tests.simulation.verdict import differences, in_words

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
