"""The benchmark of the dashboard, on small tables: it fills them all, and every panel answers."""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.client import Client

from dashboard.queries import PANELS, PULSE
from dashboard.reader import Reader
from scripts.benchmarks.dashboard import Asking, samples
from scripts.benchmarks.dashboard_fill import Size, counted, fill
from sinks.embedded import EmbeddedClickHouse

pytestmark = pytest.mark.stack

# No order stands behind the filled entries, and so few rows a minute hold none of a live.
EMPTY = {"evidence", "live_activity"}


async def test_every_panel_answers_from_what_is_filled(
    clickhouse: EmbeddedClickHouse, migrated: str, client: Client
) -> None:
    fill(client, Size().scaled(0.01))
    tables = counted(client)
    assert (tables["ledger"][0], tables["estimates"][0]) == (50_000, 625)
    asking = Asking(clickhouse.reading_url, clickhouse.pid, samples(client), 1)
    reader = Reader(clickhouse.reading_url, migrated)
    try:
        answers = {
            query.name: await reader.rows(asking.asks(query)[0])
            for query in (PULSE, *PANELS.values())
        }
    finally:
        await reader.close()
    assert {name for name, rows in answers.items() if not rows} == EMPTY
