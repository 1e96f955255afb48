"""What may be done to an event on its way: each mutation makes bytes, many of them still an event."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import msgspec

from schemas.base import EVENT_TIME_MS_MAX, MESSAGE_BYTES_MAX
from schemas.events import EVENT_TYPES
from schemas.examples import EXAMPLES
from tests.oracle.events import DAY_MS, HOUR_MS, MINUTE_MS
from tests.property.test_decode import ODD_NUMBERS, ODD_OTHERS, ODD_STRINGS

Event = Mapping[str, Any]
Mutation = Callable[[Random, Event], bytes]

_TOKENS = [token for token in (*ODD_NUMBERS, *ODD_STRINGS, *ODD_OTHERS) if len(token) < 6_000]
_TYPES = sorted(EVENT_TYPES)
_HOLE = "@hole@"
_LIMITS = (0, 1, 31 * DAY_MS, 10_000, 10_000_000, 1_000_000, 10**12, 1 << 62, (1 << 63) - 1)
_SHIFTS_MS = (
    *(1, 999, MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, HOUR_MS, 23 * HOUR_MS, 25 * HOUR_MS),
    *(DAY_MS - 1, DAY_MS, DAY_MS + 1, 2 * DAY_MS, 3 * DAY_MS, 30 * DAY_MS),
)
_EDGES_MS = (0, 1, EVENT_TIME_MS_MAX, EVENT_TIME_MS_MAX + 1, 1_451_606_399_999, -1)
_encode = msgspec.json.Encoder().encode


def mutate(rng: Random, event: Event) -> bytes:
    """Return the event with one to three mutations; the later ones may undo the first."""
    if rng.random() < 0.7:
        return rng.choices(_MUTATIONS, _WEIGHTS)[0](rng, event)
    for _ in range(rng.randrange(1, 3)):
        changed = parsed(rng.choices(_MUTATIONS, _WEIGHTS)[0](rng, event))
        event = event if changed is None else changed
    return rng.choices(_MUTATIONS, _WEIGHTS)[0](rng, event)


def parsed(value: bytes) -> dict[str, Any] | None:
    """Return the object in a message, where there is one and it is small."""
    try:
        found = msgspec.json.decode(value) if len(value) < 20_000 else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found else None


# ------------------------------------------------------------------ structure


def _filled(event: Event, field: str, token: bytes) -> bytes:
    return _encode({**event, field: _HOLE}).replace(f'"{_HOLE}"'.encode(), token)


def _drop(rng: Random, event: Event) -> bytes:
    gone = rng.choice(list(event))
    return _encode({name: value for name, value in event.items() if name != gone})


def _rename(rng: Random, event: Event) -> bytes:
    old, end = rng.choice(list(event)), rng.choice(("", "_", " ", "\0", "s"))
    return _encode(
        {(name.upper() + end if name == old else name): value for name, value in event.items()}
    )


def _twice(rng: Random, event: Event) -> bytes:
    """One key twice: the last stands."""
    name = rng.choice(list(event))
    token = rng.choice((rng.choice(_TOKENS), _encode(event[name])))
    pair = _encode(name) + b":" + token
    raw = _encode(event)
    return b"{" + pair + b"," + raw[1:] if rng.random() < 0.5 else raw[:-1] + b"," + pair + b"}"


def _unknown_fields(rng: Random, event: Event) -> bytes:
    token = rng.choice(_TOKENS)
    raw = _filled(event, f"x{rng.randrange(3)}", token)
    return raw if rng.random() < 0.5 else _encode({**event, "mood": [1, {"a": None}]})


def _written_otherwise(rng: Random, event: Event) -> bytes:
    """The same event in other words: order, white space, escapes."""
    names = list(event)
    rng.shuffle(names)
    text = json.dumps({n: event[n] for n in names}, indent=rng.choice((None, 1)))
    if rng.random() < 0.5:
        name = rng.choice(names)
        escaped = "".join(f"\\u{ord(letter) & 0xFFFF:04x}" for letter in name)
        text = text.replace(f'"{name}"', f'"{escaped}"', 1)
    return rng.choice((b"", b" ", b"\r\n\t")) + text.encode() + rng.choice((b"", b"\n"))


def _wrapped(rng: Random, event: Event) -> bytes:
    raw = _encode(event)
    depth = rng.choice((5, 150, 198, 199, 200, 250))
    return rng.choice(
        (
            *(b"[" + raw + b"]", raw + raw, raw + b"x", b"\xef\xbb\xbf" + raw, raw + b"\0"),
            *(_encode(raw.decode()), b'{"event":' + raw + b"}", b"null", b"<html></html>"),
            raw[:-1] + b',"deep":' + b"[" * depth + b"]" * depth + b"}",
        )
    )


def _other_type(rng: Random, event: Event) -> bytes:
    odd: tuple[object, ...] = ("dance", "", "Like", None, 3, ["like"], "like ", "tick")
    return _encode({**event, "type": rng.choice((rng.choice(_TYPES), rng.choice(odd)))})


def _fields_of_another(rng: Random, event: Event) -> bytes:
    """The type of another event, with all that it needs."""
    other = dict(EXAMPLES[rng.choice(_TYPES)])
    return _encode({**other, **{k: v for k, v in event.items() if k != "type"}})


# ------------------------------------------------------------------ values


def _odd_value(rng: Random, event: Event) -> bytes:
    return _filled(event, rng.choice(list(event)), rng.choice(_TOKENS))


def _other_kind(rng: Random, event: Event) -> bytes:
    name = rng.choice(list(event))
    value = event[name]
    kinds = (str(value), [value], {"value": value}, None, f"{value}", 1.0, bool(value), 7)
    return _encode({**event, name: rng.choice(kinds)})


def _number(rng: Random, event: Event) -> bytes:
    names = [n for n, v in event.items() if isinstance(v, int) and not isinstance(v, bool)]
    if not names:
        return _odd_value(rng, event)
    limit = rng.choice(_LIMITS) + rng.choice((-1, 0, 0, 1))
    return _filled(event, rng.choice(names), str(limit).encode())


def _time(rng: Random, event: Event) -> bytes:
    time_ms = event.get("event_time_ms")
    # a mutation before this one may have made it too long to be written again
    if not isinstance(time_ms, int) or abs(time_ms) > 10**18 or rng.random() < 0.1:
        return _encode({**event, "event_time_ms": rng.choice(_EDGES_MS)})
    shift_ms = rng.choice(_SHIFTS_MS) * rng.choice((-1, -1, -1, 1))
    return _encode({**event, "event_time_ms": time_ms + shift_ms})


def _text(rng: Random, event: Event) -> bytes:
    names = [name for name, value in event.items() if isinstance(value, str)] or ["id"]
    letter = rng.choice(("a", "é", "😀", "\0", " ", '"', "\\"))
    text = letter * rng.choice((0, 1, 255, 256, 257, 300, 4_096, 4_097))
    return _encode({**event, rng.choice(names): text})


# ------------------------------------------------------------------ bytes


def _flipped(rng: Random, event: Event) -> bytes:
    raw = bytearray(_encode(event))
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        place = rng.randrange(len(raw))
        raw[place] = rng.choice((raw[place] ^ 1 << rng.randrange(8), rng.randrange(256)))
    return bytes(raw)


def _cut(rng: Random, event: Event) -> bytes:
    raw = _encode(event)
    start, end = sorted(rng.choices(range(len(raw) + 1), k=2))
    return rng.choice((raw[:start], raw[end:], raw[:start] + raw[end:]))


def _inserted(rng: Random, event: Event) -> bytes:
    raw = _encode(event)
    place = rng.randrange(len(raw) + 1)
    return raw[:place] + rng.choice((rng.randbytes(3), raw[:20], rng.choice(_TOKENS))) + raw[place:]


def _noise(rng: Random, event: Event) -> bytes:
    return rng.choice((b"", rng.randbytes(rng.randrange(1, 200)), b"\0" * 9, b"{}", b'{"type":1}'))


def too_large(event: Event) -> bytes:
    """Return a message of one byte more than is taken."""
    raw = _encode({**event, "note": ""})
    return raw[:-2] + b"x" * (MESSAGE_BYTES_MAX + 1 - len(raw)) + raw[-2:]


_TABLE: dict[Mutation, int] = {
    _drop: 3,
    _rename: 2,
    _twice: 4,
    _unknown_fields: 6,
    _written_otherwise: 8,
    _wrapped: 4,
    _other_type: 5,
    _fields_of_another: 6,
    _odd_value: 8,
    _other_kind: 5,
    _number: 7,
    _time: 16,
    _text: 8,
    _flipped: 8,
    _cut: 4,
    _inserted: 4,
    _noise: 2,
}
_MUTATIONS, _WEIGHTS = list(_TABLE), list(_TABLE.values())
