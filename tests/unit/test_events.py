"""What is an event, and how a message that is none is named."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
import pytest

from schemas import wire
from schemas.base import COMMERCE_TOPIC, ENGAGEMENT_TOPIC, BirthDate
from schemas.errors import InputError
from schemas.events import EVENT_TYPES, parse_event
from schemas.examples import EXAMPLES
from schemas.failures import DeadLetter, Failure, Reason, Stage
from schemas.refusals import EventError
from streams.decode import decode_run
from tests.property.agreement import check

VIDEO_TYPES = {
    *("video_published", "impression", "view", "like", "unlike", "share", "favorite"),
    *("unfavorite", "follow", "unfollow", "profile_view", "not_interested", "report", "comment"),
    *("comment_deleted", "reply", "deal_signed", "invalidated"),
}
LIVE_TYPES = {
    *("live_started", "live_ended", "live_joined", "live_left", "live_like", "gift"),
    "gift_refunded",
}
USER_TYPES = {
    *("affiliate_click", "order_placed", "order_settled", "order_refunded"),
    *("order_frozen", "order_released", "order_ineligible", "creator_registered"),  # our own
}
# For each pattern a text that it takes, and texts that it does not.
PATTERNS = {
    "^[A-Z]{3}$": ("EUR", "eur", "EU", "EURO", "EUR\n"),
    get_args(BirthDate)[1].pattern: (
        *("1999-02-28", "1999-2-28", "1999-13-01", "1999-00-10", "1999-01-00", "1999-01-32"),
        *("99-01-01", "1999-01-01\n", "1999-01-011", "1999/01/01", "٢999-01-01"),
    ),
}


def raw_of(name: str, **changes: Any) -> bytes:
    event = {**EXAMPLES[name], **changes}
    return json.dumps({key: value for key, value in event.items() if value is not ...}).encode()


def accepted(raw: bytes) -> Any:
    event = check(raw)
    assert not isinstance(event, Failure), event
    return event


def refused(raw: bytes | None) -> tuple[Reason, str]:
    failure = check(raw)
    assert isinstance(failure, Failure), failure
    assert failure.stage is Stage.DECODE
    return failure.reason, failure.detail


def test_the_types_topics_and_keys_are_the_contract() -> None:
    assert EVENT_TYPES.keys() == VIDEO_TYPES | LIVE_TYPES | USER_TYPES | {"tick"}  # our own
    for names, topic, key in (
        (VIDEO_TYPES, ENGAGEMENT_TOPIC, "video_id"),
        (LIVE_TYPES, ENGAGEMENT_TOPIC, "live_id"),
        (USER_TYPES, COMMERCE_TOPIC, "user_id"),
    ):
        for name in names:
            assert (EVENT_TYPES[name].topic, EVENT_TYPES[name].key_field) == (topic, key)


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_each_type_becomes_its_class(name: str) -> None:
    event = accepted(raw_of(name))
    assert type(event) is wire.CLASS_OF[name]
    assert type(event).__name__ == "".join(part.capitalize() for part in name.split("_"))
    assert wire.TYPE_OF[type(event)] == name
    assert wire.TOPIC_OF[type(event)] == EVENT_TYPES[name].topic
    assert getattr(event, wire.SUBJECT_FIELD[type(event)])


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_what_the_wire_types_encode_is_the_same_event(name: str) -> None:
    event = accepted(raw_of(name))
    assert accepted(msgspec.json.encode(event)) == event


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_every_required_field_is_missed(name: str) -> None:
    for field, info in EVENT_TYPES[name].model.model_fields.items():
        raw = raw_of(name, **{field: ...})
        if info.is_required():
            assert refused(raw) == (Reason.MISSING_FIELD, field)
        else:
            assert getattr(accepted(raw), field) == info.default


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_null_is_absent_where_a_field_may_be_absent(name: str) -> None:
    for field, info in EVENT_TYPES[name].model.model_fields.items():
        raw = raw_of(name, **{field: None})
        if not info.is_required() and info.default is None:
            assert getattr(accepted(raw), field) is None
        else:
            assert refused(raw)[0] is Reason.WRONG_TYPE


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_bounds_hold_to_the_last_unit(name: str) -> None:
    schema = EVENT_TYPES[name].model.model_json_schema()
    for field, described in schema["properties"].items():
        bounds = described | next(iter(described.get("anyOf", [])), {})
        for value, reason in _edges(bounds, EXAMPLES[name].get(field)):
            raw = raw_of(name, **{field: value})
            if reason is None:
                accepted(raw)
            else:
                assert refused(raw)[0] is reason, (field, value)


def _edges(bounds: dict[str, Any], example: Any) -> list[tuple[Any, Reason | None]]:
    beyond = Reason.OUT_OF_RANGE
    edges: list[tuple[Any, Reason | None]] = []
    if "minimum" in bounds:
        low, high = bounds["minimum"], bounds["maximum"]
        edges += [(low, None), (high, None), (low - 1, beyond), (high + 1, beyond)]
    if bounds.get("type") == "string" and "pattern" in bounds:
        right, *wrong = PATTERNS[bounds["pattern"]]
        edges += [(right, None), *((word, beyond) for word in wrong)]
    elif bounds.get("type") == "string" and "maxLength" in bounds:
        longest = "é" * bounds["maxLength"]
        edges += [(longest, None), (longest + "x", beyond)]
        edges.append(("", beyond if bounds.get("minLength") else None))
    if "maxItems" in bounds:
        item = example[0]
        if isinstance(item, dict) and "share_bps" in item:
            item = item | {"share_bps": 0}
        edges += [([], None), ([item] * bounds["maxItems"], None)]
        edges.append(([item] * (bounds["maxItems"] + 1), beyond))
    return edges


@pytest.mark.parametrize(
    ("raw", "reason", "detail"),
    [
        (None, Reason.EMPTY, "the message has no value"),
        (b"", Reason.EMPTY, "the message has no value"),
        (b" ", Reason.MALFORMED_JSON, "EOF while parsing a value at line 1 column 1"),
        (b"\xff{}", Reason.INVALID_UTF8, "invalid start byte at byte 0"),
        (b"\xef\xbb\xbf{}", Reason.MALFORMED_JSON, "expected value at line 1 column 1"),
        (b"{}x", Reason.MALFORMED_JSON, "trailing characters at line 1 column 3"),
        (b"[]", Reason.NOT_AN_OBJECT, "the message is of type array"),
        (b"7", Reason.NOT_AN_OBJECT, "the message is of type number"),
        (b"null", Reason.NOT_AN_OBJECT, "the message is of type null"),
        (b"{}", Reason.MISSING_FIELD, "type"),
        (b'{"type":"duet"}', Reason.UNKNOWN_TYPE, "type: 'duet'"),
        (b'{"type":"Like"}', Reason.UNKNOWN_TYPE, "type: 'Like'"),
        (b'{"type":7}', Reason.WRONG_TYPE, "type: Input should be a valid string"),
        (b'{"type":null}', Reason.WRONG_TYPE, "type: Input should be a valid string"),
        (b'{"type":"like"}', Reason.MISSING_FIELD, "id"),
    ],
)
def test_what_is_no_event(raw: bytes | None, reason: Reason, detail: str) -> None:
    assert refused(raw) == (reason, detail)


@pytest.mark.parametrize(
    ("name", "changes", "reason", "path"),
    [
        ("like", {"event_time_ms": "1"}, Reason.WRONG_TYPE, "event_time_ms"),
        ("like", {"event_time_ms": 1.0}, Reason.WRONG_TYPE, "event_time_ms"),
        ("like", {"event_time_ms": True}, Reason.WRONG_TYPE, "event_time_ms"),
        ("like", {"event_time_ms": 10**30}, Reason.OUT_OF_RANGE, "event_time_ms"),
        ("like", {"id": 7}, Reason.WRONG_TYPE, "id"),
        ("view", {"feed": "foryou"}, Reason.OUT_OF_RANGE, "feed"),
        ("view", {"feed": 1}, Reason.WRONG_TYPE, "feed"),
        ("view", {"is_promoted": 1}, Reason.WRONG_TYPE, "is_promoted"),
        ("video_published", {"hashtags": "fyp"}, Reason.WRONG_TYPE, "hashtags"),
        ("video_published", {"hashtags": ["a", ""]}, Reason.OUT_OF_RANGE, "hashtags[1]"),
        (
            "video_published",
            {"collaborators": [{"creator_id": "c"}]},
            Reason.MISSING_FIELD,
            "collaborators[0].share_bps",
        ),
        ("deal_signed", {"milestones": [7]}, Reason.WRONG_TYPE, "milestones[0]"),
        ("invalidated", {"targets": [{}]}, Reason.MISSING_FIELD, "targets[0].type"),
        ("invalidated", {"targets": [{"type": "gift"}]}, Reason.UNKNOWN_TYPE, "targets[0].type"),
        ("invalidated", {"targets": [7]}, Reason.WRONG_TYPE, "targets[0]"),
        (
            "invalidated",
            {"targets": [dict(EXAMPLES["like"]), dict(EXAMPLES["view"]) | {"watch_ms": -1}]},
            Reason.OUT_OF_RANGE,
            "targets[1].watch_ms",
        ),
    ],
)
def test_a_fault_names_its_field(
    name: str, changes: dict[str, Any], reason: Reason, path: str
) -> None:
    found, detail = refused(raw_of(name, **changes))
    assert (found, detail.partition(": ")[0]) == (reason, path)


def test_of_several_faults_the_first_field_is_named() -> None:
    raw = raw_of("view", feed=7, watch_ms=-1, id=...)
    assert refused(raw) == (Reason.MISSING_FIELD, "id")


def test_shares_of_collaborators_are_at_most_the_whole() -> None:
    half = {"creator_id": "c", "share_bps": 5_000}
    assert accepted(raw_of("video_published", collaborators=[half, half]))
    reason, detail = refused(
        raw_of("video_published", collaborators=[half, half, {**half, "share_bps": 1}])
    )
    assert (reason, "add up to more" in detail) == (Reason.OUT_OF_RANGE, True)


def test_a_detail_does_not_quote_a_long_type() -> None:
    reason, detail = refused(raw_of("like", type="x" * 100_000))
    assert (reason, len(detail) < 100) == (Reason.UNKNOWN_TYPE, True)


def test_the_last_of_equal_keys_stands() -> None:
    raw = raw_of("like")
    assert accepted(raw[:-1] + b',"id":"last"}').id == "last"
    assert accepted(b'{"id":7,' + raw[1:]).id == EXAMPLES["like"]["id"]
    assert type(accepted(raw[:-1] + b',"type":"share"}')) is wire.Share
    assert refused(raw[:-1] + b',"type":"duet"}')[0] is Reason.UNKNOWN_TYPE


def test_events_may_be_200_levels_deep() -> None:
    def deep(levels: int) -> bytes:
        return raw_of("like")[:-1] + b',"z":' + b"[" * levels + b"1" + b"]" * levels + b"}"

    accepted(deep(199))
    assert refused(deep(200))[0] is Reason.MALFORMED_JSON


@pytest.mark.parametrize(
    ("raw", "unknown"),
    [
        (raw_of("like"), 0),
        (raw_of("like", z=1), 1),
        (raw_of("like", z=1, y={"id": [None]}), 1),
        (raw_of("like", watch_ms="a field of another type"), 1),
        (raw_of("video_published", collaborators=[{"creator_id": "c", "share_bps": 1, "z": 1}]), 1),
        (raw_of("deal_signed", milestones=[{"views": 1, "share_bps": 1, "z": 1}]), 1),
        (raw_of("invalidated", targets=[{**EXAMPLES["like"], "z": 1}]), 1),
        (raw_of("like", z=1, id=7), 0),
    ],
)
def test_events_with_unknown_fields_are_counted(raw: bytes, unknown: int) -> None:
    check(raw)
    assert decode_run([raw, raw_of("share")])[1] == unknown


def test_unknown_fields_change_nothing_else() -> None:
    assert accepted(raw_of("view", z=1)) == accepted(raw_of("view"))


def test_an_event_error_is_for_the_person_who_gave_the_input() -> None:
    with pytest.raises(InputError, match="missing_field: id"):
        parse_event(b'{"type":"like"}')
    with pytest.raises(EventError) as error:
        parse_event(None)
    assert error.value.reason is Reason.EMPTY


def test_a_dead_letter_keeps_the_message() -> None:
    raw = b"\x00\xff{"
    letter = DeadLetter.of(
        Failure(Stage.DECODE, Reason.INVALID_UTF8, "byte 1"),
        topic=ENGAGEMENT_TOPIC,
        partition=3,
        offset=17,
        raw=raw,
        key=b"v1",
        recorded_at_ms=5,
    )
    again = DeadLetter.model_validate_json(letter.model_dump_json())
    assert again == letter
    assert (again.raw, again.reason, again.key_base64) == (raw, Reason.INVALID_UTF8, "djE=")
