"""A browser, and the dashboard over a small day."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
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
        why = "no Chromium here: install the system's package (apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(why)  # what CI skips, nobody sees
        pytest.skip(why)
    return found


@contextmanager
def _started(path: Path) -> Iterator[EmbeddedClickHouse]:
    with EmbeddedClickHouse(path, memory_mb=2_048) as server:
        client = connect(server.url)
        migrate(client, "engagement")
        client.close()
        yield server


@pytest.fixture(scope="session")
def small_day(
    browser: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedClickHouse]:
    """The small day, for tests that only look."""
    with _started(tmp_path_factory.mktemp("day") / "clickhouse") as server:
        with Writer(server.url) as writer:
            fill(Tables(writer), server.url, "engagement")
        yield server


@pytest.fixture
def client(small_day: EmbeddedClickHouse) -> Iterator[Client]:
    client = connect(small_day.reading_url)
    yield client
    client.close()


@pytest_asyncio.fixture
async def dashboard(small_day: EmbeddedClickHouse) -> AsyncIterator[Dashboard]:
    async with Dashboard(small_day.reading_url) as running:
        yield running


@pytest.fixture
def own_clickhouse(browser: str, tmp_path: Path) -> Iterator[EmbeddedClickHouse]:
    """Empty tables, for a test that writes to them or stops the server."""
    with _started(tmp_path / "clickhouse") as server:
        yield server


@pytest.fixture
def tables(own_clickhouse: EmbeddedClickHouse) -> Iterator[Tables]:
    with Writer(own_clickhouse.url) as writer:
        yield Tables(writer)


@pytest_asyncio.fixture
async def own_dashboard(own_clickhouse: EmbeddedClickHouse) -> AsyncIterator[Dashboard]:
    async with Dashboard(own_clickhouse.reading_url) as running:
        yield running


@pytest_asyncio.fixture
async def page(browser: str) -> AsyncIterator[Page]:
    async with open_page(browser) as page:
        yield page
