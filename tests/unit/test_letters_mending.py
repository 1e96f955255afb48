"""What a patch makes of a dead letter, and that what is let through is what the rules admit."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from schemas.errors import InputError
from schemas.examples import EXAMPLES
from schemas.failures import Reason
from scripts.letters.mending import mend, merged, name_of, parse_patch
from scripts.letters.view import DeadLetterRow, MessageId
from scripts.recount.judge import Judge
from scripts.recount.model import Fate, Record
from scripts.recount.model import rules_of as recount_rules_of
from streams.agents import rules_of
from streams.config import Settings
from tests.property.mutations import mutate

SETTINGS = Settings()
RULES = rules_of(SETTINGS)
NOW_MS = 1_780_000_000_000
LIKE = {"id": "e1", "type": "like", "event_time_ms": NOW_MS, "user_id": "u", "video_id": "v"}


def letter(raw: bytes, offset: int = 7) -> DeadLetterRow:
    where = MessageId("engagement.events", 2, offset)
    return DeadLetterRow(where, "decode", "missing_field", "", raw, len(raw), None)


def raw_of(**fields: Any) -> bytes:
    return json.dumps(LIKE | fields).encode()


# The examples of RFC 7396, appendix A.
@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_patch_does_what_its_standard_says(
    target: object, patch: object, result: object
) -> None:
    assert merged(target, patch) == result


def test_a_patch_mends_what_is_missing() -> None:
    mended = mend(letter(raw_of()), {"creator_id": "c"}, RULES, NOW_MS)
    assert mended.failure is None
    assert mended.record.topic == "engagement.events"
    assert mended.record.key == b"v"
    assert json.loads(mended.record.value) == LIKE | {"creator_id": "c"}


def test_what_is_still_wrong_is_named() -> None:
    mended = mend(letter(raw_of()), {"creator_id": 5}, RULES, NOW_MS)
    assert mended.failure is not None
    assert mended.failure.reason is Reason.WRONG_TYPE
    assert "creator_id" in mended.failure.detail


def test_a_wrong_key_and_a_wrong_topic_are_mended_by_sending_alone() -> None:
    raw = raw_of(creator_id="c")
    mended = mend(letter(raw), None, RULES, NOW_MS)
    assert mended.failure is None
    assert (mended.record.key, mended.record.value) == (b"v", raw)


@pytest.mark.parametrize("raw", [b"", b"{", b"[1]", b"\xff", b"nil", b"[" * 5_000])
def test_what_is_no_object_stays_as_it_is(raw: bytes) -> None:
    mended = mend(letter(raw), {"id": "x"}, RULES, NOW_MS)
    assert mended.failure is not None
    assert mended.record.value == raw


def test_what_has_no_id_gets_the_letters_own() -> None:
    raw = json.dumps({key: value for key, value in LIKE.items() if key != "id"}).encode()
    made = [mend(letter(raw, n), {"creator_id": "c"}, RULES, NOW_MS) for n in (1, 2, 1)]
    ids = [json.loads(one.record.value)["id"] for one in made]
    assert ids == [f"engagement.events-2-{n}" for n in (1, 2, 1)]
    assert [one.failure for one in made] == [None] * 3


def test_a_name_is_of_the_place_and_of_the_bytes() -> None:
    assert len({name_of(letter(b"a")), name_of(letter(b"b")), name_of(letter(b"a", 8))}) == 3
    assert name_of(letter(b"a")) == name_of(letter(b"a"))


def test_the_future_is_that_of_the_moment_of_sending() -> None:
    raw = raw_of(creator_id="c")
    edge_ms = NOW_MS - SETTINGS.ahead_ms_max
    assert mend(letter(raw), None, RULES, edge_ms).failure is None
    refused = mend(letter(raw), None, RULES, edge_ms - 1).failure
    assert refused is not None
    assert refused.reason is Reason.FUTURE_EVENT_TIME


@pytest.mark.parametrize("text", ["", "x", "[1]", "null", '"a"', "{"])
def test_a_patch_must_be_an_object(text: str) -> None:
    with pytest.raises(InputError, match="--patch"):
        parse_patch(text)


def test_what_is_let_through_is_what_the_recount_admits(rng: Random) -> None:
    rules = recount_rules_of(SETTINGS)
    admitted = 0
    for _ in range(3_000):
        raw = mutate(rng, dict(rng.choice(list(EXAMPLES.values()))))
        mended = mend(letter(raw), None, RULES, NOW_MS)
        topic, key, value, _ = mended.record
        judged = Judge(rules).judge(Record(topic, 0, 0, NOW_MS, key, value))
        assert (mended.failure is None) is (judged.fate is not Fate.DEAD_LETTER), raw
        admitted += mended.failure is None
    assert admitted > 300
