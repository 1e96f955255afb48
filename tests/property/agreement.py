"""The contract between the pydantic models and the hot path, checked for one message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from pydantic import BaseModel

from schemas import wire
from schemas.events import EVENT_TYPES, parse_event
from schemas.failures import Failure, Stage
from schemas.refusals import EventError
from streams.decode import decode_run

NESTED = {"collaborators": {"creator_id", "share_bps"}, "milestones": {"views", "share_bps"}}


def check(raw: bytes | None) -> wire.Event | Failure:
    """Assert that both sides say the same of a message; return what the hot path says."""
    (hot,), unknown = decode_run([raw])
    try:
        model = parse_event(raw)
    except EventError as error:
        assert isinstance(hot, Failure), f"pydantic refuses ({error}), the hot path has {hot}"
        assert hot == Failure(Stage.DECODE, error.reason, error.detail)
        assert unknown == 0, "only events are counted"
        return hot
    assert not isinstance(hot, Failure), f"pydantic has {model!r}, the hot path refuses: {hot}"
    assert raw is not None
    assert wire.TYPE_OF[type(hot)] == model.type
    assert plain(hot) == plain(model)
    # a third judge: the standard library's parser, where also the last of equal keys stands
    judged = json.loads(raw)
    assert plain(hot) == expected(judged)
    assert unknown == has_unknown(judged)
    return hot


def plain(value: Any) -> Any:
    """An event of either kind as dicts and tuples, with every field and with the exact types."""
    if isinstance(value, BaseModel):
        names = [name for name in type(value).model_fields if name != "type"]
        fields = {name: plain(getattr(value, name)) for name in names}
        return fields | _type_name(getattr(value, "type", None))
    if isinstance(value, msgspec.Struct):
        fields = {name: plain(getattr(value, name)) for name in value.__struct_fields__}
        return fields | _type_name(value.__struct_config__.tag)
    if isinstance(value, tuple):
        return tuple(plain(item) for item in value)
    return (type(value).__name__, value)


def _type_name(name: str | int | None) -> dict[str, Any]:
    return {} if name is None else {"type": name}


def expected(data: Mapping[str, Any]) -> dict[str, Any]:
    """What `plain` must give for a valid event, from its JSON."""
    fields: dict[str, Any] = {"type": data["type"]}
    for name, field in EVENT_TYPES[data["type"]].model.model_fields.items():
        value = data.get(name, field.default)
        if name == "type":
            continue
        if name == "targets":
            fields[name] = tuple(expected(target) for target in value)
        elif name in NESTED and value is not None:
            fields[name] = tuple({key: plain(item[key]) for key in NESTED[name]} for item in value)
        elif isinstance(value, list):
            fields[name] = tuple(plain(item) for item in value)
        else:
            fields[name] = plain(value)
    return fields


def has_unknown(data: Mapping[str, Any]) -> bool:
    """Whether a valid event holds a field that no model knows."""
    known = EVENT_TYPES[data["type"]].model.model_fields
    parts = [(key, item) for key in NESTED if key in known for item in data.get(key) or ()]
    return (
        not known.keys() >= data.keys()
        or any(not item.keys() <= NESTED[key] for key, item in parts)
        or any(has_unknown(target) for target in data.get("targets", ()) if "targets" in known)
    )
