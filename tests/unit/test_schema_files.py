"""The generated files are current, and say the same as the models."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from schemas import export, wire
from schemas.base import COMMERCE_TOPIC, DEAD_LETTER_TOPIC, ENGAGEMENT_TOPIC
from schemas.boosts import BOOSTS_TOPIC
from schemas.events import EVENT_TYPES
from schemas.examples import EXAMPLES
from schemas.failures import DeadLetter, Failure, Reason, Stage
from schemas.rates import RATES_PATH
from schemas.rows import TABLES
from streams.decode import decode_run


def schema_of(name: str) -> dict[str, Any]:
    path = export.ROOT / "json" / f"{name}.schema.json"
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


def document() -> dict[str, Any]:
    text = (export.ROOT / "asyncapi.json").read_text(encoding="utf-8")
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def resolve(reference: str, root: dict[str, Any]) -> Any:
    """What a reference of the AsyncAPI document points at."""
    if not reference.startswith("#/"):
        return json.loads((export.ROOT / reference).read_text(encoding="utf-8"))
    node: Any = root
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return node


def references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [reference for item in node for reference in references(item)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if "$ref" in node else []
    return own + [reference for value in node.values() for reference in references(value)]


def test_generated_files_are_current() -> None:
    assert export.outdated() == [], "run `python -m schemas.export`"


def test_check_names_what_is_not_current_and_writing_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(export, "ROOT", tmp_path / "schemas")
    (tmp_path / "schemas" / "json").mkdir(parents=True)
    assert export.main([]) == 0
    assert export.main(["--check"]) == 0
    like = tmp_path / "schemas" / "json" / "like.schema.json"
    like.write_text(like.read_text(encoding="utf-8").replace("256", "255"), encoding="utf-8")
    (tmp_path / "schemas" / "json" / "duet.schema.json").write_text("{}", encoding="utf-8")
    capsys.readouterr()
    assert export.main(["--check"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "not current: schemas/json/duet.schema.json",
        "not current: schemas/json/like.schema.json",
    ]
    assert export.main([]) == 0
    assert export.main(["--check"]) == 0


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_examples_are_valid_by_schema_and_by_decoder(name: str) -> None:
    schema = schema_of(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["examples"] == [EXAMPLES[name]]
    validator = jsonschema.Draft202012Validator(schema)
    for example in schema["examples"]:
        validator.validate(example)
        (event,), unknown = decode_run([json.dumps(example).encode()])
        assert (type(event), unknown) == (wire.CLASS_OF[name], 0)


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_the_schema_refuses_what_the_decoder_refuses(name: str) -> None:
    schema = schema_of(name)
    validator = jsonschema.Draft202012Validator(schema)
    example = dict(EXAMPLES[name])
    wrong: list[dict[str, Any]] = [
        {key: value for key, value in example.items() if key != field}
        for field in schema["required"]
    ]
    for field, described in schema["properties"].items():
        bounds = described | next(iter(described.get("anyOf", [])), {})
        wrong.append({**example, field: 1.5})
        if "maximum" in bounds:
            wrong += [{**example, field: bounds["maximum"] + 1}, {**example, field: True}]
        if "maxLength" in bounds:
            wrong.append({**example, field: "é" * (bounds["maxLength"] + 1)})
    for event in wrong:
        assert not validator.is_valid(event), event
        assert isinstance(decode_run([json.dumps(event).encode()])[0][0], Failure), event


def test_every_type_has_one_example() -> None:
    assert EXAMPLES.keys() == EVENT_TYPES.keys()


def test_wire_types_have_the_fields_of_the_models() -> None:
    assert wire.CLASS_OF.keys() == EVENT_TYPES.keys()
    for name, spec in EVENT_TYPES.items():
        fields = set(wire.CLASS_OF[name].__struct_fields__)
        assert fields == spec.model.model_fields.keys() - {"type"}


def test_asyncapi_describes_every_topic_and_message() -> None:
    found = document()
    assert found["asyncapi"].startswith("3.")
    topics = {
        channel["address"]: set(channel["messages"]) for channel in found["channels"].values()
    }
    assert topics == {
        **{
            topic: {name for name, spec in EVENT_TYPES.items() if spec.topic == topic} | {"tick"}
            for topic in (ENGAGEMENT_TOPIC, COMMERCE_TOPIC)
        },
        DEAD_LETTER_TOPIC: {"dead_letter"},
        BOOSTS_TOPIC: {"boost"},
    }
    for name, spec in EVENT_TYPES.items():
        key = found["components"]["messages"][name]["bindings"]["kafka"]["key"]
        assert spec.key_field in key["description"]


def test_references_of_asyncapi_resolve() -> None:
    found = document()
    pointers = references({key: found[key] for key in ("channels", "operations", "components")})
    assert len(pointers) > 2 * len(EVENT_TYPES)
    for pointer in pointers:
        assert resolve(pointer, found)


def test_a_dead_letter_is_valid_by_its_schema() -> None:
    letter = DeadLetter.of(
        Failure(Stage.ADMISSION, Reason.WRONG_KEY, "video_id"),
        topic=ENGAGEMENT_TOPIC,
        partition=0,
        offset=0,
        raw=None,
        key=None,
        recorded_at_ms=0,
        event_time_ms=1,
    )
    schema = schema_of("dead_letter")
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(json.loads(letter.model_dump_json()))


def test_the_shipped_rates_and_rows_are_valid_by_their_schemas() -> None:
    rates = schema_of("rates")
    jsonschema.Draft202012Validator.check_schema(rates)
    shipped = json.loads(json.dumps(tomllib.loads(RATES_PATH.read_text("utf-8")), default=str))
    jsonschema.Draft202012Validator(rates).validate(shipped)
    with pytest.raises(jsonschema.ValidationError, match="gift_preset"):
        jsonschema.Draft202012Validator(rates).validate(shipped | {"gift_preset": "C"})
    rows = schema_of("rows")
    jsonschema.Draft202012Validator.check_schema(rows)
    assert rows["$defs"].keys() == TABLES.keys()
