"""Every program settled by a stack and audited: agreement, data that comes late, agreement again."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from scripts.cli import dispatch, guarded
from scripts.records import address
from scripts.replay import replay
from scripts.settle import settle_closed_days
from scripts.stack import Stack
from streams.config import Settings
from tests.oracle.events import DAY_MS, HOUR_MS, T0_MS, event, line_of
from tests.oracle.logs import Event

RATES = str(Path(__file__).parent.parent / "worked" / "rates.toml")
USD = 1_000_000
OLD_MS = T0_MS - 90 * DAY_MS


def money_log() -> list[Event]:
    """Something for every program; one order is frozen and pays nobody.

    The order of p is credited to a view of x, which only the click of somebody else tells to be of
    the same shop.
    """
    shared = [{"creator_id": "k", "share_bps": 3_333}]
    milestones = [{"views": goal, "share_bps": 3_333} for goal in (50, 1_002, 9_999)]
    bought = {"user_id": "u1", "product_id": "p", "seller_id": "s", "paid_micros": 10 * USD + 5}
    return [
        event("video_published", product_ids=["x"], collaborators=shared),
        event("deal_signed", fee_micros=100, milestones=milestones),
        event("affiliate_click", user_id="z", product_id="x"),
        event("live_started", creator_id="s"),
        *(event("follow", user_id=f"u{n}") for n in range(10)),
        *(event("view", user_id=f"u{n}", at=HOUR_MS) for n in range(1_002)),
        event("view", user_id="u1", feed="search", at=HOUR_MS + 1),
        event("order_placed", at=2 * HOUR_MS, **bought),
        event("order_settled", at=DAY_MS, **bought),
        event("order_refunded", at=DAY_MS + 1, refund_micros=USD, **bought),
        event("order_placed", at=2 * HOUR_MS + 1, order_id="held", **bought),
        event("order_settled", at=DAY_MS, order_id="held", **bought),
        event("order_frozen", at=DAY_MS + 1, order_id="held", **bought),
        event("creator_registered", user_id="c", birth_date="1990-01-01", registered_at_ms=OLD_MS),
        event("like", at=9 * DAY_MS),
        event("live_joined", at=9 * DAY_MS),
        event("affiliate_click", user_id="z", at=9 * DAY_MS),
        event("affiliate_click", user_id="u1", at=9 * DAY_MS),
    ]


@pytest.fixture
def settings() -> Settings:
    return Settings().with_(rates=RATES)


def send(stack: Stack, events: list[Event]) -> None:
    records = map(address, map(line_of, events))
    asyncio.run(replay(records, stack.settings.kafka, idempotent=False))


@pytest.mark.stack
@pytest.mark.slow
def test_what_is_settled_agrees_until_data_comes_late(
    tmp_path: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    def audit() -> tuple[int, dict[str, Any]]:
        arguments = ["audit", "--json", "--data", str(tmp_path), "--rates", RATES]
        code = guarded(lambda: dispatch(arguments))
        return code, json.loads(capsys.readouterr().out)

    with Stack(tmp_path, settings) as stack:
        send(stack, money_log())
        assert audit()[0] == 0
        settle_closed_days(stack.client, stack.settings)
        booked = "SELECT source, creator_id, sum(amount_micros) FROM ledger FINAL GROUP BY ALL"
        assert sorted(stack.query(booked)) == [
            ("affiliate", "c", 600_030),  # 10 % of 9.000005 USD, of which k has a third
            ("affiliate", "k", 299_970),
            ("brand_deal", "c", 45),  # 34 + 33 of 100: the remainder goes to the text "1002"
            ("brand_deal", "k", 22),
            ("creator_fund", "c", 666_700),
            ("creator_fund", "k", 333_300),
            ("creator_rewards", "c", 1_333),
            ("creator_rewards", "k", 667),
            ("sale", "s", 7_290_005),
        ]
        code, report = audit()
        assert (code, report["differences"]) == (0, [])
        send(stack, [event("view", user_id="late", at=9 * DAY_MS - HOUR_MS)])
        code, report = audit()
        assert code == 1
        keys = [tuple(cell["key"]) for cell in report["differences"]]
        assert ("creator_fund:v:2024-03-09", "c", "USD") in keys
        assert {cell["view"] for cell in report["differences"]} == {"settled accounts"}
        assert "engage settle" in report["hints"]["settled accounts"]
        settle_closed_days(stack.client, stack.settings)
        code, report = audit()
        assert (code, report["differences"]) == (0, [])
