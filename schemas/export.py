"""Writes what is generated from the models: wire.py, the JSON Schemas and the AsyncAPI document.

`python -m schemas.export` writes them, with `--check` it only says which are not current and ends
with exit code 1 if any is not.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from schemas.base import COMMERCE_TOPIC, DEAD_LETTER_TOPIC, ENGAGEMENT_TOPIC, ControlEvent
from schemas.boosts import BOOSTS_TOPIC, BoostDecision
from schemas.events import EVENT_TYPES
from schemas.examples import EXAMPLES
from schemas.failures import DeadLetter
from schemas.rates import RatesFile
from schemas.rows import TABLES
from schemas.wiregen import wire_source

ROOT = Path(__file__).parent
DIALECT = "https://json-schema.org/draft/2020-12/schema"
CONTRACT_VERSION = "1.2.0"

_RULES = (
    "Integers are written as integers (1.0 is refused), unknown fields are ignored, "
    "a field that may be absent may be null."
)
_TOPICS = {
    ENGAGEMENT_TOPIC: "What users do with videos and live sessions.",
    COMMERCE_TOPIC: "Clicks on product links, and orders.",
}
_OUTGOING = (
    (DEAD_LETTER_TOPIC, "dead_letter", "Refused messages, whole, with the reason."),
    (BOOSTS_TOPIC, "boost", "Decisions of the For You pools; the last one of a video stands."),
)


def generated() -> dict[Path, str]:
    """Every generated file and the text that it must have."""
    files = {ROOT / "wire.py": wire_source(), ROOT / "asyncapi.json": _text(asyncapi())}
    for name in EVENT_TYPES:
        files[_schema_path(name)] = _text(event_schema(name))
    files[_schema_path("dead_letter")] = _text(_schema("dead_letter", DeadLetter))
    files[_schema_path("boost")] = _text(_schema("boost", BoostDecision))
    files[_schema_path("rates")] = _text(_schema("rates", RatesFile))
    files[_schema_path("rows")] = _text(rows_schema())
    return files


def event_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of one event type."""
    schema = _schema(name, EVENT_TYPES[name].model)
    return {**schema, "$comment": _RULES, "examples": [dict(EXAMPLES[name])]}


def rows_schema() -> dict[str, Any]:
    """The JSON Schema of the rows of every ClickHouse table, by the table's name."""
    tables = {table: _untitled(model.model_json_schema()) for table, model in TABLES.items()}
    return {"$schema": DIALECT, "$id": "urn:engage:rows", "title": "rows", "$defs": tables}


def _schema(name: str, model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(mode="validation")
    return {"$schema": DIALECT, "$id": f"urn:engage:{name}", "title": name, **_untitled(schema)}


def _untitled(schema: Any) -> Any:
    """Without the titles, which only repeat each field's name (a field called title is no str)."""
    if isinstance(schema, list):
        return [_untitled(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _untitled(value)
        for key, value in schema.items()
        if key != "title" or not isinstance(value, str)
    }


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3 document: topics, their keys, their messages, who reads and writes."""
    channels = {
        _channel(topic): {
            "address": topic,
            "description": description,
            "messages": {
                name: {"$ref": f"#/components/messages/{name}"}
                for name, spec in EVENT_TYPES.items()
                if spec.topic == topic or issubclass(spec.model, ControlEvent)
            },
            "bindings": {"kafka": {"topic": topic, "bindingVersion": "0.5.0"}},
        }
        for topic, description in _TOPICS.items()
    }
    for topic, name, description in _OUTGOING:
        channels[_channel(topic)] = {
            "address": topic,
            "description": description,
            "messages": {name: {"$ref": f"#/components/messages/{name}"}},
            "bindings": {"kafka": {"topic": topic, "bindingVersion": "0.5.0"}},
        }
    messages = {name: _event_message(name) for name in EVENT_TYPES}
    messages["dead_letter"] = _message("dead_letter", DeadLetter, key="topic-partition-offset")
    messages["boost"] = _message("boost", BoostDecision, key="video_id")
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Engagement and earnings",
            "version": CONTRACT_VERSION,
            "description": f"One JSON object per Kafka message, UTF-8. {_RULES}",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": {
            "countEngagement": _operation("receive", ENGAGEMENT_TOPIC),
            "countCommerce": _operation("receive", COMMERCE_TOPIC),
            "refuse": _operation("send", DEAD_LETTER_TOPIC),
            "decide": _operation("send", BOOSTS_TOPIC),
        },
        "components": {"messages": messages},
    }


def _event_message(name: str) -> dict[str, Any]:
    spec = EVENT_TYPES[name]
    example = {"name": name, "payload": dict(EXAMPLES[name])}
    return {**_message(name, spec.model, key=spec.key_field), "examples": [example]}


def _message(name: str, model: type[BaseModel], *, key: str) -> dict[str, Any]:
    return {
        "name": name,
        "summary": (model.__doc__ or "").strip().splitlines()[0],
        "payload": {"$ref": f"./json/{name}.schema.json"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": f"The message's {key}, as UTF-8."},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _operation(action: str, topic: str) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{_channel(topic)}"}}


def _channel(topic: str) -> str:
    """A topic's name in references; AsyncAPI tools trip over dots and dashes."""
    return topic.replace(".", "_").replace("-", "_")


def _schema_path(name: str) -> Path:
    return ROOT / "json" / f"{name}.schema.json"


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def outdated() -> list[Path]:
    """Generated files that are missing, different, or not generated any more."""
    wanted = generated()
    different = [
        path
        for path, text in wanted.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    left_over = [path for path in (ROOT / "json").glob("*") if path not in wanted]
    return sorted(different + left_over)


def write() -> list[Path]:
    """Bring all generated files up to date; returns those that changed."""
    wanted = generated()
    changed = outdated()
    (ROOT / "json").mkdir(exist_ok=True)
    for path in changed:
        if path in wanted:
            path.write_text(wanted[path], encoding="utf-8")
        else:
            path.unlink()
    return changed


def main(arguments: list[str] | None = None) -> int:
    """Entry point of `python -m schemas.export`."""
    parser = argparse.ArgumentParser(prog="python -m schemas.export", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    options = parser.parse_args(arguments)
    changed = outdated() if options.check else write()
    verb = "not current" if options.check else "written"
    for path in changed:
        sys.stdout.write(f"{verb}: {path.relative_to(ROOT.parent)}\n")
    return 1 if options.check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
