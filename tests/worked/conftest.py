"""One embedded ClickHouse for all worked logs; each test finds its tables empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse
from sinks.migrate import migrate
from sinks.writer import Writer
from streams.config import Settings
from tests.worked.books import RATES, Books

DATABASE = "worked"
DECISIONS = (
    "SELECT name FROM system.tables WHERE database = currentDatabase() "
    "AND startsWith(name, 'payout_decision_')"
)
_USED = "SELECT name FROM system.tables WHERE database = currentDatabase() AND total_rows > 0"


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, str]]:
    """A client of a database with all tables and views, and the server's address."""
    path = tmp_path_factory.mktemp("worked")
    with EmbeddedClickHouse(path, memory_mb=2_048, body_mb=16) as server:
        client = connect(server.url, DATABASE)
        migrate(client, DATABASE)
        yield client, server.url
        client.close()


@pytest.fixture
def open_books(engine: tuple[Client, str]) -> Iterator[Callable[..., Books]]:
    """Opens the test's books under settings of its own; what is booked in the end is audited."""
    client, url = engine
    for (name,) in client.query(_USED).result_rows:
        if name != "migrations":
            client.command(f"TRUNCATE TABLE {name}")
    for (name,) in client.query(DECISIONS).result_rows:
        client.command(f"DROP VIEW {name}")
    opened: list[Books] = []

    def open_with(**changes: Any) -> Books:
        settings = Settings(clickhouse=url, database=DATABASE, rates=str(RATES))
        opened.append(Books(client, writer, settings.with_(**changes)))
        return opened[-1]

    with Writer(url, DATABASE) as writer:
        yield open_with
    for books in opened:
        if books.audited:
            books.assert_audited()


@pytest.fixture
def books(open_books: Callable[..., Books]) -> Books:
    """The test's books, region US."""
    return open_books()


@pytest.fixture
def other_rates(tmp_path: Path) -> Callable[..., str]:
    """Makes a rates file in which each text of logs.toml stands for another."""

    def make(*changes: tuple[str, str], more: str = "") -> str:
        text = RATES.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        file = tmp_path / "other.toml"
        file.write_text(text + more, encoding="utf-8")
        return str(file)

    return make
