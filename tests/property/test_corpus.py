"""Every message ends as exactly one of: counted, duplicate, suppressed, late, dead letter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

import pytest

from schemas.events import EVENT_TYPES
from schemas.failures import DeadLetter, Failure, Reason, Stage
from schemas.rows import COLUMNS, TABLES, clickhouse_types
from scripts.recount import Record, rules_of
from scripts.recount.judge import Judge
from scripts.recount.model import Fate
from scripts.recount.partition import Sums
from sinks.columns import arrow_stream, encoder
from streams.agents import rules_of as pipeline_rules_of
from streams.config import Settings
from streams.partition import Partition
from streams.rows import Columns
from streams.values import DeadMessage
from tests.property.corpus import Corpus
from tests.simulation.core import TP, Core, by_partition, cut, new_core
from tests.simulation.dump import dump, first_difference

MUTATED = 100_000
FLUSH_EVERY = 5_000
EACH_FATE_MIN = 500

_ENCODERS = {
    table: {name: encoder(kind) for name, kind in clickhouse_types(model).items()}
    for table, model in TABLES.items()
}


class Outcome(NamedTuple):
    """What became of one message; stage and reason of a dead letter."""

    fate: Fate
    why: tuple[str, str] = ("", "")


class Counted(NamedTuple):
    """The corpus, taken by the pipeline message by message."""

    logs: dict[TP, list[Record]]
    outcomes: dict[TP, list[Outcome]]
    cores: dict[TP, Core]


@pytest.fixture(scope="module")
def counted(run_seed: int) -> Counted:
    """The corpus of the printed seed; every check below is about the same messages."""
    corpus = Corpus(run_seed, MUTATED)
    logs = by_partition(corpus.records())
    assert corpus.mutated >= MUTATED
    cores = {tp: new_core(tp, pipeline_rules_of(Settings())) for tp in logs}
    outcomes = {tp: list(one_by_one(core, logs[tp])) for tp, core in cores.items()}
    return Counted(logs, outcomes, cores)


def one_by_one(core: Core, records: list[Record]) -> Iterator[Outcome]:
    """Apply a partition's messages one at a time and see each message's fate."""
    before = fates(core.state)
    for number, record in enumerate(records):
        core.apply([record])
        after = fates(core.state)
        moved = [fate for fate in Fate if after[fate] != before[fate]]
        assert len(moved) == 1, f"{record} moved {moved}"
        assert after[moved[0]] == before[moved[0]] + 1
        before = after
        if moved[0] is Fate.DEAD_LETTER:
            yield Outcome(moved[0], kept_whole(core, record, core.state.dead[-1]))
        else:
            yield Outcome(moved[0])
        if number % FLUSH_EVERY == 0:
            encode(core.flush())
    encode(core.flush())


def fates(state: Partition) -> dict[Fate, int]:
    """Return how many messages of each fate there are, by the state's own counts."""
    counts = state.counts
    return {
        Fate.COUNTED: state.counted,
        Fate.DUPLICATE: counts["duplicates"],
        Fate.SUPPRESSED: counts["suppressed"],
        Fate.LATE: counts["late"],
        Fate.DEAD_LETTER: counts["dead_letters"],
    }


def kept_whole(core: Core, record: Record, dead: DeadMessage) -> tuple[str, str]:
    """Assert that a dead letter names its message and holds it; return its stage and reason."""
    assert (dead.offset, dead.recorded_at_ms) == (record.offset, record.timestamp_ms)
    assert dead.raw == record.value
    assert dead.key == record.key
    failure = dead.failure
    assert isinstance(failure, Failure)
    assert type(failure.stage) is Stage
    assert type(failure.reason) is Reason
    letter = DeadLetter.of(
        failure,
        topic=core.tp[0],
        partition=core.tp[1],
        offset=dead.offset,
        raw=dead.raw,
        key=dead.key,
        recorded_at_ms=dead.recorded_at_ms,
        event_time_ms=dead.event_time_ms,
    )
    sent = DeadLetter.model_validate_json(letter.model_dump_json())
    assert sent == letter
    assert sent.raw == (record.value or b"")
    return (failure.stage.value, failure.reason.value)


def encode(rows: dict[str, Columns]) -> None:
    """Assert that ClickHouse's columns take the rows of a flush."""
    for table, columns in rows.items():
        assert arrow_stream(dict(zip(COLUMNS[table], columns, strict=True)), _ENCODERS[table])


@pytest.mark.slow
def test_every_message_of_the_corpus_has_exactly_one_fate(counted: Counted) -> None:
    for tp, core in counted.cores.items():
        messages = len(counted.logs[tp])
        seen = Counter(outcome.fate for outcome in counted.outcomes[tp])
        assert seen == Counter(fates(core.state)), tp
        assert sum(seen.values()) == messages == core.state.counts["messages"]
        assert all(number >= 0 for number in fates(core.state).values())
        # what is no dead letter has a type; a refused one is not of its type
        assert sum(core.state.by_type.values()) == messages - seen[Fate.DEAD_LETTER]


@pytest.mark.slow
def test_the_recount_judges_every_message_of_the_corpus_alike(counted: Counted) -> None:
    rules = rules_of(Settings())
    for tp, records in counted.logs.items():
        judge, sums = Judge(rules), Sums()
        for record, outcome in zip(records, counted.outcomes[tp], strict=True):
            message = judge.judge(record)
            judged = Outcome(message.fate, (str(message.stage), str(message.reason)))
            assert outcome == judged, f"{tp} {record}"
            sums.add(message)
        state = counted.cores[tp].state
        assert state.counts["unknown_fields"] == sums.unknown_fields
        assert +state.by_type == +sums.by_type
        assert state.max_event_time_ms == sums.max_event_time_ms


@pytest.mark.slow
def test_the_corpus_in_runs_of_any_length_leaves_the_same_state(
    counted: Counted, rng: Random
) -> None:
    for tp, records in counted.logs.items():
        core = new_core(tp, counted.cores[tp].rules)
        for run in cut(records, rng, runs_max=200):
            core.apply(run)
            if rng.random() < 0.1:
                encode(core.flush())
        encode(core.flush())
        same(core.state, counted.cores[tp].state)
        same(core.recovered().state, core.state)


def same(one: Partition, other: Partition) -> None:
    """Assert that two states are equal, and say where they are not."""
    found = first_difference(known(one), known(other))
    assert not found, found[:500]


def known(state: Partition) -> dict[str, Any]:
    """Return a state's dump; a user with no view says nothing, whether there is an entry or none."""
    found = dump(state)
    for video in found["videos"].values():
        unique, views = video["views"]
        video["views"] = (unique, {user: number for user, number in views.items() if number})
    return found


@pytest.mark.slow
def test_the_corpus_meets_every_fate_every_reason_and_every_type(counted: Counted) -> None:
    """A corpus that never makes a case would prove nothing about it."""
    outcomes = [outcome for of_one in counted.outcomes.values() for outcome in of_one]
    seen: Counter[Any] = Counter(outcome.fate for outcome in outcomes)
    assert all(seen[fate] >= EACH_FATE_MIN for fate in Fate), seen
    reasons = Counter(outcome.why[1] for outcome in outcomes if outcome.why[1])
    by_price_list = {Reason.UNKNOWN_GIFT, Reason.PRICE_MISMATCH}  # the shipped rates ask for none
    assert reasons.keys() == {reason.value for reason in set(Reason) - by_price_list}, reasons
    types: Counter[str] = Counter()
    for core in counted.cores.values():
        types.update(core.state.by_type)
    assert (+types).keys() == EVENT_TYPES.keys()
