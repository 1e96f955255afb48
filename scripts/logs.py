"""Logs of events in files: JSONL, gzip, zstd, Parquet and the KuaiRand CSV, read as records.

    file -> Log.records() -> LogRecord(topic, key, value, event_time_ms) -> Kafka

A line of a JSONL log goes to Kafka as it is, also when it is broken: it becomes a dead letter
there, with its bytes. What ends a read is a file that cannot be read, never a bad message.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args

import msgspec
import pyarrow
import pyarrow.parquet

from schemas.errors import InputError
from scripts import kuairand
from scripts.compression import first_bytes, open_input, read_lines
from scripts.records import LogRecord, address

Format = Literal["auto", "jsonl", "parquet", "kuairand"]
Arrival = Literal["file", "log-hour"]
FORMATS: tuple[str, ...] = get_args(Format)
ARRIVALS: tuple[str, ...] = get_args(Arrival)
LOG_VERSION = 1
VERSION_FIELD = "engage_log"
_PARQUET_MAGIC = b"PAR1"
_SNIFFED_BYTES = 4096
_PARQUET_ROWS = 8192

_encode = msgspec.json.Encoder().encode


class Log(ABC):
    """One log file. `records()` reads it from the start, each time it is called.

    `done` of `total` `unit` are read so far; of a compressed file, bytes are compressed bytes.
    """

    unit: Literal["bytes", "rows"] = "bytes"

    def __init__(self, path: Path, format_: str, total: int) -> None:
        self.path = path
        self.format = format_
        self.total = total

    @property
    @abstractmethod
    def done(self) -> int:
        """How much of `total` has been read."""

    @abstractmethod
    def records(self) -> Iterator[LogRecord]:
        """Yield all records in the order in which they arrive."""


def open_log(path: str | Path, format: Format = "auto", arrival: Arrival = "file") -> Log:
    """Open a log; `auto` looks at its content, and at its name when that does not tell.

    Raises:
        InputError: no such file, a format that cannot be told, a wrong schema version, or an
            arrival order that the format does not have.
    """
    path = Path(path)
    with open_input(path) as raw:
        found = _detect(raw, path) if format == "auto" else format
    if arrival == "log-hour" and found != "kuairand":
        raise InputError(f"{path}: only a KuaiRand log can be read by --arrival log-hour")
    if found == "parquet":
        return ParquetLog(path)
    if found == "kuairand":
        return KuairandLog(path, arrival)
    return JsonlLog(path)


def _detect(raw: BinaryIO, path: Path) -> str:
    if raw.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC:  # as stored: nothing reads one compressed
        return "parquet"
    raw.seek(0)
    start = first_bytes(raw, _SNIFFED_BYTES)
    name = path.name.lower()
    if kuairand.is_header(start.split(b"\n", 1)[0]):
        return "kuairand"
    named_json = any(part in name for part in (".jsonl", ".ndjson", ".json"))
    if named_json or not start.strip() or start.lstrip().startswith(b"{"):
        return "jsonl"
    raise InputError(f"{path}: cannot tell its format: say --format jsonl, parquet or kuairand")


class _LineLog(Log):
    """A log of lines, possibly compressed."""

    def __init__(self, path: Path, format_: str) -> None:
        super().__init__(path, format_, path.stat().st_size)
        self._raw: BinaryIO | None = None
        self._read_bytes = 0

    @property
    def done(self) -> int:
        """Bytes of the file read so far."""
        if self._raw is not None:
            self._read_bytes = self._raw.tell()
        return self._read_bytes

    def _lines(self) -> Iterator[bytes]:
        with open_input(self.path) as raw:
            self._raw = raw
            try:
                yield from read_lines(raw, str(self.path))
            finally:
                self._read_bytes, self._raw = raw.tell(), None


class JsonlLog(_LineLog):
    """One JSON object a line; may begin with the line {"engage_log": 1}, its schema version."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "jsonl")
        _has_version(next(self._lines(), b""), path)  # refuse a wrong version at once

    def records(self) -> Iterator[LogRecord]:
        """Yield a record for each line after the header."""
        lines = self._lines()
        first = next(lines, None)
        if first is None:
            return
        if not _has_version(first, self.path):
            yield address(first)
        yield from map(address, lines)


def _has_version(line: bytes, path: Path) -> bool:
    """Tell whether a log's first line is its version; raises InputError for one not known."""
    if VERSION_FIELD.encode() not in line:
        return False
    try:
        header = json.loads(line)
    except (ValueError, RecursionError):
        return False
    if not isinstance(header, dict) or VERSION_FIELD not in header or "type" in header:
        return False
    version = header[VERSION_FIELD]
    if type(version) is not int or version != LOG_VERSION:
        raise InputError(
            f"{path} line 1: log version {str(version)[:40]} is not known here: this program "
            f"reads version {LOG_VERSION}"
        )
    return True


class KuairandLog(_LineLog):
    """The CSV of a KuaiRand log; in log-hour order it is read and sorted as a whole first."""

    def __init__(self, path: Path, arrival: Arrival) -> None:
        super().__init__(path, "kuairand")
        self._arrival = arrival
        next(self._rows(), None)  # refuse wrong columns at once

    def records(self) -> Iterator[LogRecord]:
        """Yield the events of each row."""
        rows = self._rows()
        if self._arrival == "log-hour":
            return kuairand.records_of(kuairand.sort_by_log_hour(rows))
        return kuairand.records_of(rows)

    def _rows(self) -> Iterator[kuairand.Row]:
        log_hour = self._arrival == "log-hour"
        return kuairand.read_rows(self._lines(), str(self.path), log_hour=log_hour)


class ParquetLog(Log):
    """Messages in a column `value` (bytes or text), or events as flat columns, nulls left out."""

    unit = "rows"

    def __init__(self, path: Path) -> None:
        self._read_rows = 0
        with self._open(path) as file:
            super().__init__(path, "parquet", file.metadata.num_rows)
            schema = file.schema_arrow
        self._raw_values = "value" in schema.names
        if self._raw_values and not _is_bytes_or_text(schema.field("value").type):
            raise InputError(f"{path}: column value must hold bytes or text")
        if not self._raw_values and "type" not in schema.names:
            raise InputError(f"{path}: has neither a column `value` nor a column `type`")

    @property
    def done(self) -> int:
        """Rows read so far."""
        return self._read_rows

    def records(self) -> Iterator[LogRecord]:
        """Yield a record for each row."""
        self._read_rows = 0
        columns = ["value"] if self._raw_values else None
        with self._open(self.path) as file:
            batches = file.iter_batches(batch_size=_PARQUET_ROWS, columns=columns)
            while rows := self._next_rows(batches):
                for row in rows:
                    yield address(_value(row) if self._raw_values else _encode(_without_null(row)))
                self._read_rows += len(rows)

    def _next_rows(self, batches: Iterator[Any]) -> list[dict[str, Any]]:
        try:
            batch = next(batches, None)
            return [] if batch is None else batch.to_pylist()
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            raise InputError(
                f"{self.path}: damaged after row {self._read_rows}: {_first_line(error)}"
            ) from error

    @staticmethod
    def _open(path: Path) -> Any:
        try:
            return pyarrow.parquet.ParquetFile(path)
        except (pyarrow.ArrowException, OSError) as error:
            raise InputError(f"{path}: no readable Parquet file: {_first_line(error)}") from error


def _is_bytes_or_text(kind: object) -> bool:
    types = pyarrow.types
    return bool(
        types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_string(kind)
        or types.is_large_string(kind)
    )


def _value(row: dict[str, Any]) -> bytes:
    value = row["value"]
    if value is None:
        return b""
    return value.encode() if isinstance(value, str) else bytes(value)


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_null(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_null(item) for item in value]
    return value


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0]
