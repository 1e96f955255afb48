"""What videos have earned, added up: copies, currencies, later entries, and whoever comes late with less."""

from __future__ import annotations

from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from scripts.settlement.video_earnings import add_up
from sinks.embedded import EmbeddedClickHouse
from tests.unit.clickhouse_rows import Tables, rows

pytestmark = pytest.mark.stack


def entry(number: int, amount_micros: int, **more: Any) -> dict[str, Any]:
    return {
        "entry_id": f"e{number}",
        "occurred_at": 1_741_600_000_000 + 40 * 86_400_000 * (number % 2),  # in two partitions
        "creator_id": "c",
        "source": "sale",
        "state": "final",
        "amount_micros": amount_micros,
        "currency": "USD",
        "reference": "video:v1",
        "version": 1,
        **more,
    }


def test_all_that_is_booked_counts_once_and_more_entries_win(
    clickhouse: EmbeddedClickHouse, migrated: str, client: Client, tables: Tables
) -> None:
    booked = [
        entry(0, 5),
        entry(1, 70),
        entry(2, -3, state="adjustment"),
        entry(3, 11, currency="EUR"),
        entry(4, 400, reference="video:v:2"),
        entry(5, 9_000, reference="live:v1", source="gift"),
        entry(6, -77, reference="day:2025-03-11", source="payout"),
    ]
    for _ in range(2):
        tables.write("ledger", *booked)
        add_up(clickhouse.url, migrated)
        assert rows(client, "SELECT * FROM video_earnings FINAL ORDER BY ALL") == [
            ("v1", "EUR", 11, 1),
            ("v1", "USD", 72, 3),
            ("v:2", "USD", 400, 1),
        ]
    tables.write("ledger", entry(7, 1))
    add_up(clickhouse.url, migrated)
    late = {"video_id": "v1", "currency": "USD", "amount_micros": 72, "version": 3}
    tables.write("video_earnings", late)  # somebody who began before the last entry, and ends now
    assert rows(
        client,
        "SELECT amount_micros, version FROM video_earnings FINAL WHERE video_id = 'v1' AND currency = 'USD'",
    ) == [(73, 4)]
