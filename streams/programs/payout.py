"""Payouts: what leaves a balance on a pay day.

Payable is the balance less the positive entries that are younger than the hold; negative entries
count at once. Nothing is paid below the minimum, nothing beyond the daily cap: what is left stays
in the balance. A negative balance is carried forward. Money that is out is never called back: on a
day that was paid already, the target is at least what was paid.

The line of a payout is negative. Its entries follow from `streams/settlement.py` like all others, but
are decided one payout after the other (scripts/settlement/payments.py): two that see different
balances must not both be booked.
"""

from collections.abc import Iterable

from schemas.entries import entry_id
from schemas.errors import SettlementError
from schemas.rate_rows import PayoutTerms
from schemas.rates import Rates
from streams.programs.days import DAY_MS, PayDay
from streams.programs.facts import Balance, LedgerAmount
from streams.programs.lines import Line, Result, Step, check_currency, collect, missing_rate

SOURCE = "payout"


def payout_lines(day: PayDay, balances: Iterable[Balance], rates: Rates) -> Result:
    """Return one line for each balance that is paid from on the day; terms are those of its start.

    Give it every balance with a payout on the day: one that is left out would be taken for a payout
    that nothing supports.
    """

    def lines_of(balance: Balance) -> list[Line]:
        key = entry_id(SOURCE, balance.creator_id, balance.currency, day.name)
        check_currency(balance.currency, key)
        if balance.held_micros < 0 or balance.paid_today_micros < 0:
            raise SettlementError(key, "negative_amount", "held or paid money is below 0")
        terms = rates.payout(day.start_ms, balance.currency)
        if terms is None:
            raise missing_rate(key, f"payout row of {balance.currency}")
        amount = payable_micros(balance, terms)
        return [_line(key, day, balance, terms, amount)] if amount else []

    return collect(balances, lines_of)


def balances_of(entries: Iterable[LedgerAmount], day: PayDay, rates: Rates) -> list[Balance]:
    """Return the balances as of a pay day's start, from what is booked.

    Money dated on the day or later is not there yet; what is taken back counts at once, whenever it
    is dated. Without terms nothing is held, and `payout_lines` refuses the balance.
    """
    balances: dict[tuple[str, str], Balance] = {}
    for entry in entries:
        owner = (entry.creator_id, entry.currency)
        before = balances.get(owner, Balance(*owner, balance_micros=0))
        balances[owner] = _with(before, entry, day, rates)
    return [balances[owner] for owner in sorted(balances)]


def _with(balance: Balance, entry: LedgerAmount, day: PayDay, rates: Rates) -> Balance:
    amount, at_ms = entry.amount_micros, entry.occurred_at_ms
    if entry.source == SOURCE and at_ms == day.start_ms:
        return balance._replace(paid_today_micros=balance.paid_today_micros - amount)
    if amount > 0 and at_ms >= day.start_ms:
        return balance
    terms = rates.payout(day.start_ms, entry.currency)
    hold_ms = terms.hold_days * DAY_MS if terms else 0
    is_held = amount > 0 and at_ms + hold_ms > day.start_ms
    return balance._replace(
        balance_micros=balance.balance_micros + amount,
        held_micros=balance.held_micros + (amount if is_held else 0),
    )


def payable_micros(balance: Balance, terms: PayoutTerms) -> int:
    """Return what is paid from a balance on the day in all, as a positive amount."""
    free = balance.balance_micros - balance.held_micros
    target = min(free, terms.daily_cap_micros) if free >= terms.minimum_micros else 0
    return max(target, balance.paid_today_micros)


def _line(key: str, day: PayDay, balance: Balance, terms: PayoutTerms, amount: int) -> Line:
    currency = balance.currency
    return Line(
        key=key,
        occurred_at_ms=day.start_ms,
        creator_id=balance.creator_id,
        source=SOURCE,
        amount_micros=-amount,
        currency=currency,
        reference=f"day:{day.name}",
        rate_version=terms.version,
        explanation=(
            Step("balance", balance.balance_micros, currency),
            Step("held", -balance.held_micros, currency, f"younger than {terms.hold_days} days"),
            Step("at least", terms.minimum_micros, currency),
            Step("at most in a day", terms.daily_cap_micros, currency),
            Step("paid out", -amount, currency),
            Step("stays", balance.balance_micros - amount, currency),
        ),
    )
