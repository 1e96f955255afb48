"""ClickHouse in memory: ReplacingMergeTree tables read FINAL, with the keys of the migrations."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schemas.rows import COLUMNS

_MIGRATIONS = Path(__file__).resolve().parent.parent.parent / "sinks" / "migrations"
_TABLE = re.compile(
    r"CREATE TABLE IF NOT EXISTS \{database\}\.(\w+)\{local\}.*?\nORDER BY ([^;\n]+)", re.DOTALL
)
_DAY_OF = re.compile(r"toDate\((\w+)\)")

Row = dict[str, Any]
Key = tuple[Any, ...]


def _keys() -> dict[str, tuple[str, ...]]:
    """Return the sorting key of every table that is written, read off the DDL."""
    keys = {}
    for file in sorted(_MIGRATIONS.glob("*.sql")):
        for table, order in _TABLE.findall(file.read_text()):
            names = order.replace("`", "").removeprefix("(").removesuffix(")")
            keys[table] = tuple(re.split(r",\s*", names))
    return {table: key for table, key in keys.items() if table in COLUMNS}


KEYS = _keys()


class Tables:
    """All tables. A row of an older version changes nothing; of equal versions the last stands."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[Key, tuple[Any, ...]]] = {table: {} for table in KEYS}
        self._key_columns = {table: _key_columns(table) for table in KEYS}

    def write(self, table: str, columns: Sequence[Sequence[Any]]) -> None:
        """Insert columns, in the order of `COLUMNS[table]`."""
        version = COLUMNS[table].index("version")
        key_columns, rows = self._key_columns[table], self._rows[table]
        for row in zip(*columns, strict=True):
            key = tuple(_day(row[at]) if is_day else row[at] for at, is_day in key_columns)
            standing = rows.get(key)
            if standing is None or row[version] >= standing[version]:
                rows[key] = row

    def write_all(self, rows: dict[str, Any]) -> None:
        """Insert what a flush brings."""
        for table, columns in rows.items():
            self.write(table, columns)

    def rows(self, table: str) -> Iterator[Row]:
        """Yield the rows that stand."""
        names = COLUMNS[table]
        return (dict(zip(names, row, strict=True)) for row in self._rows[table].values())

    def dump(self) -> dict[str, dict[Key, tuple[Any, ...]]]:
        """Return everything, for comparing."""
        return {table: dict(rows) for table, rows in self._rows.items() if rows}


def _key_columns(table: str) -> list[tuple[int, bool]]:
    columns = []
    for name in KEYS[table]:
        day = _DAY_OF.fullmatch(name)
        columns.append((COLUMNS[table].index(day[1] if day else name), bool(day)))
    return columns


def _day(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).date().isoformat()
