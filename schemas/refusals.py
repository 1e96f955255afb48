"""Pydantic's faults in our words: which reason, and which field."""

from collections.abc import Container

from pydantic_core import ErrorDetails

from schemas.errors import InputError
from schemas.failures import Reason

_RANGE_ERRORS = frozenset(
    {
        "greater_than_equal",
        "less_than_equal",
        "string_too_short",
        "string_too_long",
        "string_pattern_mismatch",
        "too_long",
        "value_error",
    }
)

_JSON_NAMES: dict[type, str] = {
    dict: "object",
    list: "array",
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
}


class EventError(InputError):
    """A message is no event; `reason` and `detail` are those of its dead letter."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def classify(error: ErrorDetails, *, tags: Container[str]) -> tuple[Reason, str]:
    """One fault in our words; pydantic's error types are a documented, stable list."""
    path = _path(error["loc"], tags)
    kind, value = error["type"], error["input"]
    if kind == "missing":
        return Reason.MISSING_FIELD, path
    if kind == "union_tag_not_found":
        return Reason.MISSING_FIELD, _join(path, "type")
    if kind == "union_tag_invalid":
        return _classify_tag(_join(path, "type"), value["type"])
    if kind == "dict_type" and not path:
        return Reason.NOT_AN_OBJECT, f"the message is of type {_JSON_NAMES[type(value)]}"
    detail = f"{path}: {error['msg']}" if path else error["msg"]
    if kind in _RANGE_ERRORS or (kind == "literal_error" and isinstance(value, str)):
        return Reason.OUT_OF_RANGE, detail
    return Reason.WRONG_TYPE, detail


def _classify_tag(path: str, tag: object) -> tuple[Reason, str]:
    if isinstance(tag, str):
        return Reason.UNKNOWN_TYPE, f"{path}: {tag[:64]!a}"
    return Reason.WRONG_TYPE, f"{path}: Input should be a valid string"


def _path(location: tuple[int | str, ...], tags: Container[str]) -> str:
    """`targets[3].video_id`; the tags that pydantic puts into a location are left out."""
    path = ""
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
        elif step not in tags:
            path = _join(path, step)
    return path


def _join(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step
