"""What rows are made of: the types of their columns, in Python and in ClickHouse, and their base."""

from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field

INT64_MAX = 2**63 - 1
UINT64_MAX = 2**64 - 1
UINT32_MAX = 2**32 - 1
TIME_MS_MAX = 4_102_444_800_000


class ColumnType(str):
    """Annotation of a field: the ClickHouse type of its column."""

    __slots__ = ()


Text = Annotated[str, ColumnType("String")]
Raw = Annotated[bytes, ColumnType("String")]
Word = Annotated[str, ColumnType("LowCardinality(String)")]
Texts = Annotated[list[str], ColumnType("Array(String)")]
Number = Annotated[int, Field(ge=-INT64_MAX, le=INT64_MAX), ColumnType("Int64")]
Natural = Annotated[int, Field(ge=0, le=UINT64_MAX), ColumnType("UInt64")]
Small = Annotated[int, Field(ge=0, le=UINT32_MAX), ColumnType("UInt32")]
Flag = Annotated[int, Field(ge=0, le=1), ColumnType("UInt8")]
Real = Annotated[float, Field(allow_inf_nan=False), ColumnType("Float64")]
Milliseconds = Annotated[int, Field(ge=0, le=TIME_MS_MAX), ColumnType("DateTime64(3, 'UTC')")]
Seconds = Annotated[int, Field(ge=0, le=TIME_MS_MAX // 1000), ColumnType("DateTime('UTC')")]
Days = Annotated[int, Field(ge=0, le=TIME_MS_MAX // 86_400_000), ColumnType("Date")]
OptionalMilliseconds = Annotated[
    int | None,
    Field(ge=0, le=TIME_MS_MAX),
    ColumnType("Nullable(DateTime64(3, 'UTC'))"),
]
OptionalNumber = Annotated[
    int | None, Field(ge=-INT64_MAX, le=INT64_MAX), ColumnType("Nullable(Int64)")
]
Counts = Annotated[dict[str, int], ColumnType("Map(LowCardinality(String), UInt64)")]


class Row(BaseModel):
    """Base of all rows: strict, frozen, no unknown columns."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


def clickhouse_types(model: type[Row]) -> dict[str, str]:
    """Column names of a row and their ClickHouse types, in the order of the table."""
    hints: dict[str, Any] = {}
    for base in reversed(model.__mro__):
        hints.update(getattr(base, "__annotations__", {}))
    return {name: _column_type(name, hints[name]) for name in model.model_fields}


def _column_type(name: str, annotation: object) -> str:
    for note in get_args(annotation)[1:]:
        if isinstance(note, ColumnType):
            return str(note)
    raise TypeError(f"column {name} has no ClickHouse type")


def columns_of(model: type[Row]) -> tuple[str, ...]:
    """Column names of a row, in the order of the table."""
    return tuple(clickhouse_types(model))
