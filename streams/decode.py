"""Bytes to events: the strict first step of the hot path.

`decode_run` agrees with `schemas.events.parse_event` on every message: the same are accepted, with
the same values, and the same are refused, for the same reason. The rules are in schemas/events.py.

Two ways lead to the same object. The fast one is msgspec straight from the bytes; it refuses
unknown fields, and of a repeated `type` it goes by the first. What it refuses goes the slow way:
parse as pydantic does, take the unknown fields out, convert. All that the fast way accepts, the
slow way would accept alike, so which of them was taken changes nothing but the time.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from pydantic_core import from_json

from schemas import wire
from schemas.base import MESSAGE_BYTES_MAX
from schemas.events import parse_event
from schemas.failures import Failure, Reason, Stage
from schemas.refusals import EventError

_DECODER: Final = msgspec.json.Decoder(wire.Event)

_EVENT_KEYS: Final = {
    model: frozenset({"type", *model.__struct_fields__}) for model in wire.TYPE_OF
}
_ITEM_KEYS: Final = {
    "collaborators": frozenset(wire.Collaborator.__struct_fields__),
    "milestones": frozenset(wire.Milestone.__struct_fields__),
}
_LISTS: Final = {
    model: [key for key in (*_ITEM_KEYS, "targets") if key in keys]
    for model, keys in _EVENT_KEYS.items()
}


def decode_run(values: Sequence[bytes | None]) -> tuple[list[wire.Event | Failure], int]:
    """Decode the values of one run: one result for each, in their order; never raises.

    Returns:
        The results, and how many of the events had unknown fields.
    """
    results: list[wire.Event | Failure] = []
    append = results.append
    decode = _DECODER.decode
    unknown = 0
    for value in values:
        if value is None or len(value) > MESSAGE_BYTES_MAX:
            append(_failure(value))
            continue
        try:
            append(decode(value))
        # UnicodeDecodeError is a ValueError; RecursionError comes from hostile nesting
        except (msgspec.MsgspecError, ValueError, RecursionError):
            result, has_unknown = _decode_slowly(value)
            append(result)
            unknown += has_unknown
    return results, unknown


def _decode_slowly(value: bytes) -> tuple[wire.Event | Failure, bool]:
    try:
        data = from_json(value, allow_inf_nan=False, cache_strings="keys")
        model = _class_of(data)
        if model is not None:
            has_unknown = _strip_event(data, model)
            # by its class, not by the union: msgspec prepares a class once, a union at each call
            return msgspec.convert(data, model), has_unknown
    except (msgspec.ValidationError, ValueError):
        pass  # the failure below says why
    return _failure(value), False


def _failure(value: bytes | None) -> Failure:
    """Why a message was refused; pydantic says it, so that both sides use the same words."""
    try:
        parse_event(value)
    except EventError as error:
        return Failure(Stage.DECODE, error.reason, error.detail)
    # the two validators would have to disagree; then the message is kept, not the process lost
    return Failure(Stage.DECODE, Reason.WRONG_TYPE, "refused by the wire type alone")


def _class_of(data: object) -> type[wire.Event] | None:
    name = data.get("type") if isinstance(data, dict) else None
    return wire.CLASS_OF.get(name) if isinstance(name, str) else None


def _strip_event(data: dict[str, Any], model: type[wire.Event]) -> bool:
    """Take unknown fields out of parsed JSON, in place; whether there were any."""
    found = _strip(data, _EVENT_KEYS[model])
    for key in _LISTS[model]:
        items = data.get(key)
        for item in items if isinstance(items, list) else ():
            if key == "targets":
                target = _class_of(item)
                found |= target is not None and _strip_event(item, target)
            elif isinstance(item, dict):
                found |= _strip(item, _ITEM_KEYS[key])
    return found


def _strip(data: dict[str, Any], known: frozenset[str]) -> bool:
    if data.keys() <= known:
        return False
    for key in data.keys() - known:
        del data[key]
    return True
