"""The simulated platform: draws, places, the feed, what an arm tells."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from math import sqrt
from statistics import fmean, stdev

import pytest
from aiokafka.partitioner import murmur2
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import parse_event
from schemas.ranking import Pool
from scripts.generator.figures import HOURLY_EXPOSURES
from scripts.records import LogRecord
from scripts.world.arm import Arm
from scripts.world.assumptions import CONTROL, Assumptions, Treatment
from scripts.world.chance import Chance, For
from scripts.world.estimates import difference, per_thousand
from scripts.world.feed import Decided
from scripts.world.places import Place
from scripts.world.videos import POSTS_MAX

SMALL = replace(Assumptions(), users=80, creators=8, days=1)
POOLS = [
    Pool(name=name, impressions=size, by="value", threshold=0.8, hold_minutes=60)
    for name, size in (("L1", 20), ("L2", 60))
]
START_MS = 1_577_836_800_000


def arm(treatment: Treatment = CONTROL, seed: int = 1, assumed: Assumptions = SMALL) -> Arm:
    return Arm(seed, treatment, assumed, POOLS, Place("w0", (1, 3), 4), START_MS)


def told(played: Arm) -> list[LogRecord]:
    records = []
    while not played.is_over:
        records += played.tell()
    return records


def counts(records: list[LogRecord]) -> Counter[str]:
    return Counter(json.loads(record.value)["type"] for record in records)


@given(st.integers(0, 2**31), st.sampled_from(For), st.lists(st.integers(0, 10**9), max_size=4))
def test_a_draw_is_the_same_again_and_below_one(seed: int, purpose: For, names: list[int]) -> None:
    draw = Chance(seed)(purpose, *names)
    assert 0 <= draw < 1
    assert draw == Chance(seed)(purpose, *names)


def test_draws_are_spread_evenly(seed: int) -> None:
    chance = Chance(seed)
    draws = [chance(For.LIKE, n, n % 7) for n in range(20_000)]
    other = [chance(For.VIEW, n, n % 7) for n in range(20_000)]
    # Six standard deviations of a mean of uniforms, and of a mean of products of independent ones.
    assert abs(fmean(draws) - 0.5) < 6 / sqrt(12 * 20_000)
    assert abs(fmean(a * b for a, b in zip(draws, other, strict=True)) - 0.25) < 6 * 0.22 / sqrt(
        20_000
    )


@given(st.integers(1, 32), st.data())
def test_ids_land_in_the_arms_partitions(partitions: int, data: st.DataObject) -> None:
    numbers = st.lists(st.integers(0, partitions - 1), min_size=1, unique=True)
    place = Place("w7", tuple(data.draw(numbers)), partitions)
    for number in range(20):
        hashed = int(murmur2(place.id("v", number).encode())) & 0x7FFFFFFF
        assert hashed % partitions in place.own
    ticks = [int(murmur2(key.encode())) & 0x7FFFFFFF for key in place.control_ids()]
    assert [key % partitions for key in ticks] == list(place.own)


def test_all_that_is_told_is_valid_in_order_and_at_home() -> None:
    played = arm()
    newest_ms = 0
    while not played.is_over:
        for record in played.tell():
            event = parse_event(record.value)
            assert event.event_time_ms >= newest_ms
            newest_ms = event.event_time_ms
            assert (int(murmur2(record.key)) & 0x7FFFFFFF) % 4 in (1, 3)


def test_an_arm_that_is_told_the_same_tells_the_same() -> None:
    decisions = [Decided(Place("w0", (1, 3), 4).id("v", 0), "L1", "promote", START_MS + 60_000)]
    first, second = arm(), arm()
    for played in (first, second):
        played.hear(decisions)
    assert told(first) == told(second)
    assert told(arm(seed=2)) != told(arm(seed=3))


def test_a_treatment_touches_nobody_elses_luck() -> None:
    """Without a feed that reacts, liking more changes likes of the chosen and nothing else."""
    plain, liked = arm(), arm(Treatment("x", like_factor=3.0))
    before, after = counts(told(plain)), counts(told(liked))
    assert after["like"] > before["like"]
    for kind in before.keys() - {"like", "unlike"}:
        assert after[kind] == before[kind], kind


def test_bought_likes_are_found_or_not() -> None:
    bought = counts(told(arm(Treatment("x", bots=5))))
    found = counts(told(arm(Treatment("x", bots=5, bots_found=True))))
    assert bought["like"] == found["like"] > counts(told(arm()))["like"]
    assert bought["invalidated"] == 0 < found["invalidated"]


def test_a_stopped_video_leaves_for_you_and_a_promoted_one_is_shown_more() -> None:
    shown: dict[str, Counter[str]] = {}
    for verdict in ("stop", "promote"):
        played = arm(assumed=replace(SMALL, exploring_share=0.0, users=200))
        shown[verdict] = Counter()
        while not played.is_over:
            for record in played.tell():
                event = json.loads(record.value)
                if event["type"] == "video_published" and not event["is_promoted"]:
                    at_ms = event["event_time_ms"]
                    if event["video_id"] == Place("w0", (1, 3), 4).id("v", POSTS_MAX):
                        played.hear([Decided(event["video_id"], "L1", verdict, at_ms)])
                elif event["type"] == "impression" and event["feed"] == "for_you":
                    shown[verdict][event["video_id"]] += 1
    video = Place("w0", (1, 3), 4).id("v", POSTS_MAX)
    assert shown["promote"][video] > 2 * shown["stop"][video]


def test_days_have_the_hours_of_the_real_log() -> None:
    hours: Counter[int] = Counter()
    for record in told(arm(assumed=replace(SMALL, users=200, creators=60, days=2))):
        event = json.loads(record.value)
        on_day_two = event["event_time_ms"] >= START_MS + 86_400_000  # the first has no videos yet
        if event["type"] == "impression" and on_day_two:
            hours[event["event_time_ms"] // 3_600_000 % 24] += 1
    night, evening = sum(hours[n] for n in (3, 4, 5)), sum(hours[n] for n in (20, 21, 22))
    real = sum(HOURLY_EXPOSURES[n] for n in (20, 21, 22)) / sum(HOURLY_EXPOSURES[3:6])
    assert real / 2 < evening / max(night, 1) < real * 2


def test_an_effect_is_the_paired_t_interval() -> None:
    control, treated = [10.0, 12.0, 9.0, 14.0], [13.0, 14.0, 13.0, 15.0]
    changes = [3.0, 2.0, 4.0, 1.0]
    found = difference(treated, control)
    margin = 3.182 * stdev(changes) / sqrt(4)
    assert found.mean == pytest.approx(2.5)
    assert (found.low, found.high) == pytest.approx((2.5 - margin, 2.5 + margin))
    assert found.seeds == 4
    assert not difference([1.0, -1.0, 1.0, -1.0], [0.0] * 4).differs


def test_a_ratio_that_is_the_same_in_every_world_is_certain() -> None:
    found = per_thousand([5.0, 10.0, 20.0], [100.0, 200.0, 400.0])
    assert (found.mean, found.low, found.high) == pytest.approx((50.0, 50.0, 50.0))
