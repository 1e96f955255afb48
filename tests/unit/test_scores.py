"""Decayed scores: any order, any reading time, any grouping."""

from math import isclose, log2
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.scores import NO_SCORE, Decayed, decay_table

HALF_LIFE_MS = 3_600_000
NOW_MS = 1_700_000_000_000

points = st.lists(
    st.tuples(st.sampled_from((1.0, 2.5, 7.0, 60.0)), st.integers(0, 20 * HALF_LIFE_MS)),
    min_size=1,
    max_size=20,
)


def added(events: list[tuple[float, int]]) -> Decayed:
    score = Decayed()
    for weight, at_ms in events:
        score.add(weight, NOW_MS + at_ms, HALF_LIFE_MS)
    return score


def test_the_table_is_two_to_the_part_of_a_half_life() -> None:
    table = decay_table(HALF_LIFE_MS)
    assert len(table) == 60_000
    assert table[0] == 1.0
    assert table[30_000] == 2.0 ** (30_000 / HALF_LIFE_MS)
    assert decay_table(HALF_LIFE_MS) is table, "made once"


def test_a_point_is_worth_half_after_a_half_life() -> None:
    score = added([(4.0, 0)])
    score.add(1.0, NOW_MS + HALF_LIFE_MS, HALF_LIFE_MS)
    assert score.value == 3.0
    assert score.at_ms == NOW_MS + HALF_LIFE_MS


@given(points, st.randoms(use_true_random=False))
def test_order_does_not_change_a_score(events: list[tuple[float, int]], rng: Random) -> None:
    shuffled = list(events)
    rng.shuffle(shuffled)
    one, other = added(events).log_score(HALF_LIFE_MS), added(shuffled).log_score(HALF_LIFE_MS)
    assert isclose(one, other, abs_tol=1e-9)


@given(points)
def test_it_is_the_logarithm_of_the_sum(events: list[tuple[float, int]]) -> None:
    plain = log2(sum(w * 2.0 ** ((at - events[0][1]) / HALF_LIFE_MS) for w, at in events))
    expected = plain + (NOW_MS + events[0][1]) / HALF_LIFE_MS
    assert isclose(added(events).log_score(HALF_LIFE_MS), expected, abs_tol=1e-9)


@given(points, points)
def test_partial_sums_may_be_merged(
    some: list[tuple[float, int]], others: list[tuple[float, int]]
) -> None:
    merged, part = added(some), added(others)
    merged.add(part.value, part.at_ms, HALF_LIFE_MS)
    whole = added(some + others)
    assert isclose(merged.log_score(HALF_LIFE_MS), whole.log_score(HALF_LIFE_MS), abs_tol=1e-9)


@given(points, points)
def test_the_order_of_two_scores_does_not_depend_on_when_they_are_read(
    some: list[tuple[float, int]], others: list[tuple[float, int]]
) -> None:
    one, other = added(some), added(others)
    later_ms = NOW_MS + 30 * HALF_LIFE_MS
    at_later = [s.value * 2.0 ** ((s.at_ms - later_ms) / HALF_LIFE_MS) for s in (one, other)]
    by_log = one.log_score(HALF_LIFE_MS) - other.log_score(HALF_LIFE_MS)
    assert abs(by_log) < 1e-9 or (by_log > 0) == (at_later[0] > at_later[1])


@pytest.mark.parametrize("events", [[], [(-7.0, 0)], [(7.0, 5), (-7.0, 5)], [(1.0, 0), (-2.0, 1)]])
def test_nothing_above_zero_is_no_score(events: list[tuple[float, int]]) -> None:
    assert added(events).log_score(HALF_LIFE_MS) == NO_SCORE


def test_nothing_overflows_over_centuries() -> None:
    score = Decayed()
    for at_ms in (0, 4_102_444_800_000, 1):
        score.add(1e6, at_ms, 60_000)
    assert isclose(score.log_score(60_000), log2(1e6) + 4_102_444_800_000 / 60_000)
