"""Velocity and acceleration against plain sums."""

from __future__ import annotations

from math import exp, isclose, log
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from streams.scores import Decayed
from streams.trends import (
    HOUR_MS,
    Entity,
    acceleration,
    entities_of,
    merged,
    velocity,
)
from tests.oracle.events import T0_MS

SLOW_MS, FAST_MS = 6 * HOUR_MS, HOUR_MS
TAG: Entity = ("hashtag", "dance")
PARTITIONS = 8

points = st.lists(
    st.tuples(st.sampled_from((1.0, 2.5, 7.0, 60.0)), st.integers(0, 20 * HOUR_MS)),
    min_size=1,
    max_size=30,
)


def added(events: list[tuple[float, int]], half_life_ms: int) -> Decayed:
    score = Decayed()
    for weight, at_ms in events:
        score.add(weight, T0_MS + at_ms, half_life_ms)
    return score


def plain_velocity(events: list[tuple[float, int]], half_life_ms: int, at_ms: int) -> float:
    """Points per hour as in the formula, D in hours."""
    constant = half_life_ms / HOUR_MS / log(2)
    ago_h = [(weight, (at_ms - T0_MS - at) / HOUR_MS) for weight, at in events]
    return sum(weight * exp(-ago / constant) for weight, ago in ago_h) / constant


@given(points, st.integers(20, 40))
def test_velocity_and_acceleration_are_the_formulas(
    events: list[tuple[float, int]], hours: int
) -> None:
    at_ms = T0_MS + hours * HOUR_MS
    slow, fast = added(events, SLOW_MS), added(events, FAST_MS)
    v_slow, v_fast = (plain_velocity(events, half, at_ms) for half in (SLOW_MS, FAST_MS))
    assert isclose(velocity(slow, SLOW_MS, at_ms), v_slow, rel_tol=1e-9)
    assert isclose(velocity(fast, FAST_MS, at_ms), v_fast, rel_tol=1e-9)
    expected = (v_fast - v_slow) / (5 / log(2))
    found = acceleration(slow, fast, (SLOW_MS, FAST_MS), at_ms)
    assert isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9 * v_slow)


def test_even_points_have_their_rate_and_no_acceleration() -> None:
    minutes = range(80 * 60)
    events = [(2.0, minute * 60_000) for minute in minutes]
    at_ms = T0_MS + 80 * HOUR_MS
    slow, fast = added(events, SLOW_MS), added(events, FAST_MS)
    assert isclose(velocity(fast, FAST_MS, at_ms), 120, rel_tol=0.01)
    assert abs(acceleration(slow, fast, (SLOW_MS, FAST_MS), at_ms)) < 0.2
    late = [(weight, at) for weight, at in events if at > 79 * HOUR_MS]
    rising = added(late, SLOW_MS), added(late, FAST_MS)
    assert acceleration(*rising, (SLOW_MS, FAST_MS), at_ms) > 5


@given(points, st.randoms(use_true_random=False))
def test_partitions_and_order_do_not_matter(events: list[tuple[float, int]], rng: Random) -> None:
    parts: list[list[tuple[float, int]]] = [[] for _ in range(PARTITIONS)]
    shuffled = list(events)
    rng.shuffle(shuffled)
    for event in shuffled:
        parts[rng.randrange(PARTITIONS)].append(event)
    at_ms = T0_MS + 20 * HOUR_MS
    whole = velocity(added(events, FAST_MS), FAST_MS, at_ms)
    together = merged([added(part, FAST_MS) for part in parts], FAST_MS)
    assert isclose(velocity(together, FAST_MS, at_ms), whole, rel_tol=1e-9)


def test_a_video_counts_once_in_each_of_its_entities() -> None:
    found = entities_of("v", "c", ["b", "a", "b", ""], "", "dare")
    assert found == [
        ("video", "v"),
        ("creator", "c"),
        ("hashtag", "a"),
        ("hashtag", "b"),
        ("challenge", "dare"),
    ]
