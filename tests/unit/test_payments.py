"""Payouts decided one after the other, on a real ClickHouse: whoever runs at once, or dies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date
from random import Random

import pytest
from clickhouse_connect.driver.client import Client

from schemas.errors import Refused
from schemas.rates import load_rates
from scripts.payout import missing_payouts, pay
from scripts.settlement.payments import decide, decided, pay_missing, write_plan
from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse
from sinks.writer import Writer
from streams.programs.days import pay_day
from streams.settlement import SettledEntry
from tests.unit.clickhouse_rows import Tables, rows
from tests.unit.settlement_rows import entry
from tests.unit.settlement_world import RATES, USD

RULES = load_rates(RATES)  # at least 50 USD, at most 1,000 a day, held for 15 days
DAY, NEXT_DAY = (pay_day(date(2025, 3, number), UTC) for number in (25, 26))


@pytest.fixture
def writer(clickhouse: EmbeddedClickHouse, migrated: str, client: Client) -> Iterator[Writer]:
    with Writer(clickhouse.url, migrated) as opened:
        yield opened


def paid(client: Client) -> int:
    return int(rows(client, "SELECT sum(paid_micros) FROM payouts")[0][0])


def wanted(client: Client) -> list[SettledEntry]:
    return missing_payouts(client, DAY, RULES)[0]


def test_who_saw_an_older_balance_does_not_pay_it(
    client: Client, writer: Writer, tables: Tables
) -> None:
    tables.write("ledger", entry("1", 60 * USD, 5))
    slow = wanted(client)  # 60 USD, and then it is paused
    tables.write("ledger", entry("2", 40 * USD, 6))
    assert [e.amount_micros for e in pay(client, writer, DAY, RULES)[0]] == [-100 * USD]
    assert not decide(client, 0, write_plan(writer, slow))
    assert pay(client, writer, DAY, RULES)[0] == []
    assert paid(client) == 100 * USD


def test_two_days_that_are_paid_at_once_share_one_balance(
    client: Client, writer: Writer, tables: Tables
) -> None:
    tables.write("ledger", entry("1", 60 * USD, 5))
    slow = missing_payouts(client, NEXT_DAY, RULES)[0]
    pay(client, writer, DAY, RULES)
    assert not decide(client, 0, write_plan(writer, slow))
    assert pay(client, writer, NEXT_DAY, RULES)[0] == []
    assert paid(client) == 60 * USD


def test_two_that_saw_the_same_pay_it_once(client: Client, writer: Writer, tables: Tables) -> None:
    tables.write("ledger", entry("1", 60 * USD, 5))
    both = [write_plan(writer, wanted(client)) for _ in range(2)]
    assert [decide(client, 0, plan) for plan in both] == [True, True]
    assert pay(client, writer, DAY, RULES)[0] == []
    assert paid(client) == 60 * USD


def test_what_was_decided_is_finished_by_the_next(
    client: Client, writer: Writer, tables: Tables
) -> None:
    """Killed after the decision: it stands, although the balance has become less meanwhile."""
    tables.write("ledger", entry("1", 60 * USD, 5))
    entries = wanted(client)
    assert decide(client, 0, write_plan(writer, entries))
    tables.write("ledger", entry("2", -20 * USD, 6, state="adjustment"))
    assert paid(client) == 0
    assert pay(client, writer, DAY, RULES)[0] == []
    assert paid(client) == 60 * USD
    (text,) = rows(client, "SELECT text FROM explanations FINAL")
    assert "paid out" in text[0]


def test_what_was_not_decided_was_never_paid(
    client: Client, writer: Writer, tables: Tables
) -> None:
    tables.write("ledger", entry("1", 60 * USD, 5))
    write_plan(writer, wanted(client))  # and killed
    tables.write("ledger", entry("2", -5 * USD, 6, state="adjustment"))
    pay(client, writer, DAY, RULES)
    assert paid(client) == 55 * USD


def test_many_at_once_pay_what_there_is(
    clickhouse: EmbeddedClickHouse, migrated: str, client: Client, tables: Tables, rng: Random
) -> None:
    """Money comes while they run: nobody is paid more than the balance, in the end all of it."""
    tables.write("ledger", *(entry(f"a{n}", 60 * USD, 5, creator_id=f"c{n}") for n in range(5)))
    more = [entry(f"b{n}", rng.randrange(1, 90) * USD, 6, creator_id=f"c{n}") for n in range(5)]

    def one(number: int) -> None:
        with (
            closing(connect(clickhouse.url, migrated)) as own,
            Writer(clickhouse.url, migrated) as writer,
        ):
            if number == 2:
                Tables(writer).write("ledger", *more)
            pay(own, writer, DAY if number % 2 else NEXT_DAY, RULES)

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(one, range(5)))
    one(1)
    one(0)
    left = rows(client, "SELECT amount_micros FROM balances")
    assert all(0 <= amount < 50 * USD for (amount,) in left)
    earned = 5 * 60 * USD + sum(row["amount_micros"] for row in more)
    assert paid(client) == earned - sum(amount for (amount,) in left)


def test_money_that_comes_meanwhile_is_paid_by_the_same_run(
    client: Client, writer: Writer, tables: Tables
) -> None:
    tables.write("ledger", entry("1", 60 * USD, 5))
    came: list[Callable[[], None]] = [
        lambda: None,
        lambda: tables.write("ledger", entry("2", 7 * USD, 5)),
    ]

    def missing() -> list[SettledEntry]:
        if came:
            came.pop(0)()
        return wanted(client)

    done = pay_missing(client, writer, missing)
    assert [e.amount_micros for e in done] == [-60 * USD, -7 * USD]
    assert decided(client) == 2


def test_a_plan_that_is_lost_is_refused(client: Client, writer: Writer, tables: Tables) -> None:
    tables.write("ledger", entry("1", 60 * USD, 5))
    pay(client, writer, DAY, RULES)
    client.command("TRUNCATE TABLE payout_plans")
    with pytest.raises(Refused, match="payout 0 is lost: restore the table payout_plans"):
        pay(client, writer, DAY, RULES)
