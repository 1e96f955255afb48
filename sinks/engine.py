"""The ClickHouse engine inside this process: handles, settings, and what a reader may not do.

A process has one engine on one path. A handle is cheap (a quarter of a millisecond) and keeps its
own settings, database and temporary tables, so every request gets a new one and a session is one
that is kept. Calls release the interpreter's lock: run them in threads, one per handle at a time.
"""

import fcntl
import os
import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self

import chdb

from schemas.errors import Refused
from sinks.sqltext import from_file

CHECKED_TEXTS_MAX = 2_000
CHECKED_TEXT_LENGTH_MAX = 20_000
READER_SETTINGS = {"max_execution_time": "120", "max_result_bytes": "1073741824", "readonly": "2"}

# A disk that is written full to its last byte left parts behind whose small files are empty, of acknowledged
# inserts too (chDB 26.9: 4 in 45 times). Below this nothing is begun: the disk counts as full, and is waited for.
_KEPT_FREE_BYTES = 64 << 20

_CODE = re.compile(r"\bCode: (\d+)")
_NAME = re.compile(r"[A-Za-z_]\w*")
_AST_FUNCTION = re.compile(r"^\s*Function (\S+)", re.MULTILINE)

# Table functions that make rows out of their arguments, or of tables one may read anyway.
_HARMLESS = frozenset(
    {
        *("dictionary", "format", "fuzzquery", "generate_series", "generateseries"),
        *("generaterandom", "merge", "mergetreeindex", "mergetreeprojection", "null", "numbers"),
        *("numbers_mt", "primes", "values", "view", "viewifpermitted", "zeros", "zeros_mt"),
    }
)
# Ordinary functions that reach outside of the database.
_REACHING_OUT = frozenset({"catboostevaluate", "file", "hascolumnintable"})


class EngineError(Exception):
    """ClickHouse's own exception: its code and its message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Result:
    """Bytes in the wanted format, and what it took to make them."""

    body: bytes = b""
    summary: Mapping[str, int] = field(default_factory=dict)


class Handle:
    """One line of talk with the engine; one call at a time."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def prepare(self, database: str, settings: Mapping[str, str]) -> None:
        """Choose the default database and set settings and `param_` values."""
        if database:
            self.query(f"USE {quote_name(database)}")
        if settings:
            pairs = ", ".join(f"{_name(name)} = {quote(text)}" for name, text in settings.items())
            self.query(f"SET {pairs}")

    def query(self, sql: str, wanted_format: str = "TabSeparated") -> Result:
        """Run one statement; a FORMAT in the statement wins over `wanted_format`."""
        try:
            made = self._connection.query(sql, wanted_format)
        except (chdb.ChdbError, RuntimeError) as error:
            raise engine_error(error) from error
        summary = {
            "read_rows": made.storage_rows_read(),
            "read_bytes": made.storage_bytes_read(),
            "written_rows": made.rows_written(),
            "written_bytes": made.bytes_written(),
            "result_rows": made.rows_read(),
            "result_bytes": made.bytes_read(),
            "elapsed_ns": int(made.elapsed() * 1e9),
        }
        return Result(made.bytes() or b"", summary)

    def insert(self, statement: str, input_format: str, data: bytes | memoryview) -> Result:
        """Run `INSERT INTO t (columns)`, without its FORMAT clause, over data in that format.

        As a file in memory: chDB's own stream for inserts (`send_insert`, 4.4) forgets what goes wrong
        behind the parser (a full disk, a broken constraint) and says that the rows were written.
        """
        with file_in_memory(data) as path:
            return self.query(from_file(statement, path, input_format))

    def classify(self, sql: str) -> tuple[str, int]:
        """What the engine's parser says it is (READ_ONLY, MUTATING, ...), and how many statements."""
        found = self._connection._conn.classify_query(sql)
        return found["query_class"].name, found["statement_count"]

    def close(self) -> None:
        """Give the handle back; its settings and temporary tables are gone."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Engine:
    """The engine on one path; opening it takes the path for this process alone.

    The database `default` of chDB also stands for the files of this machine, so it is replaced by
    an empty one in memory: use a named database.
    """

    def __init__(self, path: Path, *, memory_bytes_max: int, fsync: bool = False) -> None:
        self._lock_file = _take(path)
        config = path / "engine.xml"
        config.write_text(_config(memory_bytes_max=memory_bytes_max, fsync=fsync))
        self._target = f"{path / 'store'}?config-file={config}"
        self._checked: OrderedDict[str, None] = OrderedDict()
        self._checked_lock = Lock()
        self._first = self.handle()
        self._first.query("DROP DATABASE IF EXISTS default")
        self._first.query("CREATE DATABASE default ENGINE = Memory")
        self.version = _one(self._first, "SELECT version()")
        self.timezone = _one(self._first, "SELECT timezone()")
        names = _one(
            self._first,
            "SELECT arrayStringConcat(groupArray(lower(name)), ' ') FROM system.table_functions",
        )
        self._forbidden = (frozenset(names.split()) - _HARMLESS) | _REACHING_OUT

    def handle(self) -> Handle:
        """A new handle with default settings."""
        try:
            return Handle(chdb.connect(self._target))  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            raise engine_error(error) from error

    def check_reading(self, handle: Handle, sql: str) -> None:
        """Refuse all but a single statement that only reads what is inside the database."""
        with self._checked_lock:
            if sql in self._checked:
                self._checked.move_to_end(sql)
                return
        kind, count = handle.classify(sql)
        if kind == "UNKNOWN":
            # It does not parse. As a literal it is harmless, and the engine says best what is wrong.
            handle.query(f"SELECT formatQuery({quote(sql)})")
        if kind != "READ_ONLY" or count != 1:
            raise EngineError(
                164, "Cannot execute query in readonly mode: a token is needed for it"
            )
        tree = handle.query(f"EXPLAIN AST {sql}", "TSVRaw").body.decode(errors="replace")
        for name in _AST_FUNCTION.findall(tree):
            if name.lower() in self._forbidden:
                raise EngineError(497, f"Not enough privileges: {name} is off without a token")
        if len(sql) > CHECKED_TEXT_LENGTH_MAX:
            return
        with self._checked_lock:
            self._checked[sql] = None
            while len(self._checked) > CHECKED_TEXTS_MAX:
                self._checked.popitem(last=False)

    def close(self) -> None:
        """Close the engine; all handles must have been closed."""
        self._first.close()
        os.close(self._lock_file)


@contextmanager
def file_in_memory(data: bytes | memoryview) -> Iterator[str]:
    """Give the path of a file that holds the data, takes no disk and is gone afterwards."""
    descriptor = os.memfd_create("insert", os.MFD_CLOEXEC)
    try:
        with open(descriptor, "wb", buffering=0, closefd=False) as file:
            left = memoryview(data)
            while left:
                left = left[file.write(left) :]
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def engine_error(error: Exception) -> EngineError:
    """The engine's exception out of chDB's."""
    text = str(error)
    match = _CODE.search(text)
    if match is None:
        return EngineError(1001, text)
    return EngineError(int(match.group(1)), text[match.start() :].strip())


def quote(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def quote_name(text: str) -> str:
    """A quoted identifier."""
    return "`" + text.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise EngineError(115, f"Unknown setting {name!r}")
    return name


def _one(handle: Handle, sql: str) -> str:
    return handle.query(sql, "TSVRaw").body.decode().strip()


def _take(path: Path) -> int:
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock_file = os.open(path / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Refused(f"{path} cannot be used for data: {error.strerror}") from error
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock_file)
        raise Refused(
            f"{path} is in use by another embedded ClickHouse: stop that one, or choose another path"
        ) from error
    return lock_file


def _config(*, memory_bytes_max: int, fsync: bool) -> str:
    on = int(fsync)
    return f"""<clickhouse>
    <max_server_memory_usage>{memory_bytes_max}</max_server_memory_usage>
    <merge_tree>
        <fsync_after_insert>{on}</fsync_after_insert>
        <fsync_part_directory>{on}</fsync_part_directory>
    </merge_tree>
    <storage_configuration>
        <disks><default><keep_free_space_bytes>{_KEPT_FREE_BYTES}</keep_free_space_bytes></default></disks>
    </storage_configuration>
</clickhouse>
"""
