"""`engage explain` and `engage quote` on a real ClickHouse: every kind of amount, in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from schemas.entries import entry_id
from sinks.embedded import EmbeddedClickHouse
from tests.unit.clickhouse_rows import Row, Tables, rows
from tests.unit.settlement_rows import END_MS, END_S, ODD_ID, START_MS, entry, follow, minute
from tests.unit.settlement_world import (
    LAST,
    USD,
    Engage,
    engage_on,
    order,
    published,
    write_world,
)
from tests.worked.world import DAY_MS

Capture = pytest.CaptureFixture[str]
Explained = Callable[..., list[str]]


@pytest.fixture
def engage(
    clickhouse: EmbeddedClickHouse,
    migrated: str,
    tables: Tables,
    monkeypatch: pytest.MonkeyPatch,
) -> Engage:
    """`engage`, on the small world, not settled."""
    monkeypatch.setenv("ENGAGE_DATABASE", migrated)
    write_world(tables)
    return engage_on(clickhouse.url)


@pytest.fixture
def explained(engage: Engage, capsys: Capture) -> Explained:
    """What `engage explain` prints, without the space around its lines."""

    def run(*words: str) -> list[str]:
        capsys.readouterr()
        assert engage("explain", *words) == 0
        return [line.strip() for line in capsys.readouterr().out.splitlines()]

    return run


def id_of(client: Client, start: str, creator_id: str = "c", state: str = "final") -> str:
    query = f"SELECT entry_id FROM ledger WHERE startsWith(entry_id, '{start}')"
    ((name,),) = rows(client, f"{query} AND creator_id = '{creator_id}' AND state = '{state}'")
    return str(name)


# --- gifts


def gift(state: str, **more: Any) -> Row:
    return {
        "live_id": "l:1",
        "user_id": "u%",
        "gift_id": "rose",
        "group_id": ODD_ID,
        "creator_id": "c",
        "occurred_at": START_MS,
        "repeat_count": 3,
        "coins": 10,
        "order_ids": ["o1", "o2"],
        "state": state,
        "version": 1,
        **more,
    }


GIFT = entry_id("gift", "l:1", "u%", "rose", ODD_ID)
STREAK = [
    "streak of u%: 3 x rose of 10 coins, {}",
    "best frame: 2025-03-10 00:00:00 UTC; orders o1, o2",
    "coins: 30",
    "per coin: 0.002500 USD",
]


def gift_entry(name: str, amount: int, **more: Any) -> Row:
    return entry(name, amount, START_MS, reference="live:l:1", rate_version="gift-1", **more)


def test_a_gift(tables: Tables, explained: Explained) -> None:
    tables.write("gift_streaks", gift("final"), gift("final", group_id="another"))
    tables.write("ledger", gift_entry(GIFT, 75_000))
    assert explained(GIFT) == [
        GIFT.strip(),
        "0.075000 USD to c, gift, final, 2025-03-10 00:00:00 UTC",
        "for live:l:1, rate gift-1",
        *(line.format("final") for line in STREAK),
        "worth: 0.075000 USD",
        "",
    ]


def test_an_open_streak_is_an_estimate(tables: Tables, explained: Explained) -> None:
    tables.write("gift_streaks", gift("open"))
    tables.write("estimates", gift_entry(GIFT, 75_000, state="estimated"))
    shown = explained(GIFT)
    assert shown[1].startswith("0.075000 USD to c, gift, estimated")
    assert shown[3:7] == [line.format("open") for line in STREAK]


def test_a_refunded_gift_and_an_adjusted_one(tables: Tables, explained: Explained) -> None:
    tables.write("gift_streaks", gift("refunded"))
    tables.write(
        "ledger",
        gift_entry(GIFT, 50_000),
        gift_entry(f"{GIFT}:1", 25_000, state="adjustment", reason="better frame"),
        gift_entry(f"{GIFT}:refund", -75_000, state="adjustment", reason="refund"),
    )
    shown = explained(f"{GIFT}:refund")
    assert shown[1:4] == [
        "-0.075000 USD to c, gift, adjustment, 2025-03-10 00:00:00 UTC",
        "for live:l:1, rate gift-1",
        "because: refund",
    ]
    assert shown[8:] == [
        "worth: 0.075000 USD (refunded: 0)",
        f"also of this streak: {GIFT}, 0.050000 USD",
        f"also of this streak: {GIFT}:1, 0.025000 USD",
        "",
    ]
    assert "because: better frame" in explained(f"{GIFT}:1")


# --- Creator Rewards and the fund


def test_an_estimate_of_a_shared_video_is_each_creators_part(
    tables: Tables, explained: Explained
) -> None:
    parts = ["c:334067", "d:333967", "e:333966"]
    name = "creator_rewards:v:2025-03-10"
    more = {"source": "creator_rewards", "state": "estimated", "parts": parts}
    tables.write("estimates", entry(name, 1_002_000, START_MS, **more))
    shown = explained(f"{name}:d")
    assert shown[1].startswith("0.333967 USD to d, creator_rewards, estimated")
    assert shown[3:-1] == [
        "qualified views of the day: 1,501 views",
        "qualified views so far: 1,501 views",
        "threshold: 1,000 views (excess)",
        "of these paid for the day: 501 views",
        "per 1,000 views: 2.000000 USD",
        "before the factor: 1.002000 USD (0 unless the video may earn)",
        "factor: 100.0000 %",
        "amount: 1.002000 USD (rounded down)",
        "amount of all: 1.002000 USD",
        "share of this creator: 33.33 % (largest remainder)",
        "part: 0.333967 USD",
    ]


def test_a_final_reward_and_its_adjustment(
    engage: Engage, client: Client, tables: Tables, explained: Explained
) -> None:
    engage("settle", "--through", LAST)
    final = id_of(client, "creator_rewards:v:", "d")
    shown = explained(final)
    assert shown[1].startswith("0.333967 USD to d, creator_rewards, final")
    assert shown[-5:-1] == [
        "amount: 1.002000 USD (rounded down)",
        "amount of all: 1.002000 USD",
        "share of this creator: 33.33 % (largest remainder)",
        "part: 0.333967 USD",
    ]
    tables.write("windows_1m", minute("w", END_S + 120, qualified_views=1))
    engage("settle", "--through", LAST)
    shown = explained(id_of(client, "creator_rewards:w:", "f", "adjustment"))
    assert "because: recounted after settlement" in shown
    assert shown[-2] == "booked before: -2.000000 USD"
    assert explained(final)[1].startswith("0.333967 USD to d"), "an entry is explained as booked"


def test_the_fund(engage: Engage, client: Client, explained: Explained) -> None:
    engage("settle", "--through", LAST)
    shown = explained(id_of(client, "creator_fund:w:2025-03-10", "f"))
    assert shown[3:-1] == [
        "authentic views of the day: 1,000 views",
        "likes, comments and shares: 0 actions",
        "engagement rate: 0.0000 % (actions / views)",
        "reference rate: 10.0000 %",
        "quality: 100.0000 % (1 + k x min(rate / reference, cap))",
        "pool of the day: 1.000000 USD",
        "share of the pool: 33.3333 % (views x quality, of all videos)",
        "amount: 0.333333 USD (largest remainder)",
    ]


# --- orders and deals


def test_a_commission_and_a_sale_show_the_events_of_the_order(
    engage: Engage, client: Client, tables: Tables, explained: Explained
) -> None:
    engage("settle", "--through", LAST)
    whole = order("refunded", START_MS + 10 * DAY_MS, version=3)
    tables.write("order_events", whole)
    engage("settle", "--through", LAST)
    commission = id_of(client, "affiliate:o:", "c", "adjustment")
    shown = explained(commission)
    assert "because: refund" in shown
    assert "commission is on: 0.000000 USD" in shown
    assert "credited for a click: 1 minutes before the order" in shown
    assert [line.partition(",")[0] for line in shown if line.startswith("event ")] == [
        f"event placed-o-{START_MS + 60_000}: order_placed 2025-03-10 00:01:00 UTC",
        f"event settled-o-{END_MS}: order_settled 2025-03-11 00:00:00 UTC",
        f"event refunded-o-{START_MS + 10 * DAY_MS}: order_refunded 2025-03-20 00:00:00 UTC",
    ]
    sale = explained(id_of(client, "sale:o:", "g"))
    assert "commission of the promoting creator: -1.000000 USD" in sale
    assert "amount: 8.100000 USD" in sale


def test_a_deal(engage: Engage, client: Client, explained: Explained) -> None:
    engage("settle", "--through", LAST)
    shown = explained(id_of(client, "brand_deal:d1:1000:", "e"))
    assert "milestone reached: 1,000 views" in shown
    assert "part: 16.665000 USD" in shown
    assert shown[-2] == (
        "deal d1 with b: 100.000000 USD, 2025-03-10 00:00:00 UTC, 1000:5000 5000:5000"
    )


def test_a_payout(engage: Engage, client: Client, tables: Tables, explained: Explained) -> None:
    tables.write("ledger", entry("g", 60 * USD, 5))
    assert engage("payout", "--day", "2025-03-24") == 0
    shown = explained(id_of(client, "payout:c:"))
    assert shown[1].startswith("-60.000000 USD to c, payout, final, 2025-03-24 00:00:00 UTC")
    assert "stays: 0.000000 USD" in shown


# --- choosing


def test_a_day_of_a_creator(engage: Engage, tables: Tables, explained: Explained) -> None:
    engage("settle", "--through", LAST)
    tables.write("ledger", entry("gift:x", 1, END_MS, creator_id="f"))
    shown = explained("--creator", "f", "--day", "2025-03-11")
    heads = [line for line in shown if " to f, " in line]
    assert [head.split(", ")[1] for head in heads] == ["creator_fund", "creator_rewards", "gift"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nope",), "no such entry: nope"),
        (("it's \\ % {entry:String} größe",), "no such entry: it's \\ % {entry:String} größe"),
        (("--creator", "nobody", "--day", "2025-03-10"), "no such entry: nobody on 2025-03-10"),
        ((), "explain needs an ENTRY_ID, or --creator and --day"),
        (("--creator", "c"), "explain needs an ENTRY_ID, or --creator and --day"),
        (("x", "--day", "2025-03-10"), "explain needs an ENTRY_ID, or --creator and --day"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(
    engage: Engage, capsys: Capture, words: tuple[str, ...], message: str
) -> None:
    assert engage("explain", *words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == f"error: {message}\n"


# --- quotes


def quoted(engage: Engage, capsys: Capture, creator_id: str) -> list[str]:
    assert engage("quote", creator_id) == 0
    return [line.strip() for line in capsys.readouterr().out.splitlines()]


def test_a_quote_of_a_creator_with_followers(
    engage: Engage, tables: Tables, capsys: Capture
) -> None:
    tables.write("video_totals", published("q", ODD_ID, views=2_000, likes=150, favorites=9))
    tables.write("follow_actions", *(follow(ODD_ID, f"u{n}", START_MS) for n in range(10)))
    shown = quoted(engage, capsys, ODD_ID)
    assert "followers: 10 followers (tier nano)" in shown
    assert "engagement rate by followers: 1500.0000 %" in shown
    assert "median views: 2,000 views" in shown


def test_a_quote_of_a_creator_without_followers(
    engage: Engage, tables: Tables, capsys: Capture
) -> None:
    tables.write("video_totals", published("q", "alone", views=0))
    shown = quoted(engage, capsys, "alone")
    assert "followers: 0 followers (tier nano)" in shown
    assert not any(line.startswith("engagement rate by followers") for line in shown)


def test_a_creator_without_posts_is_not_quoted(engage: Engage, capsys: Capture) -> None:
    assert engage("quote", "nobody") == 2
    assert capsys.readouterr().err == (
        "error: nobody has published nothing that is in these results\n"
    )
