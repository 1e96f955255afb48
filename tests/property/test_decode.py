"""The pydantic models and the hot path accept and refuse the same messages, for the same reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.base import MESSAGE_BYTES_MAX
from schemas.events import EVENT_TYPES
from schemas.examples import EXAMPLES
from schemas.failures import Failure, Reason
from streams.decode import decode_run
from tests.property.agreement import check

Pairs = list[tuple[bytes, bytes]]

# values as they stand in a message, each with something on which parsers differ
ODD_NUMBERS = [
    *(b"0", b"-0", b"-0.0", b"1.0", b"1e3", b"1E+2", b"1.5", b"1e-1", b"123e-400", b"1e400"),
    *(b"01", b"1.", b".5", b"+1", b"--1", b"0x1", b"1_000", b"-", b"NaN", b"-NaN", b"Infinity"),
    *(b"-Infinity", b"-1", b"9223372036854775807", b"9223372036854775808", b"-9223372036854775809"),
    *(b"18446744073709551615", b"18446744073709551616", b"4611686018427387904"),
    *(b"4611686018427387905", b"9" * 50, b"9" * 4_300, b"9" * 4_301, b"-" + b"9" * 5_000),
    *(b"9007199254740993.0", b"1" + b"0" * 400 + b".0", b"0." + b"0" * 400 + b"1"),
]
ODD_STRINGS = [
    *(b'""', b'"x"', b'"1"', b'"true"', b'"\\u0000"', b'"\x00"', b'"\x1f"', b'"\x7f"', b'"\t"'),
    *(b'"\\ud800"', b'"\\udc00"', b'"\\ud83d\\ude00"', b'"\\ud83d\\u0041"', b'"\\ude00\\ud83d"'),
    *(b'"\xff"', b'"\xc0\x80"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b'"\xc3"'),
    *(b'"\xf0\x9f\x98\x80"', b'"\xef\xbb\xbf"', b'"\\x41"', b'"\\u00e9"', b'"\\/"', b'"\\u12"'),
    *(b'"', b"'x'", b'"a', b'"' + b"a" * 256 + b'"', b'"' + b"a" * 257 + b'"'),
]
ODD_STRINGS += [f'"{text}"'.encode() for text in ("é" * 256, "é" * 257, "😀" * 256, "😀" * 257)]
ODD_STRINGS += [b'"USD\\n"', b'"usd"', b'"US"', b'"EUR"', b'"for_you"', b'"For_You"']
ODD_OTHERS = [
    *(b"true", b"false", b"null", b"True", b"None", b"nul", b"[]", b"{}", b"[1]", b'["a"]', b"[,]"),
    *(b"[1,]", b'{"a":1,}', b"[null]", b'[""]', b'{"type":"like"}', b'[{"type":"like"}]', b"[[]]"),
    *(b"[" * 150 + b"]" * 150, b"[" * 198 + b"]" * 198, b"[" * 199 + b"]" * 199),
    *(b"[" * 200 + b"]" * 200, b"[" * 100_000, b'{"a":' * 250 + b"1" + b"}" * 250),
    *(b'[{"creator_id":"c","share_bps":6000},{"creator_id":"d","share_bps":4001}]',),
    *(b'[{"creator_id":"c","share_bps":1,"z":0}]', b'[{"views":1,"share_bps":1,"z":{}}]'),
    *(b"[" + b'"h",' * 63 + b'"h"]', b"[" + b'"h",' * 64 + b'"h"]'),
]
TOKENS = st.one_of(
    st.sampled_from([*ODD_NUMBERS, *ODD_STRINGS, *ODD_OTHERS]),
    st.integers().map(lambda number: str(number).encode()),
    st.floats().map(lambda number: json.dumps(number).encode()),
    st.text(max_size=300).map(
        lambda text: json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogatepass")
    ),
)
SPACE = st.sampled_from([b"", b" ", b"\n\t\r ", b"\x0b", b"\x00", b"\xc2\xa0", b"\xef\xbb\xbf"])
TAIL = st.sampled_from([b"", b" \n", b"x", b"\x00", b"{}", b",", b"]", b"/**/", b"\xff"])


def pairs_of(event: Any) -> Pairs:
    return [(json.dumps(key).encode(), json.dumps(value).encode()) for key, value in event.items()]


def message(pairs: Pairs) -> bytes:
    return b"{" + b",".join(key + b":" + value for key, value in pairs) + b"}"


def event_pairs(name: str) -> Pairs:
    return pairs_of(EXAMPLES[name])


NAMES = st.sampled_from(sorted(EVENT_TYPES))
KEYS = st.sampled_from(
    sorted({name for spec in EVENT_TYPES.values() for name in spec.model.model_fields})
)
KEY_TOKENS = st.one_of(
    KEYS.map(lambda key: json.dumps(key).encode()),
    KEYS.map(lambda key: ('"' + "".join(f"\\u{ord(c):04x}" for c in key) + '"').encode()),
    st.text(max_size=5).map(lambda key: json.dumps(key).encode()),
    st.sampled_from(
        [b'"z"', b'"Type"', b'""', b'"\xff"', b'"\\ud800"', b"z", b"1", b'"id\\u0000"']
    ),
)


@st.composite
def changed_events(draw: st.DrawFn) -> bytes:
    """A valid event with a few faults, or oddities that are none."""
    pairs = event_pairs(draw(NAMES))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(pairs) - 1)) if pairs else 0
        kind = draw(st.sampled_from(["value", "value", "insert", "insert", "drop", "copy", "type"]))
        if kind == "insert" or not pairs:
            pairs.insert(place, (draw(KEY_TOKENS), draw(TOKENS)))
        elif kind == "value":
            pairs[place] = (pairs[place][0], draw(TOKENS))
        elif kind == "drop":
            del pairs[place]
        elif kind == "copy":
            pairs.insert(draw(st.integers(0, len(pairs))), pairs[place])
        else:
            pairs.insert(place, (b'"type"', json.dumps(draw(NAMES)).encode()))
    if draw(st.booleans()):
        pairs = draw(st.permutations(pairs))
    return message(pairs)


@st.composite
def nested_events(draw: st.DrawFn) -> bytes:
    """An invalidation whose targets have faults of their own."""
    pairs = [pair for pair in event_pairs("invalidated") if pair[0] != b'"targets"']
    targets = b"[" + b",".join(draw(st.lists(changed_events(), max_size=3))) + b"]"
    return message([*pairs, (b'"targets"', targets)])


@st.composite
def broken_bytes(draw: st.DrawFn) -> bytes:
    """A message cut short, with bytes changed, or with something before or after it."""
    raw = bytearray(draw(st.one_of(changed_events(), nested_events())))
    for _ in range(draw(st.integers(0, 2))):
        raw[draw(st.integers(0, len(raw) - 1))] = draw(st.integers(0, 255))
    cut = draw(st.one_of(st.just(len(raw)), st.integers(0, len(raw))))
    return draw(SPACE) + bytes(raw[:cut]) + draw(TAIL)


@settings(max_examples=1_500)
@given(changed_events())
def test_both_sides_agree_on_changed_events(raw: bytes) -> None:
    check(raw)


@settings(max_examples=300)
@given(nested_events())
def test_both_sides_agree_on_targets(raw: bytes) -> None:
    check(raw)


@settings(max_examples=700)
@given(broken_bytes())
def test_both_sides_agree_on_broken_messages(raw: bytes) -> None:
    check(raw)


@settings(max_examples=300)
@given(st.binary(max_size=200))
@example(b"")
@example(b"null")
@example(b"[]")
@example(b"\xef\xbb\xbf{}")
@example(b"[" * MESSAGE_BYTES_MAX)
@example(b'{"a":' * 200_000)
@example(b'"' + b"a" * (MESSAGE_BYTES_MAX - 1))
@example(b'{"type":' + b"9" * 500_000 + b"}")
def test_both_sides_agree_on_any_bytes(raw: bytes) -> None:
    check(raw)


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_both_sides_agree_on_every_odd_value_of_every_field(name: str) -> None:
    pairs = event_pairs(name)
    accepted = 0
    for place, (key, _) in enumerate(pairs):
        for value in (*ODD_NUMBERS, *ODD_STRINGS, *ODD_OTHERS):
            outcome = check(message([*pairs[:place], (key, value), *pairs[place + 1 :]]))
            accepted += not isinstance(outcome, Failure)
    assert accepted, "some odd values are fine in some field"


@pytest.mark.parametrize("value", [*ODD_NUMBERS, *ODD_STRINGS, *ODD_OTHERS])
def test_both_sides_agree_on_odd_values_of_unknown_fields(value: bytes) -> None:
    pairs = event_pairs("like")
    check(message([(b'"z"', value), *pairs]))
    check(message([*pairs, (b'"z"', value)]))


@given(st.lists(st.one_of(changed_events(), st.none(), st.just(b"")), max_size=8))
def test_a_run_is_its_messages_one_by_one(values: list[bytes | None]) -> None:
    results, unknown = decode_run(values)
    alone = [decode_run([value]) for value in values]
    assert results == [result for (result,), _ in alone]
    assert unknown == sum(count for _, count in alone)


@pytest.mark.parametrize("key", [b'"z"', b'"user_id"'])
@pytest.mark.parametrize("length", [MESSAGE_BYTES_MAX, MESSAGE_BYTES_MAX + 1])
def test_a_megabyte_is_the_limit(key: bytes, length: int) -> None:
    pairs = event_pairs("like")
    raw = message(
        [*pairs, (key, b'"' + b"a" * (length - len(message(pairs)) - len(key) - 4) + b'"')]
    )
    assert len(raw) == length
    outcome = check(raw)
    if length > MESSAGE_BYTES_MAX:
        assert isinstance(outcome, Failure)
        assert outcome.reason is Reason.TOO_LARGE
    else:
        assert isinstance(outcome, Failure) is (key != b'"z"')
