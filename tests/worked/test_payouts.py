"""Payouts by hand: at least 50 USD, at most 1,000 a day, earnings are held for 15 days."""

import pytest

from streams.programs.days import PayDay
from streams.programs.facts import Balance, LedgerAmount
from streams.programs.lines import Result
from streams.programs.payout import balances_of, payout_lines
from tests.worked.ledger import Ledger
from tests.worked.world import RATES, USD, amounts, at, reasons

DAY = PayDay("2024-03-01", at("2024-03-01"), at("2024-03-02"))


def paid(*balances: Balance, day: PayDay = DAY) -> Result:
    return payout_lines(day, balances, RATES)


@pytest.mark.parametrize(
    ("balance", "expected"),
    [
        pytest.param(Balance("c", "USD", 60 * USD), -60 * USD, id="all of it"),
        pytest.param(Balance("c", "USD", 50 * USD), -50 * USD, id="exactly the minimum"),
        pytest.param(Balance("c", "USD", 50 * USD - 1), 0, id="a micro-dollar short"),
        pytest.param(Balance("c", "USD", 0), 0, id="nothing there"),
        pytest.param(Balance("c", "USD", -60 * USD), 0, id="a negative balance is carried on"),
        pytest.param(Balance("c", "USD", 60 * USD, held_micros=10 * USD), -50 * USD, id="held"),
        pytest.param(
            Balance("c", "USD", 60 * USD, held_micros=11 * USD), 0, id="too little is free"
        ),
        pytest.param(
            Balance("c", "USD", 30 * USD, held_micros=80 * USD), 0, id="only held money is left"
        ),
        pytest.param(Balance("c", "USD", 1_500 * USD), -1_000 * USD, id="the daily cap"),
        pytest.param(
            Balance("c", "USD", 60 * USD, paid_today_micros=60 * USD), -60 * USD, id="paid already"
        ),
        pytest.param(
            Balance("c", "USD", 20 * USD, paid_today_micros=60 * USD),
            -60 * USD,
            id="money that is out is not called back",
        ),
        pytest.param(
            Balance("c", "USD", 90 * USD, paid_today_micros=60 * USD),
            -90 * USD,
            id="more has come in since",
        ),
    ],
)
def test_what_is_paid_from_a_balance(balance: Balance, expected: int) -> None:
    assert sum(amounts(paid(balance).lines).values()) == expected


def test_paying_twice_on_a_day_pays_once() -> None:
    ledger = Ledger()
    assert ledger.settle(paid(Balance("c", "USD", 60 * USD)).lines) == [
        ("c", "final", -60 * USD, "")
    ]
    again = paid(Balance("c", "USD", 60 * USD, paid_today_micros=60 * USD))
    assert ledger.settle(again.lines) == []


def test_what_the_cap_left_is_paid_the_next_day() -> None:
    ledger = Ledger()
    ledger.settle(paid(Balance("c", "USD", 1_500 * USD)).lines, source="payout")
    next_day = PayDay("2024-03-02", at("2024-03-02"), at("2024-03-03"))
    lines = paid(Balance("c", "USD", 500 * USD), day=next_day).lines
    # of this day nothing is booked yet: each pay day is settled for itself
    assert [(one.key, one.amount_micros) for one in lines] == [
        ("payout:c:USD:2024-03-02", -500 * USD)
    ]


def test_currencies_are_paid_apart_and_one_without_terms_is_refused() -> None:
    result = paid(Balance("c", "USD", 60 * USD), Balance("c", "EUR", 60 * USD))
    assert [line.currency for line in result.lines] == ["USD"]
    assert reasons(result.refusals) == [("payout:c:EUR:2024-03-01", "missing_rate")]


def test_an_unknown_currency_is_refused() -> None:
    result = paid(Balance("c", "BTC", 60 * USD))
    assert reasons(result.refusals) == [("payout:c:BTC:2024-03-01", "unknown_currency")]


def test_an_invalidation_after_the_payout_makes_the_balance_negative_and_it_is_earned_back() -> (
    None
):
    earned, paid_out, taken_back, earned_again = 60 * USD, -60 * USD, -60 * USD, 100 * USD
    balance = earned + paid_out + taken_back
    assert balance == -60 * USD
    assert paid(Balance("c", "USD", balance)).lines == []
    assert paid(Balance("c", "USD", balance + earned_again)).lines == []  # 40 USD: too little
    more = paid(Balance("c", "USD", balance + earned_again + 10 * USD))
    assert amounts(more.lines) == {"c": -50 * USD}


def booked(when: str, dollars: int, source: str = "gift") -> LedgerAmount:
    return LedgerAmount("c", "USD", source, at(when), dollars * USD)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param([booked("2024-02-01", 60)], Balance("c", "USD", 60 * USD), id="old enough"),
        pytest.param(
            [booked("2024-02-15", 60)],
            Balance("c", "USD", 60 * USD),
            id="15 days old to the moment",
        ),
        pytest.param(
            [booked("2024-02-15 00:00:00.001", 60)],
            Balance("c", "USD", 60 * USD, held_micros=60 * USD),
            id="a moment younger is held",
        ),
        pytest.param(
            [booked("2024-02-01", 60), booked("2024-02-28", -20)],
            Balance("c", "USD", 40 * USD),
            id="what is taken back is never held",
        ),
        pytest.param(
            [booked("2024-02-01", 60), booked("2024-03-01", 5), booked("2024-03-01", -7)],
            Balance("c", "USD", 53 * USD),
            id="of the day itself only what is taken back",
        ),
        pytest.param(
            [booked("2024-02-01", 60), booked("2024-02-20", -50, "payout")],
            Balance("c", "USD", 10 * USD),
            id="an earlier payout",
        ),
        pytest.param(
            [booked("2024-02-01", 60), booked("2024-03-01", -60, "payout")],
            Balance("c", "USD", 60 * USD, paid_today_micros=60 * USD),
            id="this day's payout is told apart",
        ),
        pytest.param(
            [booked("2024-02-01", 60), booked("2024-02-01", -90)],
            Balance("c", "USD", -30 * USD),
            id="a negative balance",
        ),
    ],
)
def test_a_balance_is_the_sum_of_what_is_booked(
    entries: list[LedgerAmount], expected: Balance
) -> None:
    assert balances_of(entries, DAY, RATES) == [expected]
    assert balances_of(entries[::-1], DAY, RATES) == [expected]
