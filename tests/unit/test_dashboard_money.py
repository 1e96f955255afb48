"""What the dashboard says about money: sums, newest entries, and why an amount is what it is."""

from __future__ import annotations

import random

import aiohttp
import pytest
from clickhouse_connect.driver.client import Client

from dashboard.money_queries import SOURCES
from tests.dashboard_rows import COMMISSION, LARGE_MICROS, NASTY, NOW_MS, STREAK
from tests.unit.clickhouse_rows import Tables, rows
from tests.unit.dashboard_client import ask

pytestmark = pytest.mark.stack


def test_names_of_programs_fit_into_the_number_that_they_are_grouped_by() -> None:
    assert max(map(len, SOURCES)) <= 16  # the bytes of a UInt128; more would be cut off


async def test_top_earners_keep_currencies_apart(web: aiohttp.ClientSession) -> None:
    answer = await ask(web, "top_earners", period="24h")
    found = {(row["creator_id"], row["currency"]): row for row in answer}
    assert found.keys() == {("c1", "USD"), ("c2", "EUR"), ("c9", "USD"), (NASTY, "USD")}
    assert found[NASTY, "USD"]["booked_micros"] == str(LARGE_MICROS)  # to the last micro-unit
    c1 = found["c1", "USD"]
    assert c1["sources"] == ["creator_rewards", "gift"]
    assert c1["booked_parts"] == ["0", "77080000"]
    assert c1["estimated_parts"] == ["122800", "0"]
    assert await ask(web, "top_earners", period="24h", source="sale") == []


async def test_top_earners_are_those_of_the_view(
    web: aiohttp.ClientSession, client: Client, tables: Tables, rng: random.Random
) -> None:
    """Many creators in several currencies, also with sums of 0 and below, and copies of rows."""
    for earned in ("USD", "EUR", "JPY"):
        written = [
            {
                "creator_id": f"many{rng.randrange(40)}",
                "entry_id": f"{earned}{number}",
                "occurred_at": NOW_MS - 99,
                "source": rng.choice(("sale", "gift")),
                "state": "final",
                "currency": rng.choice((earned, "USD")),
                "amount_micros": rng.choice((-1, 1, 2)) * LARGE_MICROS // 4,
                "version": 1,
            }
            for number in range(150)
        ]
        tables.write("ledger", *written, *written[::3])
        for source in ("", "sale", "brand_deal"):
            answer = await ask(web, "top_earners", period="all", source=source)
            wanted = rows(
                client,
                "SELECT creator_id, currency, sum(e.amount_micros) AS micros, count() "
                f"FROM earnings_ledger AS e WHERE '{source}' IN ('', source) "
                "GROUP BY ALL ORDER BY micros DESC, creator_id, currency LIMIT 20",
            )
            assert [
                (
                    row["creator_id"],
                    row["currency"],
                    int(row["booked_micros"]) + int(row["estimated_micros"]),
                    int(row["entries"]),
                )
                for row in answer
            ] == wanted


async def test_the_newest_entries_are_those_of_the_view(
    web: aiohttp.ClientSession, client: Client, tables: Tables
) -> None:
    # Most rows are copies of a few entries, so the newest rows alone would not hold fifty of them.
    booked = {"creator_id": "c1", "source": "sale", "state": "final", "currency": "USD"}
    for copy in range(3):
        tables.write(
            "ledger",
            *(
                {**booked, "entry_id": f"s{i}", "occurred_at": NOW_MS - i // 2 - 99, "version": 1}
                for i in range(copy * 20, 80)
            ),
        )
    for source in ("", "sale"):
        answer = [row["entry_id"] for row in await ask(web, "entries", period="7d", source=source)]
        wanted = rows(
            client,
            f"SELECT entry_id FROM earnings_ledger WHERE '{source}' IN ('', source) "
            "AND occurred_at > '2025-03-05' ORDER BY occurred_at DESC, entry_id LIMIT 50",
        )
        assert answer == [entry for (entry,) in wanted]


async def test_an_entry_is_explained_with_what_is_behind_it(web: aiohttp.ClientSession) -> None:
    (told,) = await ask(web, "explanation", creator="c9", entry=COMMISSION)
    assert told["amount_micros"] == "10774800"
    assert told["steps"] == [
        ["paid and kept", "89790000", "USD", ""],
        ["rate", "1200", "bps", "the highest in force in 30 days"],
        ["large", str(LARGE_MICROS), "USD", ""],
        ["amount", "10774800", "USD", "half-even"],
    ]
    behind = await ask(web, "evidence", creator="c9", entry=COMMISSION)
    assert {(row["kind"], row["who"], row["quantity"], row["amount"]) for row in behind} == {
        ("order_placed", "u7", "2", "89790000"),
        ("order_settled", "u7", "2", "89790000"),
    }
    (paid,) = await ask(web, "explanation", creator="c9", entry="payout:c9")
    assert (paid["source"], paid["amount_micros"], paid["steps"]) == ("payout", "-10000000", [])


async def test_a_gift_is_explained_by_its_streak_and_all_its_entries(
    web: aiohttp.ClientSession,
) -> None:
    for entry, other, micros in (
        (STREAK, f"{STREAK}:1", "-12500"),
        (f"{STREAK}:1", STREAK, "77092500"),
    ):
        (told,) = await ask(web, "explanation", creator="c1", entry=entry)
        assert told["steps"] == []
        assert told["because"] == ("better frame" if entry != STREAK else "")
        behind = {row["kind"]: row for row in await ask(web, "evidence", creator="c1", entry=entry)}
        assert behind.keys() == {"streak", "entry"}
        assert (behind["streak"]["quantity"], behind["streak"]["amount"]) == ("30832", "1")
        assert (behind["entry"]["what"], behind["entry"]["amount"]) == (other, micros)


async def test_an_estimate_is_explained_by_the_views_of_its_video(
    web: aiohttp.ClientSession, client: Client
) -> None:
    entry = "creator_rewards:v1:2025-03-11"
    (told,) = await ask(web, "explanation", creator="c1", entry=entry)
    assert (told["state"], told["steps"]) == ("estimated", [])
    behind = {row["kind"]: row for row in await ask(web, "evidence", creator="c1", entry=entry)}
    ((day,),) = rows(
        client,
        "SELECT sum(views) FROM engagement_1d "
        "WHERE subject_id = 'v1' AND window_start = '2025-03-11 00:00:00'",
    )
    assert behind["views_of_day"]["quantity"] == str(day)
    assert behind["views_so_far"]["quantity"] == "400"
    assert await ask(web, "explanation", creator="c2", entry=entry) == [], "not theirs"
    assert await ask(web, "evidence", creator="c2", entry=entry) == []
