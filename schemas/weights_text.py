"""A weights file's text, written from its rows: `load_weights` reads the same rows from it."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from schemas.weights import Weights


def text_of(weights: Weights) -> str:
    """Return the TOML text of all rows; comments are not kept."""
    table = weights.model_dump(by_alias=True, exclude_none=True)
    rows = {name: part for name, part in table.items() if isinstance(part, list)}
    lines = [*_pairs({name: part for name, part in table.items() if name not in rows})]
    for name, parts in rows.items():
        for part in parts:
            lines += ["", f"[[{name}]]", *_pairs(part, name)]
    return "\n".join(lines) + "\n"


def _pairs(table: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield a table's own keys first, as TOML asks, then the tables inside it."""
    inner = {name: part for name, part in table.items() if isinstance(part, dict)}
    yield from (f"{name} = {_value(part)}" for name, part in table.items() if name not in inner)
    for name, part in inner.items():
        full = f"{path}.{name}" if path else name
        yield from ("", f"[{full}]", *_pairs(part, full))


def _value(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list):
        return "[\n" + "".join(f"    {_value(item)},\n" for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_value(item)}" for name, item in value.items()) + " }"
    return json.dumps(value)
