"""Whatever the partitions, the order of arrival within the disorder, and the restarts: one result."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from scripts.generator.model import Spec, generate
from scripts.records import address
from scripts.recount import Record
from scripts.recount.compare import Row
from tests.oracle import records_from_lines
from tests.oracle.events import HOUR_MS, event, line_of
from tests.simulation.core import by_partition, cut, new_core
from tests.simulation.ruleset import rule_set
from tests.simulation.tables import Tables
from tests.simulation.views import boosts, trending_now

RULES = rule_set()
DISORDER_MS = RULES.pipeline.disorder_ms
EVENTS = 12_000


class _Time(msgspec.Struct):
    event_time_ms: int


def sent(spec: Spec) -> list[tuple[int, bytes]]:
    """Every message with its event time, in that order."""
    lines = [message.value for message in generate(spec)]
    timed = [(msgspec.json.decode(line, type=_Time).event_time_ms, line) for line in lines]
    return sorted(timed, key=lambda one: one[0])


def shuffled(timed: list[tuple[int, bytes]], rng: Random) -> list[bytes]:
    """The messages in an order in which each arrives less than the disorder late."""
    arriving = [(at_ms + rng.randrange(DISORDER_MS), line) for at_ms, line in timed]
    return [line for _, line in sorted(arriving, key=lambda one: one[0])]


def counted(log: list[Record], end_ms: int, rng: Random) -> Tables:
    """The tables after every partition was counted up to one event time, and restarted anywhere."""
    tables = Tables()
    value = line_of(event("tick") | {"event_time_ms": end_ms})
    for tp, records in by_partition(log).items():
        core = new_core(tp, RULES.pipeline)
        last = records[-1]
        tick = last._replace(offset=last.offset + 1, key=address(value).key, value=value)
        for run in cut([*records, tick], rng):
            core.apply(run)
            tables.write_all(core.flush())
            if rng.random() < 0.3:
                core = core.recovered()
    return tables


def by_entity(rows: list[Row]) -> dict[tuple[str, str], Row]:
    return {(kind, name): rest for kind, name, *rest in rows}


def test_scores_and_pools_do_not_depend_on_partitions_arrival_or_restarts(rng: Random) -> None:
    spec = Spec(seed=rng.randrange(1 << 32), events=EVENTS, late=0, broken=0, unknown=0)
    timed = sent(spec)
    end_ms = timed[-1][0] + HOUR_MS
    one = counted(records_from_lines([line for _, line in timed], 1), end_ms, rng)
    eight = counted(records_from_lines(shuffled(timed, rng), 8), end_ms, rng)
    expected, found = by_entity(trending_now(one)), by_entity(trending_now(eight))
    assert found.keys() == expected.keys(), spec.seed
    for entity, (score, velocity, _, acceleration) in expected.items():
        same = found[entity]
        assert same[0] == pytest.approx(score, rel=1e-9), (spec.seed, entity)
        assert same[1] == pytest.approx(velocity, rel=1e-9, abs=1e-12), (spec.seed, entity)
        assert same[3] == pytest.approx(acceleration, rel=1e-9, abs=1e-12), (spec.seed, entity)
    decided = {row[0]: row for row in boosts(one)}
    assert {row[0]: row for row in boosts(eight)} == decided, spec.seed
    assert decided, spec.seed
