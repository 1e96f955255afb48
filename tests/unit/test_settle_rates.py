"""What `engage settle` does when rates change: nothing, until it is asked to with --restate."""

from __future__ import annotations

from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from sinks.embedded import EmbeddedClickHouse
from tests.unit.clickhouse_rows import Tables, rows
from tests.unit.settlement_world import (
    EARNED,
    LAST,
    USD,
    Engage,
    changed_rates,
    engage_on,
    entries,
    sums,
    write_world,
    written,
)

Capture = pytest.CaptureFixture[str]
ALL = ("settle", "--through", LAST)
REWARDS = 'version = "rewards-2"'
DOUBLE = (
    (REWARDS, 'version = "rewards-3"'),
    ("rpm_micros_per_1000 = 2_000_000", "rpm_micros_per_1000 = 4_000_000"),
)
# The row that is in the file stays there, but ends; a new one says something else about the day.
FUND = 'version = "fund-1"\nregion = "*"\nvalid_from = 2020-01-01T00:00:00Z'
STRICTER_FUND = (
    (FUND, FUND.replace("fund-1", "fund-9")),
    ("followers_min = 10", "followers_min = 11"),
)


@pytest.fixture
def engage(
    clickhouse: EmbeddedClickHouse,
    migrated: str,
    tables: Tables,
    monkeypatch: pytest.MonkeyPatch,
) -> Engage:
    """`engage`, on the small world, settled."""
    monkeypatch.setenv("ENGAGE_DATABASE", migrated)
    write_world(tables)
    run = engage_on(clickhouse.url)
    assert run(*ALL) == 0
    return run


def test_a_higher_rate_is_held_then_restated(
    engage: Engage, client: Client, capsys: Capture, tmp_path: Path
) -> None:
    rates = changed_rates(tmp_path, *DOUBLE)
    before = written(client)
    capsys.readouterr()
    assert engage(*ALL, rates=rates) == 0
    assert capsys.readouterr().out.splitlines() == [
        "nothing is missing",
        "4 amounts were booked at another rate and stay (--restate)",
    ]
    assert written(client)[:2] == before[:2]
    assert engage(*ALL, "--restate", rates=rates) == 0
    reason = "restated: rate rewards-3 instead of rewards-2"
    found = entries(client, "creator_rewards")
    assert ("adjustment", "f", 2 * USD, reason) in found
    assert sum(row[2] for row in found) == 2 * (1_002_000 + 2 * USD)
    assert engage(*ALL, "--restate", rates=rates) == 0
    assert entries(client, "creator_rewards") == found


def test_a_preview_writes_nothing(
    engage: Engage, client: Client, capsys: Capture, tmp_path: Path
) -> None:
    rates = changed_rates(tmp_path, *DOUBLE)
    before = written(client)
    capsys.readouterr()
    assert engage(*ALL, "--preview", rates=rates) == 0
    shown = capsys.readouterr().out
    assert "booked at another rate, left alone without --restate:" in shown
    assert "creator_rewards:w:2025-03-11 f 4.000000 USD by rate rewards-3" in shown
    assert engage(*ALL, "--preview", "--restate", rates=rates) == 0
    assert "creator_rewards: 4 adjustment entries to book" in capsys.readouterr().out
    assert written(client) == before


@pytest.mark.parametrize(
    "changes",
    [
        STRICTER_FUND,
        (
            (REWARDS, 'version = "rewards-3"'),
            ("threshold_views = 1_000", "threshold_views = 9_000"),
        ),
        (
            ('version = "affiliate-1"', 'version = "affiliate-9"'),
            ("click_window_ms", "# click_window_ms"),
        ),
    ],
    ids=["who takes part", "from where on it pays", "who is credited"],
)
def test_a_rate_by_which_nothing_is_due_takes_nothing_back(
    engage: Engage,
    client: Client,
    capsys: Capture,
    tmp_path: Path,
    changes: tuple[tuple[str, str], ...],
) -> None:
    if "click_window_ms" in changes[1][0]:
        changes = (changes[0], ("\nclick_window_ms = 604_800_000", "\nclick_window_ms = 1"))
    rates = changed_rates(tmp_path, *changes)
    before = written(client)
    capsys.readouterr()
    assert engage(*ALL, rates=rates) == 0
    assert "nothing is missing" in capsys.readouterr().out
    assert written(client)[:2] == before[:2]
    assert engage(*ALL, "--restate", rates=rates) == 0
    assert sums(client) != EARNED


def test_a_commission_that_is_held_costs_the_seller_no_more(
    engage: Engage, client: Client, tmp_path: Path
) -> None:
    rates = changed_rates(
        tmp_path,
        ('version = "affiliate-1"', 'version = "affiliate-9"'),
        ("commission_bps = 1_000\ncut_lock_days", "commission_bps = 2_000\ncut_lock_days"),
    )
    assert engage(*ALL, rates=rates) == 0
    assert sums(client) == EARNED
    assert engage(*ALL, "--restate", rates=rates) == 0
    found = sums(client)
    assert found["affiliate", "c"] == 2 * USD
    assert found["sale", "g"] == EARNED["sale", "g"] - USD


def test_the_same_figures_under_another_name_are_not_held(
    engage: Engage, capsys: Capture, tmp_path: Path
) -> None:
    rates = changed_rates(tmp_path, (REWARDS, 'version = "rewards-3"'))
    capsys.readouterr()
    assert engage(*ALL, rates=rates) == 0
    assert capsys.readouterr().out == "nothing is missing\n"


def test_pay_days_of_another_time_zone_are_the_same_accounts(
    engage: Engage, client: Client, tmp_path: Path
) -> None:
    zone = ('gift_preset = "A"', 'gift_preset = "A"\npay_day_time_zone = "Asia/Shanghai"')
    assert engage("settle", "--through", "2025-03-23", rates=changed_rates(tmp_path, zone)) == 0
    found = rows(
        client, "SELECT sum(amount_micros) FROM ledger FINAL WHERE source = 'creator_fund'"
    )
    assert found == [(2 * USD,)], "a pool is paid once a day"
