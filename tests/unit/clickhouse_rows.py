"""Rows for the views to show, of which only the interesting columns are named."""

from __future__ import annotations

from typing import Any

from clickhouse_connect.driver.client import Client

from schemas.rows import COLUMNS, NO_SCORE, TABLES, clickhouse_types
from sinks.writer import Writer

HOUR_MS = 3_600_000
Row = dict[str, Any]

EMPTY: dict[str, Any] = {
    "String": "",
    "LowCardinality(String)": "",
    "Array(String)": [],
    "Map(LowCardinality(String), UInt64)": {},
    "Nullable(DateTime64(3, 'UTC'))": None,
    "Nullable(Int64)": None,
}


class Tables:
    """Writes rows; columns that are not named are empty or 0."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def write(self, table: str, *rows: Row) -> None:
        kinds = clickhouse_types(TABLES[table])
        for row in rows:
            assert row.keys() <= kinds.keys(), row.keys() - kinds.keys()
        self._writer.write(
            table,
            [[row.get(name, EMPTY.get(kinds[name], 0)) for row in rows] for name in COLUMNS[table]],
        )


def rows(client: Client, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in client.query(query).result_rows]


def video(name: str, **more: Any) -> Row:
    return {
        "video_id": name,
        "creator_id": f"c-{name}",
        "version": 1,
        "score": NO_SCORE,
        "fast_score": NO_SCORE,
        "half_life_ms": 6 * HOUR_MS,
        "fast_half_life_ms": HOUR_MS,
        **more,
    }
