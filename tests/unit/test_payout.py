"""`engage payout` on a real ClickHouse: what is paid, once, and exported as the ledger has it."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet
import pytest
from clickhouse_connect.driver.client import Client

from schemas.rates import load_rates
from scripts.settlement.facts import Facts
from sinks.embedded import EmbeddedClickHouse
from streams.programs.days import pay_day
from streams.programs.facts import LedgerAmount
from streams.programs.payout import SOURCE, balances_of
from tests.unit.clickhouse_rows import Tables, rows
from tests.unit.settlement_rows import ODD_ID, START_MS, entry
from tests.unit.settlement_world import (
    RATES,
    USD,
    Engage,
    changed_rates,
    engage_on,
    partition,
    written,
)
from tests.worked.world import DAY_MS

# The rates: at least 50 USD, at most 1,000 a day, held for 15 days.
PAY_DAY = "2025-03-25"
PAY_MS = START_MS + 15 * DAY_MS
HELD_MS = PAY_MS - 15 * DAY_MS + 1  # the oldest that is held
Capture = pytest.CaptureFixture[str]
Payouts = list[tuple[str, str, int]]


@pytest.fixture
def engage(
    clickhouse: EmbeddedClickHouse,
    migrated: str,
    tables: Tables,
    monkeypatch: pytest.MonkeyPatch,
) -> Engage:
    """`engage`, on a ledger where all days up to 2025-03-25 are over."""
    monkeypatch.setenv("ENGAGE_DATABASE", migrated)
    tables.write("partitions", partition(PAY_MS + DAY_MS))
    return engage_on(clickhouse.url)


def paid(client: Client, day: str = PAY_DAY) -> Payouts:
    query = "SELECT creator_id, currency, paid_micros FROM payouts WHERE day = '{}' ORDER BY ALL"
    return [(name, currency, n) for name, currency, n in rows(client, query.format(day))]


def test_the_minimum_the_cap_the_hold_and_what_is_negative(
    engage: Engage, client: Client, tables: Tables, capsys: Capture
) -> None:
    old = HELD_MS - 1
    tables.write(
        "ledger",
        entry("1", 50 * USD, old, creator_id="at-minimum"),
        entry("2", 50 * USD - 1, old, creator_id="below"),
        entry("3", 1_000 * USD + 7, old, creator_id="above-cap"),
        entry("4", 60 * USD, old, creator_id="held"),
        entry("5", 99 * USD, HELD_MS, creator_id="held"),
        entry("6", 70 * USD, HELD_MS, creator_id="all-held"),
        entry("7", 90 * USD, old, creator_id="taken-back"),
        entry("8", -30 * USD, PAY_MS + 5, creator_id="taken-back", state="adjustment"),
        entry("9", -5 * USD, old, creator_id="negative", state="adjustment"),
        entry("10", 80 * USD, PAY_MS, creator_id="tomorrow"),
        entry("11", 55 * USD, old, creator_id=ODD_ID),
        entry("12", 55 * USD, old, creator_id="estimated", state="estimated"),
    )
    assert engage("payout", "--day", PAY_DAY) == 0
    assert capsys.readouterr().out == "5 payouts booked\n"
    assert sorted(paid(client)) == [
        ("above-cap", "USD", 1_000 * USD),
        ("at-minimum", "USD", 50 * USD),
        (ODD_ID, "USD", 55 * USD),
        ("held", "USD", 60 * USD),
        ("taken-back", "USD", 60 * USD),
    ]
    balances = {name: n for name, _, n in rows(client, "SELECT * FROM balances")}
    assert balances == {
        "at-minimum": 0,
        "below": 50 * USD - 1,
        "above-cap": 7,
        "held": 99 * USD,
        "all-held": 70 * USD,
        "taken-back": 0,
        "negative": -5 * USD,
        "tomorrow": 80 * USD,
        ODD_ID: 0,
    }
    assert rows(client, "SELECT * FROM earnings_ledger WHERE source = 'payout'") == []


def test_twice_is_once_and_the_rest_is_paid_the_day_after(
    engage: Engage, client: Client, tables: Tables, capsys: Capture
) -> None:
    tables.write("ledger", entry("1", 1_070 * USD, 5))
    assert engage("payout", "--day", PAY_DAY) == 0
    before = written(client)
    capsys.readouterr()
    assert engage("payout", "--day", PAY_DAY) == 0
    assert capsys.readouterr().out == "0 payouts booked\n"
    assert written(client) == before
    assert engage("payout", "--day", "2025-03-26") == 0
    assert paid(client, "2025-03-26") == [("c", "USD", 70 * USD)]


def test_what_comes_to_the_balance_later_on_the_day_is_paid_as_well(
    engage: Engage, client: Client, tables: Tables
) -> None:
    tables.write("ledger", entry("1", 60 * USD, 5))
    engage("payout", "--day", PAY_DAY)
    tables.write("ledger", entry("2", 7 * USD, 6))
    engage("payout", "--day", PAY_DAY)
    assert paid(client) == [("c", "USD", 67 * USD)]
    tables.write("ledger", entry("3", -40 * USD, 7, state="adjustment"))
    engage("payout", "--day", PAY_DAY)
    assert paid(client) == [("c", "USD", 67 * USD)], "money that is out is not called back"
    assert rows(client, "SELECT amount_micros FROM balances") == [(-40 * USD,)]
    tables.write("ledger", entry("4", 89 * USD, 8))
    engage("payout", "--day", "2025-03-26")
    assert paid(client, "2025-03-26") == [], "what is owed is carried forward: 49 are below 50"


def test_exports_are_what_the_ledger_holds(
    engage: Engage, client: Client, tables: Tables, tmp_path: Path
) -> None:
    tables.write("ledger", entry("1", 60 * USD, 5, creator_id='a,"b"'), entry("2", 70 * USD, 5))
    csv, parquet = tmp_path / "list.csv", tmp_path / "list.parquet"
    names = ("entry_id", "creator_id", "currency", "paid_micros", "occurred_at", "rate_version")
    for _ in range(2):  # the second run books nothing and lists the same
        assert engage("payout", "--day", PAY_DAY, "--csv", str(csv), "--parquet", str(parquet)) == 0
        listed = pa_parquet.read_table(parquet)
        assert tuple(listed.column_names) == names
        held = rows(
            client,
            "SELECT entry_id, creator_id, currency, -amount_micros FROM ledger FINAL "
            "WHERE source = 'payout' ORDER BY creator_id",
        )
        assert [tuple(row.values())[:4] for row in listed.to_pylist()] == held
        assert [row["paid_micros"] for row in listed.to_pylist()] == [60 * USD, 70 * USD]
        from_csv = pa_csv.read_csv(csv)
        for name in names[:4]:
            assert from_csv.column(name).to_pylist() == listed.column(name).to_pylist()


def test_a_list_of_nothing_has_its_columns(engage: Engage, tmp_path: Path) -> None:
    csv, parquet = tmp_path / "list.csv", tmp_path / "list.parquet"
    assert engage("payout", "--day", PAY_DAY, "--csv", str(csv), "--parquet", str(parquet)) == 0
    assert csv.read_text().startswith('"entry_id","creator_id","currency","paid_micros"')
    assert pa_parquet.read_table(parquet).num_rows == 0


def test_a_preview_writes_nothing(
    engage: Engage, client: Client, tables: Tables, capsys: Capture
) -> None:
    tables.write("ledger", entry("1", 60 * USD, 5))
    before = written(client)
    assert engage("payout", "--day", PAY_DAY, "--preview") == 0
    shown = capsys.readouterr().out
    assert shown.startswith("would be paid: payout:c:USD:2025-03-25:0-")
    assert shown.endswith("c -60.000000 USD\n1 payouts to book\n")
    assert written(client) == before


def test_a_currency_without_terms_is_refused_and_all_else_is_paid(
    engage: Engage, client: Client, tables: Tables, capsys: Capture
) -> None:
    tables.write("ledger", entry("1", 60 * USD, 5), entry("2", 60 * USD, 5, currency="EUR"))
    assert engage("payout", "--day", PAY_DAY) == 1
    assert capsys.readouterr().err == (
        "refused: payout:c:EUR:2025-03-25: missing_rate: no payout row of EUR is valid then\n"
    )
    assert paid(client) == [("c", "USD", 60 * USD)]


def test_a_day_is_paid_when_the_one_before_is_over(
    engage: Engage, client: Client, tables: Tables, capsys: Capture
) -> None:
    tables.write("ledger", entry("1", 60 * USD, 5))
    assert engage("payout", "--day", "2025-03-27") == 2
    assert capsys.readouterr().err.startswith("error: 2025-03-26 is not over in event time")
    assert rows(client, "SELECT * FROM payouts") == []


def test_a_pay_day_of_another_zone_begins_at_its_midnight(
    engage: Engage, client: Client, tables: Tables, tmp_path: Path
) -> None:
    zone = ('gift_preset = "A"', 'gift_preset = "A"\npay_day_time_zone = "Asia/Shanghai"')
    tables.write("ledger", entry("1", 60 * USD, HELD_MS - 1), entry("2", 60 * USD, 5))
    rates = changed_rates(tmp_path, zone)
    for _ in range(2):
        assert engage("payout", "--day", PAY_DAY, rates=rates) == 0
    assert paid(client, "2025-03-24") == [("c", "USD", 60 * USD)], "8 hours earlier, in UTC"


def test_added_up_entries_make_the_same_balances(
    client: Client, tables: Tables, rng: random.Random
) -> None:
    rates = load_rates(RATES)
    day = pay_day(date(2025, 3, 25), ZoneInfo("UTC"))
    near = [0, 1, -1, DAY_MS, -DAY_MS, 1 - DAY_MS, -15 * DAY_MS, 1 - 15 * DAY_MS, -15 * DAY_MS - 1]
    made = []
    for number in range(400):
        source = rng.choice(("gift", "gift", SOURCE))
        at_ms = day.start_ms + rng.choice((*near, rng.randrange(-40 * DAY_MS, 3 * DAY_MS)))
        amount = rng.randrange(-500, 1_000) if source == "gift" else -rng.randrange(1, 90)
        who = rng.choice("abc"), rng.choice(("USD", "EUR"))
        made.append((number, LedgerAmount(*who, source, at_ms, amount)))
    tables.write(
        "ledger",
        *(
            entry(
                f"e{number}",
                one.amount_micros,
                one.occurred_at_ms,
                creator_id=one.creator_id,
                currency=one.currency,
                source=one.source,
            )
            for number, one in made
        ),
    )
    found = Facts(client).ledger_amounts(day, rates.payout_hold_days_max)
    assert balances_of(found, day, rates) == balances_of((one for _, one in made), day, rates)
