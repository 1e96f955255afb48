"""Bursts against a plain recomputation, over days with their ups and downs, and under attack."""

from __future__ import annotations

from functools import cache
from math import isclose, sqrt
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.detection import BurstRules
from schemas.weights import load_weights
from scripts.generator.figures import HOURLY_EXPOSURES
from streams.bursts import (
    Bursts,
    Transition,
    capped_count,
    cycle_exposure,
    poisson_z,
)
from streams.trends import HOUR_MS, Entity
from tests.oracle.events import T0_MS

RULES = load_weights().bursts[0]
FIRST = T0_MS // 60_000
TAG: Entity = ("hashtag", "dance")
SMALL = RULES.model_copy(
    update={
        "users_min": 2,
        "user_share_max": 0.5,
        "warmup_windows": 3,
        "dwell_windows": 2,
        "baseline_half_life_windows": 10,
        "z_enter": 2.0,
        "z_leave": 1.0,
    }
)
Windows = list[tuple[int, dict[Entity, dict[str, int]], float]]


def crowd(size: int) -> dict[str, int]:
    return {f"u{number}": 1 for number in range(size)}


@st.composite
def window_lists(draw: st.DrawFn) -> Windows:
    rng = Random(draw(st.integers(0, 1 << 32)))
    made: Windows = []
    window = FIRST
    for _ in range(rng.randrange(1, 60)):
        window += rng.choice((1, 1, 1, 2, 5))
        counts = {
            ("hashtag", name): {
                f"u{rng.randrange(9)}": rng.randrange(1, 5) for _ in range(rng.randrange(8))
            }
            for name in "abc"
            if rng.random() < 0.7
        }
        made.append((window, counts, float(rng.randrange(1, 200))))
    return made


def plain_cap(users: dict[str, int], share: float) -> float:
    """The largest c that users come to when nobody has more than its share of c, or one event."""
    best = float(len(users))
    for cut in range(len(users)):
        rest = sum(sorted(users.values())[: len(users) - cut])
        if 1 - cut * share <= 1e-9:
            break
        c = rest / (1 - cut * share)
        if isclose(sum(min(n, share * c) for n in users.values()), c):
            best = max(best, c)
    return best


def plain(windows: Windows, rules: BurstRules) -> list[Transition]:
    """Every window judged against the whole list of those before it."""
    found = []
    for entity in sorted({entity for _, counts, _ in windows for entity in counts}):
        since = None
        for place, (window, counts, exposure) in enumerate(windows):
            users = counts.get(entity, {})
            before = [
                (plain_cap(c.get(entity, {}), rules.user_share_max), x, window - w)
                for w, c, x in windows[:place]
            ]
            half = rules.baseline_half_life_windows
            events = sum(c * 0.5 ** (ago / half) for c, _, ago in before)
            traffic = sum(x * 0.5 ** (ago / half) for _, x, ago in before)
            expected = events / traffic * exposure if traffic else 0.0
            count = plain_cap(users, rules.user_share_max)
            rate = max(expected, rules.expected_min)
            z = (count - rate) / sqrt(rate + rules.variance_extra)
            if since is None and entity in counts:
                warm = window - windows[0][0] >= rules.warmup_windows
                enters = z >= rules.z_enter and len(users) >= rules.users_min and warm
            else:
                enters = False
            ends = since is not None and z < rules.z_leave
            if enters or (ends and since is not None and window - since >= rules.dwell_windows):
                since = window if enters else None
                found.append(Transition(entity, enters, window, z, count, expected))
    return sorted(found, key=lambda t: (t.window, t.entity))


def close_all(
    windows: Windows, rules: BurstRules, restarts: Random | None = None
) -> list[Transition]:
    bursts = Bursts(rules)
    found = []
    for window, counts, exposure in windows:
        if restarts is not None and restarts.random() < 0.3:
            dumped = msgspec.msgpack.encode(bursts.dump())
            bursts = Bursts.load(rules, msgspec.msgpack.decode(dumped))
        found += bursts.close(window, counts, exposure)
    return found


def alike(some: list[Transition], others: list[Transition]) -> bool:
    return [t[:3] for t in some] == [t[:3] for t in others] and all(
        isclose(x, y, rel_tol=1e-9, abs_tol=1e-9)
        for one, other in zip(some, others, strict=True)
        for x, y in zip(one[3:], other[3:], strict=True)
    )


@given(window_lists())
def test_it_is_the_plain_recomputation(windows: Windows) -> None:
    assert alike(close_all(windows, SMALL), plain(windows, SMALL))


@given(window_lists(), st.integers(0, 1 << 32).map(Random))
def test_restarts_change_nothing(windows: Windows, rng: Random) -> None:
    assert close_all(windows, SMALL, restarts=rng) == close_all(windows, SMALL)


@given(st.dictionaries(st.text("abcdefgh", min_size=1), st.integers(1, 50)), st.floats(0.05, 0.9))
def test_no_user_has_more_than_its_share(users: dict[str, int], share: float) -> None:
    found = capped_count(users, share)
    assert isclose(found, plain_cap(users, share), abs_tol=1e-9)
    cut = max(1.0, share * found)
    assert isclose(sum(min(n, cut) for n in users.values()), found, abs_tol=1e-9)
    assert found <= sum(users.values()) + 1e-9


def test_one_loud_user_counts_as_a_tenth() -> None:
    assert capped_count(crowd(90) | {"loud": 5_000}, 0.1) == 90 / 0.9
    assert capped_count(crowd(90), 0.1) == 90
    assert capped_count({"loud": 5_000}, 0.1) == 1
    assert capped_count(crowd(5) | {"loud": 5_000}, 0.1) == 6
    assert capped_count({}, 0.1) == 0


def test_z_is_the_poisson_formula() -> None:
    assert isclose(poisson_z(30, 10, RULES), 20 / sqrt(11))
    assert isclose(poisson_z(3, 0, RULES), 2.5 / sqrt(1.5))


@cache
def days(hours: int, seed: int) -> tuple[tuple[int, int, int], ...]:
    """Return (window, events of the tag, all events) of minutes that go up and down like real ones."""
    rng = Random(seed)
    made = []
    for minute in range(hours * 60):
        mean = HOURLY_EXPOSURES[minute // 60 % 24] / 40_000
        traffic = max(0, round(rng.gauss(mean, sqrt(mean))))
        made.append((FIRST + minute, sum(rng.random() < 0.03 for _ in range(traffic)), traffic))
    return tuple(made)


def run_days(
    rules: BurstRules, *, lift: int = 1, hours: int = 72, cycle: bool = True
) -> list[Transition]:
    """Close three days; in the last, the tag comes `lift` times as often for twenty minutes."""
    bursts = Bursts(rules)
    found = []
    for number, (window, events, traffic) in enumerate(days(hours, 7)):
        burst = hours * 60 - 200 <= number < hours * 60 - 180
        counts = {TAG: crowd(events * (lift if burst else 1))}
        found += bursts.close(window, counts, float(traffic) if cycle else 400.0)
    return found


def test_the_ups_and_downs_of_days_are_no_bursts() -> None:
    assert [t for t in run_days(RULES) if t.bursting] == []
    # the same minutes against a baseline that knows no hours
    assert len([t for t in run_days(RULES, cycle=False) if t.bursting]) >= 3


def test_a_burst_is_found_at_once_and_ends_with_it() -> None:
    begin, end = run_days(RULES, lift=4)
    start = FIRST + 72 * 60 - 200
    assert (begin.entity, begin.bursting, end.bursting) == (TAG, True, False)
    assert start <= begin.window <= start + 2
    assert start + 20 <= end.window <= start + 22


def test_an_entity_that_nobody_knew_bursts_when_enough_people_use_it() -> None:
    few, many, one = (Bursts(RULES) for _ in range(3))
    for bursts in (few, many, one):
        for window in range(FIRST, FIRST + 100):
            assert bursts.close(window, {}, 400.0) == []
    window = FIRST + 100
    assert few.close(window, {TAG: crowd(RULES.users_min - 1)}, 400.0) == []
    assert one.close(window, {TAG: {"loud": 500}}, 400.0) == []
    (begin,) = many.close(window, {TAG: crowd(RULES.users_min)}, 400.0)
    assert begin.bursting
    assert many.close(window + 1, {}, 400.0) == [], "it dwells"
    (end,) = many.close(window + RULES.dwell_windows, {}, 400.0)
    assert not end.bursting


def test_nothing_bursts_before_there_is_a_baseline() -> None:
    bursts = Bursts(RULES)
    found = [bursts.close(FIRST + n, {TAG: crowd(50)}, 400.0) for n in range(300)]
    assert not any(found)


def test_who_is_forgotten_leaves_no_state() -> None:
    bursts = Bursts(SMALL)
    bursts.close(FIRST, {TAG: crowd(9)}, 10.0)
    assert bursts.expected(TAG, 10.0) == 9
    bursts.close(FIRST + 1_000, {}, 10.0)
    assert bursts.kept == {}
    assert bursts.expected(TAG, 10.0) == 0
    with pytest.raises(AssertionError):
        bursts.close(FIRST + 1_000, {}, 10.0)


def test_a_cycle_is_read_by_the_hour() -> None:
    profile = [float(hour) for hour in range(24)]
    assert cycle_exposure(profile, T0_MS + 5 * HOUR_MS + 59 * 60_000) == 5.0
    week = [float(hour) for hour in range(168)]
    assert cycle_exposure(week, T0_MS) == 24.0, "1 March 2024 was a Friday"
