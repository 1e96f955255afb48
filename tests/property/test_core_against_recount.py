"""The pure core and the independent recount say the same of every log, wherever it is cut."""

from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings

from schemas.fact_rows import FACT_TABLES
from scripts.generator.model import Spec, generate
from scripts.recount import Record, recount, rules_of
from scripts.recount.checks import all_checks
from streams.agents import rules_of as pipeline_rules_of
from streams.config import Settings
from tests.oracle import records_from_lines
from tests.property.stories import chances, logs, random_rules, rule_sets
from tests.simulation.core import by_partition, cut, new_core
from tests.simulation.ruleset import RuleSet
from tests.simulation.story import Step, random_steps, story_of
from tests.simulation.tables import Tables
from tests.simulation.verdict import differences, in_words
from tests.simulation.views import VIEWS

FLUSH_CHANCE = 0.4
CHECKPOINT_CHANCE = 0.5
NEVER_TAKEN_BACK = ("order_events", "affiliate_clicks", "creator_registrations")


def counted(
    log: Sequence[Record], rules: RuleSet, rng: Random, flush_chance: float = FLUSH_CHANCE
) -> Tables:
    """Return the tables after the core took the log in random runs, with random flushes."""
    tables = Tables()
    for tp, records in by_partition(log).items():
        core = new_core(tp, rules.pipeline)
        for run in cut(records, rng):
            core.apply(run)
            if rng.random() < flush_chance:
                tables.write_all(core.flush(checkpoint=rng.random() < CHECKPOINT_CHANCE))
        tables.write_all(core.flush())
    return tables


@settings(max_examples=150)
@given(logs, rule_sets, chances)
def test_every_cell_of_every_view_is_that_of_the_recount(
    steps: list[Step], rules: RuleSet, rng: Random
) -> None:
    log = story_of(steps)
    found = differences(counted(log, rules, rng), log, rules.plain)
    assert not found, in_words(found)


@pytest.mark.parametrize("part", range(4))
def test_long_random_logs_are_counted_as_by_the_recount(part: int, rng: Random) -> None:
    for _ in range(12):
        seed = rng.randrange(1 << 32)
        draw = Random(seed)
        rules, log = random_rules(draw), story_of(random_steps(draw, 300))
        found = differences(counted(log, rules, draw), log, rules.plain)
        assert not found, f"log {seed}:\n{in_words(found)}"


def test_a_generated_log_is_counted_as_by_the_recount(rng: Random) -> None:
    spec = Spec(seed=rng.randrange(1 << 32), events=3_000)
    messages = generate(spec)
    log = records_from_lines([m.value for m in messages], 3)
    settings = Settings()
    rules = RuleSet(pipeline_rules_of(settings), rules_of(settings))
    found = differences(counted(log, rules, rng), log, rules.plain)
    assert not found, f"generated from {spec.seed}:\n{in_words(found)}"


def test_the_random_logs_meet_every_fate_and_every_reason() -> None:
    """A generator that never makes a case would prove nothing about it."""
    fates: set[str] = set()
    reasons: set[str] = set()
    states: set[str] = set()
    decisions: set[tuple[str, str]] = set()
    for seed in range(25):
        rules = random_rules(Random(seed))
        expected = recount(story_of(random_steps(Random(seed), 300)), rules.plain)
        for sums in expected.partitions.values():
            names = ("counted", "duplicates", "suppressed", "late", "dead_letters")
            fates |= {name for name in (*names, "unknown_fields") if getattr(sums, name)}
        reasons |= {str(letter.reason) for letter in expected.dead_letters.values()}
        states |= {f"{e.source} {e.state}" for e in expected.ledger.values()}
        decisions |= {(boost.verdict, boost.reason) for boost in expected.boosts.values()}
    assert len(fates) == 6
    assert decisions == {
        *(("promote", "surely above"), ("promote", "corrected"), ("demote", "corrected")),
        *(("stop", "surely below"), ("stop", "hold ended")),
    }
    assert reasons >= {
        *("empty", "malformed_json", "invalid_utf8", "not_an_object", "unknown_type"),
        *("missing_field", "wrong_key", "wrong_topic", "future_event_time"),
        *("missing_rate", "unknown_gift", "price_mismatch", "target_mismatch"),
    }
    assert states == {
        "gift estimated",
        "gift final",
        "gift adjustment",
        "creator_rewards estimated",
    }


def test_the_random_logs_hold_every_kind_of_fact_and_take_some_back() -> None:
    met: Counter[str] = Counter()
    for seed in range(25):
        rules, log = random_rules(Random(seed)), story_of(random_steps(Random(seed), 300))
        tables = counted(log, rules, Random(seed))
        for table in FACT_TABLES:
            for row in tables.rows(table):
                met[table] += row.get("counted", 1)
                met[f"{table} taken back"] += not row.get("counted", 1)
    taken_back = {f"{table} taken back" for table in FACT_TABLES if table not in NEVER_TAKEN_BACK}
    assert {name for name, number in met.items() if number} == FACT_TABLES.keys() | taken_back


def test_every_view_of_the_audit_is_compared() -> None:
    expected = recount([], random_rules(Random(0)).plain)
    from scripts.recount.settled import Settled

    assert {check.view for check in all_checks(expected, Settled(), {})} == VIEWS.keys()
