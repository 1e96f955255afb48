"""Writes wire.py: msgspec types with the fields, bounds and rules of the pydantic models.

The types are written out as source, instead of being made at import, so that mypy knows every field
of the hot path. What is not understood here is refused, never left out: a new kind of bound fails
the generation, not the equality with the models.
"""

from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Interval, Len
from pydantic import BaseModel, StringConstraints
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from schemas import base, events

_HEADER = '''"""The wire types of the hot path; generated from the models by `python -m schemas.export`.

Do not edit. The base classes are for annotations and isinstance; only the tagged ones are decoded.
Unknown fields are refused here so that they can be counted: decode with streams/decode.py.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct

from schemas.base import check_collaborators
from schemas.events import EVENT_TYPES
'''

_FOOTER = """}
TYPE_OF: Mapping[type[Event], str] = {model: name for name, model in CLASS_OF.items()}
TOPIC_OF: Mapping[type[Event], str] = {
    model: EVENT_TYPES[name].topic for name, model in CLASS_OF.items()
}
SUBJECT_FIELD: Mapping[type[Event], str] = {
    model: EVENT_TYPES[name].key_field for name, model in CLASS_OF.items()
}
"""
_LINE_MAX = 100
# gc=False is safe: instances are frozen and hold only what was there before them, so no cycles
_ROOT_OPTIONS = ("gc=False", "omit_defaults=True", "forbid_unknown_fields=True")

_ALIASES = {
    name: hint
    for name, hint in vars(base).items()
    if get_origin(hint) in (Annotated, Literal) and not name.startswith("_")
}
# rules over several fields: the model validator's plain function, called on both sides
_RULES: dict[type[BaseModel], str] = {
    events.VideoPublished: "check_collaborators(self.collaborators)"
}


def wire_source() -> str:
    """The text of wire.py."""
    leaves: dict[type[BaseModel], str] = {
        spec.model: name for name, spec in events.EVENT_TYPES.items()
    }
    target_models = set(get_args(get_args(events.VideoTarget)[0]))
    parts = [_HEADER, *(_assignment(name, _alias(hint)) for name, hint in _ALIASES.items())]
    written: set[type[BaseModel]] = {base.Model}
    nested: list[type[BaseModel]] = [base.Collaborator, base.Milestone]
    for leaf in [*nested, *leaves]:
        if leaf is events.Invalidated:
            assert target_models <= written, "the targets are defined before what holds them"
            parts.append(_union("Target", [model for model in leaves if model in target_models]))
        for model in reversed(leaf.__mro__):
            if issubclass(model, base.Model) and model not in written:
                parts.append(_struct(model, leaves.get(model)))
                written.add(model)
    parts.append(_union("Event", list(leaves)))
    parts.append("\nCLASS_OF: Mapping[str, type[Event]] = {")
    parts += [f'    "{name}": {model.__name__},' for model, name in leaves.items()]
    return "\n".join([*parts, _FOOTER])


def _struct(model: type[BaseModel], type_name: str | None) -> str:
    (parent,) = model.__bases__
    words = [parent.__name__, "frozen=True", "kw_only=True"]
    if parent is base.Model:
        words = ["Struct", "frozen=True", "kw_only=True", *_ROOT_OPTIONS]
    if type_name is not None:
        words += ['tag_field="type"', f'tag="{type_name}"']
    head = f"class {model.__name__}({', '.join(words)}):"
    if len(head) > _LINE_MAX:
        head = f"class {model.__name__}(\n    " + ",\n    ".join(words) + ",\n):"
    doc = (model.__doc__ or "").strip().splitlines()[0]
    lines = ["", "", head, f'    """{doc}"""']
    fields = [
        f"    {field}: {_hint(hint)}{_default(model.model_fields[field])}"
        for field, hint in model.__annotations__.items()
        if field in model.model_fields and field != "type"
    ]
    if fields:
        lines += ["", *fields]
    if _has_rule(model):
        lines += ["", "    def __post_init__(self) -> None:", f"        {_RULES[model]}"]
    return "\n".join(lines)


def _has_rule(model: type[BaseModel]) -> bool:
    """Whether the model has a rule over several fields; one that we cannot write is an error."""
    has_validators = bool(model.__pydantic_decorators__.model_validators)
    if has_validators and model not in _RULES:
        raise NotImplementedError(f"{model.__name__}: add its validator to _RULES")
    return has_validators


def _default(field: FieldInfo) -> str:
    return "" if field.default is PydanticUndefined else f" = {field.default!r}"


def _hint(hint: Any) -> str:
    for name, alias in _ALIASES.items():
        if hint == alias:
            return name
    origin: Any = get_origin(hint)
    if origin in (Union, UnionType):
        return " | ".join(_hint(part) for part in get_args(hint))
    if hint == events.VideoTarget:
        return "Target"
    if origin is Annotated:
        inner, *bounds = get_args(hint)
        return f"Annotated[{_hint(inner)}, {_meta(bounds)}]"
    if origin is tuple:
        item, _ = get_args(hint)
        return f"tuple[{_hint(item)}, ...]"
    if hint is NoneType:
        return "None"
    if hint in (str, int, bool) or (isinstance(hint, type) and issubclass(hint, base.Model)):
        return str(hint.__name__)
    raise NotImplementedError(f"no wire type for {hint}")


def _assignment(name: str, alias: str) -> str:
    """An alias, on lines of its own parts if it is long."""
    line = f"{name} = {alias}"
    if len(line) <= _LINE_MAX:
        return line
    inner, bounds = alias.removeprefix("Annotated[").removesuffix("]").split(", Meta(")
    meta = f"    Meta(\n        {bounds.removesuffix(')')}\n    ),"
    return f"{name} = Annotated[\n    {inner},\n{meta}\n]"


def _alias(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "Literal[" + ", ".join(f'"{word}"' for word in get_args(hint)) + "]"
    inner, *bounds = get_args(hint)
    return f"Annotated[{inner.__name__}, {_meta(bounds)}]"


def _meta(bounds: list[Any]) -> str:
    """A msgspec Meta of pydantic's bounds."""
    (bound,) = bounds
    if isinstance(bound, Interval):
        assert bound.gt is None
        assert bound.lt is None
        return f"Meta(ge={bound.ge:_}, le={bound.le:_})"
    if isinstance(bound, Len):
        assert bound.min_length == 0, "a lower bound is not written yet"
        return f"Meta(max_length={bound.max_length})"
    if isinstance(bound, StringConstraints):
        words = {"min_length": bound.min_length, "max_length": bound.max_length}
        given = [f"{name}={value}" for name, value in words.items() if value is not None]
        if bound.pattern is not None:
            given.append(f'pattern="{bound.pattern}"')
        return f"Meta({', '.join(given)})"
    raise NotImplementedError(f"no msgspec bound for {bound!r}")


def _union(name: str, models: list[type[BaseModel]]) -> str:
    body = "\n    | ".join(model.__name__ for model in models)
    return f"\n\n{name} = (\n    {body}\n)"
