"""Which pages a flush writes and which it deletes: the changelog stays small and whole."""

from collections.abc import Iterator
from random import Random

import pytest

from streams import sweep
from tests.simulation.core import by_partition, new_core
from tests.simulation.dump import dump, first_difference
from tests.simulation.ruleset import rule_set
from tests.simulation.small import small_pages
from tests.simulation.story import random_steps, story_of

RULES = rule_set().pipeline
TP = ("engagement.events", 0)


@pytest.fixture(autouse=True)
def _small() -> Iterator[None]:
    with small_pages():
        yield


def test_pages_are_numbered_on_and_never_deleted_before_they_are_replaced(rng: Random) -> None:
    core, numbers, completed = new_core(TP, RULES), set[int](), 0
    for record in by_partition(story_of(random_steps(rng, 900)))[TP]:
        core.apply([record])
        core.rows.take(core.state)
        pages = core.pages.take(core.state)
        written = {sequence for sequence, _ in pages.written}
        assert not written & numbers
        assert written == set(range(core.pages.next - len(written), core.pages.next))
        assert not written & set(pages.obsolete)
        assert set(pages.obsolete) <= numbers
        numbers = (numbers | written) - set(pages.obsolete)
        assert numbers == set(range(core.pages.first, core.pages.next))
        completed += bool(pages.obsolete)
    assert completed > 2, "no sweep was completed: the test proves nothing"


def test_the_pages_alive_are_the_state_after_every_flush(rng: Random) -> None:
    core = new_core(TP, RULES)
    for record in by_partition(story_of(random_steps(rng, 250)))[TP]:
        core.apply([record])
        core.flush()
        found = first_difference(dump(core.recovered().state), dump(core.state))
        assert not found, found


def test_the_changelog_is_bounded_by_the_state_not_by_the_log(rng: Random) -> None:
    core, largest = new_core(TP, RULES), 0
    records = by_partition(story_of(random_steps(rng, 3_000)))[TP]
    for start in range(0, len(records), 5):
        core.apply(records[start : start + 5])
        core.flush()
        largest = max(largest, sum(map(len, core.alive.values())))
    whole = new_core(TP, RULES)
    whole.apply(records)
    whole.flush()
    state_bytes = sum(map(len, whole.alive.values()))
    assert core.pages.first > 0
    assert largest < 5 * state_bytes + sweep.SWEEP_BYTES_MIN


def test_a_small_state_is_not_swept() -> None:
    core = new_core(TP, RULES)
    for record in by_partition(story_of(random_steps(Random(1), 6)))[TP]:
        core.apply([record])
        core.flush()
    assert core.pages.first == 0


def test_a_sweep_costs_about_what_the_changes_cost(rng: Random) -> None:
    core, records = new_core(TP, RULES), by_partition(story_of(random_steps(rng, 1_500)))[TP]
    for start in range(0, len(records), 10):
        core.apply(records[start : start + 10])
        core.rows.take(core.state)
        before = core.pages.next
        pages = core.pages.take(core.state)
        sizes = [len(page) for _, page in pages.written]
        assert sum(sizes) < 40_000, f"flush at page {before} writes {sum(sizes)} bytes"
