"""The recount's judgement: which message is late, a duplicate, suppressed, refused or counted."""

import pytest

from schemas.base import COMMERCE_TOPIC, ENGAGEMENT_TOPIC
from scripts.recount import recount
from tests.oracle import records_from_lines
from tests.oracle.events import DAY_MS, HOUR_MS, T0_MS, event, invalidated, line_of
from tests.oracle.logs import (
    COMMERCE,
    ENGAGEMENT,
    count,
    count_with_key,
    minute,
    reasons,
    rules,
    sums,
    totals,
)


def test_an_empty_log_says_nothing() -> None:
    expected = count()
    assert not expected.engagement_1m
    assert not expected.partitions


# Rule 1


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b"{", "malformed_json"),
        (b"\xff", "invalid_utf8"),
        (b"[]", "not_an_object"),
        (b'{"type": "dance"}', "unknown_type"),
        (b'{"type": "like"}', "missing_field"),
        (b" " * (1 << 20) + b"{}", "too_large"),
    ],
)
def test_what_is_no_event_is_a_dead_letter(value: bytes | None, reason: str) -> None:
    (record,) = records_from_lines([line_of(event("like"))], 1)
    expected = recount([record._replace(value=value)], rules())
    assert reasons(expected) == [reason]
    assert sums(expected) == {"dead_letters": 1}
    (letter,) = expected.dead_letters.values()
    assert letter.raw == (value or b"")
    assert letter.stage == "decode"


@pytest.mark.parametrize("key", [None, b"", b"w", b"\xff"])
def test_a_key_that_is_not_the_subject_is_refused(key: bytes | None) -> None:
    assert reasons(count_with_key(event("like"), key)) == ["wrong_key"]


def test_the_wrong_topic_is_named_before_the_wrong_key() -> None:
    expected = count_with_key(event("like"), b"w", COMMERCE_TOPIC)
    assert reasons(expected) == ["wrong_topic"]


def test_a_time_more_than_five_minutes_ahead_of_its_record_is_refused() -> None:
    expected = count(event("like", at=300_000), event("like", at=300_001), record_ms=T0_MS)
    assert reasons(expected) == ["future_event_time"]
    assert sums(expected) == {"counted": 1, "dead_letters": 1}


def test_a_gift_without_a_rate_is_refused() -> None:
    expected = count(event("gift", event_time_ms=1))
    assert reasons(expected) == ["missing_rate"]
    assert next(iter(expected.dead_letters.values())).event_time_ms == 1


def test_one_target_of_another_video_refuses_the_whole_message() -> None:
    mine, other = event("like"), event("like", video_id="w")
    expected = count(mine, invalidated(mine, other))
    assert reasons(expected) == ["target_mismatch"]
    assert totals(expected) == {"likes": 1, "net_likes": 1}


def test_a_dead_letter_does_not_move_the_event_time() -> None:
    ahead = event("gift", event_time_ms=1)
    expected = count(event("like"), ahead, event("like", at=-DAY_MS))
    assert expected.partitions[ENGAGEMENT].max_event_time_ms == T0_MS
    assert "late" not in sums(expected)


# Rule 2


def test_an_event_exactly_at_the_horizon_is_not_late_and_one_before_it_is() -> None:
    expected = count(event("like"), event("like", at=-DAY_MS), event("like", at=-DAY_MS - 1))
    assert sums(expected) == {"counted": 2, "late": 1}
    assert totals(expected)["likes"] == 2
    (cell,) = expected.late_events
    assert cell == (T0_MS - DAY_MS - 60_000, "video", "v", "like")


def test_late_copies_are_all_late_for_their_ids_are_not_remembered() -> None:
    old = event("like", at=-2 * DAY_MS)
    expected = count(event("like"), old, old)
    assert sums(expected) == {"counted": 1, "late": 2}
    assert list(expected.late_events.values()) == [2]


def test_a_late_copy_of_a_remembered_event_is_late_rather_than_a_duplicate() -> None:
    first = event("like", at=10)  # in an hour whose end is not forgotten yet
    expected = count(first, event("like", at=DAY_MS + 11), first)
    assert sums(expected) == {"counted": 2, "late": 1}


@pytest.mark.parametrize(
    "kind",
    [
        "video_published",
        "gift",
        "gift_refunded",
        "live_started",
        "live_ended",
        "deal_signed",
        "invalidated",
    ],
)
def test_money_and_metadata_are_never_late(kind: str) -> None:
    expected = count(event("impression"), event("live_like"), event(kind, at=-9 * DAY_MS))
    assert sums(expected) == {"counted": 3}


def test_live_joined_can_be_late() -> None:
    expected = count(event("live_like"), event("live_joined", at=-2 * DAY_MS))
    assert list(expected.late_events) == [(T0_MS - 2 * DAY_MS, "live", "l", "live_joined")]


def test_commerce_is_never_late_and_so_old_an_id_is_not_remembered() -> None:
    click = event("affiliate_click", at=-9 * DAY_MS)
    expected = count(event("order_placed"), click, click, click)
    assert expected.partitions[COMMERCE].counted == 4  # forgotten at once, idempotent by its key
    assert expected.partitions[COMMERCE].by_type == {"order_placed": 1, "affiliate_click": 3}


def test_a_duplicate_moves_the_event_time_too() -> None:
    first = event("like")
    expected = count(first, first | {"event_time_ms": T0_MS + DAY_MS}, event("like", at=-1))
    assert sums(expected) == {"counted": 1, "duplicates": 1, "late": 1}
    assert expected.partitions[ENGAGEMENT].max_event_time_ms == T0_MS + DAY_MS


@pytest.mark.parametrize("topic", [ENGAGEMENT_TOPIC, COMMERCE_TOPIC])
def test_a_tick_belongs_to_every_topic_and_only_moves_the_event_time(topic: str) -> None:
    (tick,) = records_from_lines([line_of(event("tick", at=2 * DAY_MS))], 1)
    lines = map(line_of, [event("gift"), event("like")])
    gift, like = records_from_lines(lines, 1)
    log = [gift, tick._replace(topic=topic, offset=1), like._replace(offset=2)]
    expected = recount(log, rules())
    assert not expected.dead_letters
    state = expected.ledger["gift:l:u:rose:g"].state
    if topic == ENGAGEMENT_TOPIC:
        assert (state, sums(expected)) == ("final", {"counted": 2, "late": 1})
    else:
        assert (state, sums(expected)) == ("estimated", {"counted": 2})


# Rule 3


def test_of_copies_with_other_content_the_first_in_the_log_stands() -> None:
    first = event("view", watch_ms=100)
    expected = count(first, first | {"watch_ms": 7_000, "event_time_ms": T0_MS + 1})
    assert sums(expected) == {"counted": 1, "duplicates": 1}
    assert totals(expected)["watch_ms"] == 100


def test_the_same_id_on_another_video_is_another_event() -> None:
    expected = count(event("like", id="x"), event("like", id="x", video_id="w"))
    assert sums(expected) == {"counted": 2}


def test_an_id_is_shared_by_all_types() -> None:
    assert sums(count(event("like", id="x"), event("unlike", id="x"))) == {
        "counted": 1,
        "duplicates": 1,
    }


def test_an_hour_of_ids_is_forgotten_when_its_end_reaches_the_horizon() -> None:
    gift = event("gift", at=0)
    end = HOUR_MS + DAY_MS
    still = count(gift, event("gift", id="m", group_id="h", at=end - 1), gift)
    assert sums(still) == {"counted": 2, "duplicates": 1}
    gone = count(gift, event("gift", id="m", group_id="h", at=end), gift)
    assert sums(gone) == {"counted": 3}
    assert gone.lives["l"]["gifts"] == 2  # counted again, but the streak is the same


# Messages


def test_unknown_fields_are_counted_once_a_message_at_any_depth() -> None:
    deep = event("video_published", collaborators=[{"creator_id": "d", "share_bps": 1, "x": 1}])
    expected = count(event("like", x=1, y=2), deep, event("like"), event("like", device_id=None))
    assert expected.partitions[ENGAGEMENT].unknown_fields == 2


def test_by_type_holds_every_admitted_message() -> None:
    like = event("like")
    expected = count(event("view"), like, like, event("like", at=-2 * DAY_MS))
    assert expected.partitions[ENGAGEMENT].by_type == {"view": 1, "like": 3}


def test_partitions_have_their_own_time_and_ids() -> None:
    old, new = event("like", video_id="w", at=-3 * DAY_MS), event("like")
    records = records_from_lines([line_of(new), line_of(old)], 1)
    apart = [record._replace(partition=number) for number, record in enumerate(records)]
    assert sum(part.late for part in recount(records, rules()).partitions.values()) == 1
    assert sum(part.late for part in recount(apart, rules()).partitions.values()) == 0


def test_a_minute_is_cut_at_its_start() -> None:
    expected = count(event("like", at=59_999), event("like", at=60_000), event("like", at=60_001))
    assert minute(expected, 0) == {"likes": 1}
    assert minute(expected, 60_000) == {"likes": 2}
