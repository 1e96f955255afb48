"""One embedded ClickHouse for all unit tests that need one."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
import pytest_asyncio
from clickhouse_connect.driver.client import Client

from dashboard.server import Dashboard
from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse
from sinks.migrate import migrate
from sinks.writer import Writer
from tests.dashboard_rows import fill
from tests.unit.clickhouse_rows import Tables
from tests.unit.plain_http import Http

DECISIONS = (
    "SELECT name FROM system.tables WHERE database = currentDatabase() "
    "AND startsWith(name, 'payout_decision_')"
)


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
    client = connect(clickhouse.url, name)
    client.command(f"DROP DATABASE IF EXISTS {name}", use_database=False)
    client.close()


@pytest.fixture(scope="session")
def migrated(clickhouse: EmbeddedClickHouse) -> str:
    """The name of a database with all tables and views, shared by all tests."""
    client = connect(clickhouse.url, "unit")
    migrate(client, "unit")
    client.close()
    return "unit"


@pytest.fixture
def client(clickhouse: EmbeddedClickHouse, migrated: str) -> Iterator[Client]:
    """A client of a database with all tables and views, and no rows."""
    client = connect(clickhouse.url, migrated)
    used = "SELECT name FROM system.tables WHERE database = currentDatabase() AND total_rows > 0"
    for (name,) in client.query(used).result_rows:
        if name != "migrations":
            client.command(f"TRUNCATE TABLE {name}")
    for (name,) in client.query(DECISIONS).result_rows:
        client.command(f"DROP VIEW {name}")
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


@pytest.fixture
def tables(clickhouse: EmbeddedClickHouse, client: Client, migrated: str) -> Iterator[Tables]:
    with Writer(clickhouse.url, migrated) as writer:
        yield Tables(writer)


@pytest_asyncio.fixture
async def dashboard(
    clickhouse: EmbeddedClickHouse, migrated: str, tables: Tables
) -> AsyncIterator[Dashboard]:
    fill(tables, clickhouse.url, migrated)
    async with Dashboard(clickhouse.reading_url, database=migrated) as running:
        yield running


@pytest_asyncio.fixture
async def web(dashboard: Dashboard) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(dashboard.url) as session:
        yield session
