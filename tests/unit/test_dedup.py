"""Bounded memory of event ids."""

from array import array

from streams.dedup import HOUR_MS, Dedup, id_hash, subject_salt

BEGINNING_MS = -1


def test_a_remembered_id_is_seen_until_its_hour_is_forgotten() -> None:
    dedup = Dedup()
    dedup.remember(1, HOUR_MS - 1, BEGINNING_MS)
    dedup.remember(2, HOUR_MS, BEGINNING_MS)
    dedup.forget(HOUR_MS - 1)
    assert dedup.seen == {1, 2}
    dedup.forget(HOUR_MS)
    assert dedup.seen == {2}
    assert list(dedup.buckets) == [1]


def test_an_id_older_than_the_horizon_is_not_remembered() -> None:
    dedup = Dedup()
    dedup.remember(1, 0, HOUR_MS)
    assert not dedup.seen
    assert not dedup.buckets


def test_an_id_of_an_hour_that_is_not_over_is_remembered() -> None:
    dedup = Dedup()
    dedup.remember(1, 0, HOUR_MS - 1)
    assert dedup.seen == {1}


def test_new_ids_are_taken_once_in_order_of_arrival() -> None:
    dedup = Dedup()
    for hashed, time_ms in ((3, 0), (1, 5), (2, HOUR_MS)):
        dedup.remember(hashed, time_ms, BEGINNING_MS)
    assert {hour: list(ids) for hour, ids in dedup.take_new().items()} == {0: [3, 1], 1: [2]}
    assert not dedup.take_new()
    dedup.remember(4, 7, BEGINNING_MS)
    assert {hour: list(ids) for hour, ids in dedup.take_new().items()} == {0: [4]}


def test_what_is_loaded_is_not_new_and_may_come_more_than_once() -> None:
    dedup = Dedup()
    for _ in range(2):
        dedup.load(0, array("Q", [1, 2]), BEGINNING_MS)
    assert list(dedup.buckets[0]) == [1, 2]
    assert not dedup.take_new()


def test_an_hour_past_the_horizon_is_not_loaded_so_that_a_younger_copy_stands() -> None:
    dedup = Dedup()
    dedup.load(0, array("Q", [1]), HOUR_MS)
    dedup.load(30, array("Q", [1]), HOUR_MS)
    dedup.forget(2 * HOUR_MS)
    assert dedup.seen == {1}


def test_memory_goes_down_when_hours_are_forgotten() -> None:
    dedup = Dedup()
    for number in range(10_000):
        dedup.remember(number, number * HOUR_MS // 100, BEGINNING_MS)
        dedup.forget((number - 2_400) * HOUR_MS // 100)
    assert len(dedup.seen) <= 2_500
    assert sum(map(len, dedup.buckets.values())) == len(dedup.seen)


def test_the_same_id_of_two_subjects_is_two_ids() -> None:
    one, other = (id_hash("x", subject_salt(subject)) for subject in (b"v1", b"v2"))
    assert one != other
    assert one == id_hash("x", subject_salt(b"v1"))
