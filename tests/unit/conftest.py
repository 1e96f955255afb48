"""One embedded ClickHouse for all unit tests that need one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from clickhouse_connect.driver.client import Client

from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse
from sinks.migrate import migrate
from tests.unit.plain_http import Http


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedClickHouse]:
    path = tmp_path_factory.mktemp("clickhouse")
    with EmbeddedClickHouse(path, memory_mb=2_048, body_mb=16) as server:
        yield server


@pytest.fixture
def database(clickhouse: EmbeddedClickHouse) -> Iterator[str]:
    """The name of a database of this test's own; it does not exist yet."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield name
    with_client = connect(clickhouse.url, name)
    with_client.command(f"DROP DATABASE IF EXISTS {name}", use_database=False)
    with_client.close()


@pytest.fixture
def client(clickhouse: EmbeddedClickHouse, database: str) -> Iterator[Client]:
    """A client of an empty database with all tables and views."""
    client = connect(clickhouse.url, database)
    migrate(client, database)
    yield client
    client.close()


@pytest.fixture
def http(clickhouse: EmbeddedClickHouse) -> Http:
    return Http(clickhouse)


@pytest.fixture
def table(http: Http) -> str:
    """A small table of this test's own."""
    name = f"box.t_{uuid.uuid4().hex[:8]}"
    http.ok("CREATE DATABASE IF NOT EXISTS box")
    http.ok(f"CREATE TABLE {name} (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
    return name
