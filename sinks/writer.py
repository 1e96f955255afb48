"""The writer: columns of rows into a table, acknowledged or refused, never in between."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from schemas.errors import Refused
from schemas.rows import COLUMNS, TABLES, clickhouse_types
from sinks.client import answering, connect
from sinks.columns import BlockTooLarge, Encoder, arrow_stream, encoder

BLOCK_ROWS_MAX = 50_000
BLOCK_BYTES_MAX = 12 << 20

_ENCODERS: dict[str, dict[str, Encoder]] = {
    table: {name: encoder(kind) for name, kind in clickhouse_types(model).items()}
    for table, model in TABLES.items()
}


class Writer:
    """Writes columns over one connection that stays open; connects at the first write.

    One thread at a time may use it: give every thread its own. It keeps no rows: what was not
    acknowledged is the caller's to write again, and rows that arrive twice change nothing.
    """

    def __init__(self, url: str, database: str = "engagement", *, timeout_s: float = 60) -> None:
        self._url = url
        self._database = database
        self._timeout_s = timeout_s
        self._client: Any = None

    def write(self, table: str, columns: Sequence[Sequence[Any]]) -> None:
        """Insert columns, in the order of `COLUMNS[table]`, and wait until they are stored.

        Times are integers: milliseconds for DateTime64, seconds for DateTime, days for Date.
        Columns may be lists or arrays of the column's own width.

        Raises:
            Unavailable: nothing or only a part may have been stored: write the same rows again.
            Refused: the rows or the table are wrong; writing again would not help.
        """
        names = COLUMNS[table]
        rows = _rows(table, columns, len(names))
        for start in range(0, rows, BLOCK_ROWS_MAX):
            block = columns
            if rows > BLOCK_ROWS_MAX:
                block = [column[start : start + BLOCK_ROWS_MAX] for column in columns]
            self._write(table, names, block)

    def _write(self, table: str, names: tuple[str, ...], block: Sequence[Sequence[Any]]) -> None:
        rows = len(block[0])
        try:
            body = arrow_stream(dict(zip(names, block, strict=True)), _ENCODERS[table])
        except BlockTooLarge:
            body = None
        except ValueError as error:
            raise Refused(f"rows for {table} cannot be written: {error}") from error
        if rows > 1 and (body is None or len(body) > BLOCK_BYTES_MAX):
            half = rows // 2
            self._write(table, names, [column[:half] for column in block])
            self._write(table, names, [column[half:] for column in block])
            return
        assert body is not None, "a single row is not larger than a message"
        self._insert(table, names, body)

    def _insert(self, table: str, names: tuple[str, ...], body: memoryview) -> None:
        with answering(self._url, doing=f"writing {table}"):
            if self._client is None:
                self._client = connect(self._url, self._database, request_timeout_s=self._timeout_s)
            self._client.raw_insert(f"{self._database}.{table}", names, body, fmt="ArrowStream")

    def close(self) -> None:
        """Close the connection; the next write would open it again."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _rows(table: str, columns: Sequence[Sequence[Any]], wanted: int) -> int:
    if len(columns) != wanted:
        raise Refused(f"{table} has {wanted} columns, not {len(columns)}")
    rows = len(columns[0])
    if any(len(column) != rows for column in columns):
        raise Refused(f"the columns for {table} are not of one length")
    return rows
