"""What must not stop a pipeline: broken messages of every kind, unknown types and fields."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import msgspec

from scripts.generator.timeline import Event

_MEBIBYTE = 1 << 20
_encode = msgspec.json.Encoder().encode


def _with(**fields: object) -> Callable[[Event], bytes]:
    return lambda event: _encode(event | fields)


def _without(field: str) -> Callable[[Event], bytes]:
    return lambda event: _encode({k: v for k, v in event.items() if k != field})


def _with_literal(field: str, literal: bytes) -> Callable[[Event], bytes]:
    """A value that no encoder writes: a number that is none, a lone surrogate."""
    return lambda event: _encode(event | {field: "@"}).replace(b'"@"', literal)


def _foreign_target(event: Event) -> bytes:
    other = {"type": "invalidated", "video_id": event["video_id"] + "x"}
    targets = [event | {"id": event["id"] + "t"}]
    message = event | other | {"targets": targets, "reason": "mistaken"}
    return _encode({key: value for key, value in message.items() if key != "creator_id"})


# Each makes a message that must be refused, out of a `like` that is fine. The first nine, one for
# each reason that a file can give, are in every log; two of them no more than once.
BROKEN: dict[str, Callable[[Event], bytes]] = {
    "malformed_json": lambda event: _encode(event)[: len(_encode(event)) * 2 // 3],
    "invalid_utf8": lambda event: _encode(event).replace(b'"user_id":"', b'"user_id":"\xc3\x28'),
    "empty": lambda _: b"",
    "not_an_object": lambda event: _encode([event["id"], event["type"]]),
    "missing_field": _without("creator_id"),
    "wrong_type": _with(user_id=17),
    "out_of_range": _with(event_time_ms=-1),
    "too_large": _with(note="x" * _MEBIBYTE),
    "target_mismatch": _foreign_target,
    "two_objects": lambda event: _encode(event) + _encode(event),
    "no_id": _without("id"),
    "null_time": _with(event_time_ms=None),
    "text_for_time": lambda event: _encode(event | {"event_time_ms": str(event["event_time_ms"])}),
    "fraction_for_time": lambda event: _encode(event).replace(b',"user_id"', b'.5,"user_id"'),
    "huge_integer": _with(event_time_ms=10**30),
    "not_a_number": _with_literal("event_time_ms", b"NaN"),
    "lone_surrogate": _with_literal("user_id", b'"\\ud800"'),
    "empty_id": _with(id=""),
    "long_id": _with(id="e" * 300),
    "just_text": lambda _: b"null",
    "html": lambda _: b"<html><body>502 Bad Gateway</body></html>",
    "deep": lambda event: _encode(event)[:-1] + b',"a":' + b"[" * 500 + b"]" * 500 + b"}",
}
_ONCE = ("too_large", "target_mismatch")
SMALL_KINDS = [kind for kind in BROKEN if kind not in _ONCE]
UNKNOWN_TYPES = ("duet_started", "story_view", "poll_vote")
UNKNOWN_FIELDS: tuple[Event, ...] = (
    {"app_version": "39.1.2"},
    {"experiment": {"name": "rank-v7", "arm": 2}, "tags": ["a", "b"]},
)


def broken_kinds(count: int, rng: Random) -> list[str]:
    """Return `count` kinds, each once before any comes again."""
    kinds = list(BROKEN)[:count]
    while len(kinds) < count:
        kinds.append(rng.choice(SMALL_KINDS))
    return kinds


def unknown(event: Event, rng: Random) -> bytes:
    """Return a message of a type that no schema has."""
    return _encode(event | {"type": rng.choice(UNKNOWN_TYPES)})
