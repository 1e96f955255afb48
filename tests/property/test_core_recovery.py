"""State read back from its pages behaves like the state that wrote them, for ever."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from streams.rows import Columns
from tests.property.stories import chances, logs, random_rules, rule_sets
from tests.simulation.core import by_partition, cut, new_core
from tests.simulation.dump import dump, first_difference
from tests.simulation.ruleset import RuleSet
from tests.simulation.small import small_pages
from tests.simulation.story import Step, random_steps, story_of

RECOVER_CHANCE = 0.5
FLUSH_CHANCE = 0.7
CHECKPOINT_CHANCE = 0.7


@pytest.fixture(autouse=True, scope="module")
def _small_pages() -> Iterator[None]:
    with small_pages():
        yield


def check_recovery(steps: list[Step], rules: RuleSet, rng: Random) -> int:
    """Run a log twice, once dying again and again; return how many pages became obsolete."""
    obsolete = 0
    for tp, records in by_partition(story_of(steps)).items():
        lasting, dying = new_core(tp, rules.pipeline), new_core(tp, rules.pipeline)
        for run in cut(records, rng):
            lasting.apply(run)
            dying.apply(run)
            if rng.random() < FLUSH_CHANCE:
                saves = rng.random() < CHECKPOINT_CHANCE
                rows = as_rows(dying.flush(checkpoint=saves))
                check_same(rows, as_rows(lasting.flush(checkpoint=saves)))
                if saves and rng.random() < RECOVER_CHANCE:
                    obsolete += dying.pages.first
                    dying = dying.recovered()
                check_same(dump(dying.state), dump(lasting.state))
        check_same(as_rows(dying.flush()), as_rows(lasting.flush()))
        obsolete += dying.pages.first
    return obsolete


def check_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Assert that two dumps are equal, and say where they are not."""
    found = first_difference(one, other)
    assert not found, found


def as_rows(columns: dict[str, Columns]) -> dict[str, list[str]]:
    """Return rows in an order that does not depend on sets."""
    return {table: sorted(map(repr, zip(*parts, strict=True))) for table, parts in columns.items()}


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(logs, rule_sets, chances)
def test_a_state_that_dies_and_is_read_back_goes_on_as_if_it_had_not(
    steps: list[Step], rules: RuleSet, rng: Random
) -> None:
    check_recovery(steps, rules, rng)


@pytest.mark.parametrize("part", range(3))
def test_long_logs_survive_many_deaths_and_sweeps(part: int, rng: Random) -> None:
    obsolete = 0
    for _ in range(12):
        seed = rng.randrange(1 << 32)
        draw = Random(seed)
        rules, steps = random_rules(draw), random_steps(draw, 400)
        try:
            obsolete += check_recovery(steps, rules, draw)
        except AssertionError as error:
            raise AssertionError(f"log {seed}: {error}") from error
    assert obsolete, "no sweep was completed: the test proves nothing"


def test_flushing_often_or_seldom_leaves_the_same_state(rng: Random) -> None:
    for _ in range(10):
        rules, steps = random_rules(rng), random_steps(rng, 200)
        for tp, records in by_partition(story_of(steps)).items():
            often, once = new_core(tp, rules.pipeline), new_core(tp, rules.pipeline)
            for record in records:
                often.apply([record])
                often.flush()
            once.apply(records)
            once.flush()
            check_same(dump(often.state), dump(once.state))
            check_same(dump(often.recovered().state), dump(once.recovered().state))
