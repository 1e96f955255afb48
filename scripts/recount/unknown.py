"""Which messages carry fields that the contract does not know: ignored, and counted."""

from typing import Any

from pydantic import BaseModel
from pydantic_core import from_json

from schemas.events import EVENT_TYPES, Invalidated, PydanticEvent
from scripts.recount.model import Message

PARTS = ("collaborators", "milestones")


def has_unknown_fields(message: Message) -> bool:
    """Tell whether a valid message has a field, at any depth of the event, that is not its own."""
    if message.event is None or message.record.value is None:
        return False
    return _has_unknown(message.event, from_json(message.record.value))


def _has_unknown(event: PydanticEvent, fields: dict[str, Any]) -> bool:
    known = _KNOWN[event.type]
    if not known.issuperset(fields):
        return True
    if isinstance(event, Invalidated):
        return any(map(_has_unknown, event.targets, fields["targets"]))
    for name in PARTS:
        if name in known and getattr(event, name):
            for part, part_fields in zip(getattr(event, name), fields[name], strict=True):
                if not _names(type(part)).issuperset(part_fields):
                    return True
    return False


def _names(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(model.model_fields)


_KNOWN = {name: _names(spec.model) for name, spec in EVENT_TYPES.items()}
