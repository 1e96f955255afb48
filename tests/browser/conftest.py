"""A browser, and the dashboard over a small day."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from clickhouse_connect.driver.client import Client

from dashboard.server import Dashboard
from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse
from sinks.migrate import migrate
from sinks.writer import Writer
from tests.browser.chromium import Page, find_chromium, open_page
from tests.dashboard_rows import fill
from tests.unit.clickhouse_rows import Tables


@pytest.fixture(scope="session")
def browser() -> str:
    found = find_chromium()
    if found is None:
        pytest.skip("no Chromium here: install the system's package (apt-get install chromium)")
    return found


@pytest.fixture
def clickhouse(tmp_path: Path, browser: str) -> Iterator[EmbeddedClickHouse]:
    with EmbeddedClickHouse(tmp_path / "clickhouse", memory_mb=2_048) as server:
        yield server


@pytest.fixture
def client(clickhouse: EmbeddedClickHouse) -> Iterator[Client]:
    client = connect(clickhouse.url)
    migrate(client, "engagement")
    yield client
    client.close()


@pytest.fixture
def tables(clickhouse: EmbeddedClickHouse, client: Client) -> Iterator[Tables]:
    with Writer(clickhouse.url) as writer:
        made = Tables(writer)
        fill(made)
        yield made


@pytest_asyncio.fixture
async def dashboard(clickhouse: EmbeddedClickHouse, tables: Tables) -> AsyncIterator[Dashboard]:
    async with Dashboard(clickhouse.reading_url) as running:
        yield running


@pytest_asyncio.fixture
async def page(browser: str) -> AsyncIterator[Page]:
    async with open_page(browser) as page:
        yield page
