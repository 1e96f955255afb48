"""Where a command that only reads finds ClickHouse: a running stack, kept results, or a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.errors import ConfigError, InputError
from scripts.options import CLICKHOUSE_ENV
from sinks.client import parse_url
from sinks.embedded import EmbeddedClickHouse


@contextmanager
def open_ledger(data: Path | None, url: str | None) -> Iterator[str]:
    """Yield the address to read from and to book to; a folder goes before a server.

    Raises:
        ConfigError: neither a folder nor a server is given.
        InputError: the folder holds no results.
    """
    with _open(data, url, writes=True) as address:
        yield address


@contextmanager
def open_results(data: Path | None, url: str | None) -> Iterator[str]:
    """Yield the address to read from; a folder goes before a server.

    The engine that is started on a folder without a stack ends with the block.

    Raises:
        ConfigError: neither a folder nor a server is given.
        InputError: the folder holds no results.
    """
    with _open(data, url, writes=False) as address:
        yield address


@contextmanager
def _open(data: Path | None, url: str | None, *, writes: bool) -> Iterator[str]:
    if data is None:
        if url is None:
            raise ConfigError(
                f"nothing to look at: give --data DIR, --clickhouse URL or {CLICKHOUSE_ENV}"
            )
        yield url
        return
    running = _running(data, writes=writes)
    if running is not None:
        yield running
        return
    if not (data / "clickhouse").is_dir():
        raise InputError(f"{data} holds no results: make some with `engage run --data {data}`")
    with EmbeddedClickHouse(data / "clickhouse") as engine:
        yield engine.url if writes else engine.reading_url


def _running(data: Path, *, writes: bool) -> str | None:
    """Return the address of the stack that runs on the folder; to read it needs no password."""
    if not (data / "stack.json").exists():
        return None
    # Only a folder with a stack needs the stack's code, which takes a while to load.
    from scripts.stack import running_stack

    where = running_stack(data)
    if where is None:
        return None
    url = str(where["clickhouse"])
    return str(parse_url(url)) if not writes and (data / "clickhouse").is_dir() else url
