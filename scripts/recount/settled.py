"""What settlement booked against what the log's facts say it should have, account by account.

An account booked at another rate than the one in use is only noted, with all others of its key: a
change of rates does not rewrite the past unless somebody asks for it. (A commission's rate may also
be another because of facts: then the rates that might have applied, its card, are the same, and it
is a difference.) Noted is also one that nobody can compute: it keeps what it has.
A commission that stays as it is booked costs the seller of the order what is booked.
Payouts are taken as they are, within the cap of a day.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from scripts.recount.compare import ViewReport
from scripts.recount.gifts import Entry
from scripts.recount.ledger import Booked
from scripts.recount.model import DAY_MS, Rules
from scripts.recount.programs.targets import Account, Targets

ACCOUNTS, PAYOUTS = "settled accounts", "bounds of payouts"
AMOUNT = "amount_micros"
AGAIN = "data that came after the settlement needs `engage settle` again"
OTHER_RATE = "booked at another rate"
UNKNOWN = "cannot be computed, so it keeps what it was booked"


@dataclass(frozen=True, slots=True)
class Settled:
    """What ClickHouse says that the log does not: which days are settled, how far bursts are found."""

    days: frozenset[tuple[str, int]] = frozenset()  # source, start of the date in UTC, ms
    bursts_through_ms: int = 0

    def holds(self, entry: Entry) -> bool:
        """Tell whether an estimate's day is settled, so that it is no longer shown."""
        return (entry.source, entry.occurred_at_ms // DAY_MS * DAY_MS) in self.days


def compare_accounts(
    booked: Mapping[Account, Booked],
    targets: Targets,
    rules: Rules,
    cards: Mapping[str, str] | None = None,
) -> ViewReport:
    """Compare the sum of the entries of every account with its target; cards are by entry id."""
    report = ViewReport(ACCOUNTS, rows=len(booked), hint=AGAIN)
    stay = {
        account: why
        for account, has in booked.items()
        if (why := _stays(account, has, targets, rules, (cards or {}).get(has.last[1], "")))
    }
    old = {a.key for a, why in stay.items() if why == OTHER_RATE and booked[a].amount_micros}
    stay |= {
        account: OTHER_RATE
        for account in booked.keys() | targets.accounts.keys()
        if account.key in old and account not in stay
    }
    costs = _costs_of_sellers(stay, booked, targets)
    for account in booked.keys() | targets.accounts.keys():
        has, target = booked.get(account), targets.accounts.get(account)
        wanted_micros = target.amount_micros if target else 0
        found_micros = has.amount_micros if has else 0
        if target and account.key.startswith("sale:"):
            wanted_micros -= costs.get(account.key.removeprefix("sale:"), 0)
        report.cells += 1
        if stay.get(account) == UNKNOWN:
            report.note(UNKNOWN, account, AMOUNT, "nobody knows", found_micros)
        elif account in stay:
            wanted = f"{wanted_micros} at {target.rate_version if target else 'none'}"
            found = f"{found_micros} at {has.rate_version if has else 'none'}"
            report.note(OTHER_RATE, account, AMOUNT, wanted, found)
        elif wanted_micros != found_micros:
            report.differ(account, AMOUNT, wanted_micros, found_micros)
    report.differences.sort(key=lambda difference: difference.key)
    return report


def _stays(account: Account, has: Booked, targets: Targets, rules: Rules, card: str) -> str:
    """Return why an account keeps what it has, if it does."""
    target = targets.accounts.get(account)
    if targets.is_unknown(account):
        return UNKNOWN
    if card and account.key in targets.cards:
        return "" if card == targets.cards[account.key] else OTHER_RATE
    version = target.rate_version if target else _rate_now(account, has, rules)
    return "" if version == has.rate_version else OTHER_RATE


def _rate_now(account: Account, has: Booked, rules: Rules) -> str:
    """Return the rate that something without a target would have; of the orders' any in the file."""
    rates, source = rules.rates, account.key.partition(":")[0]
    if source in ("creator_fund", "creator_rewards"):
        look_up = rates.fund if source == "creator_fund" else rates.rewards
        row = look_up(has.occurred_at_ms, rules.region)
        return row.version if row else ""
    return has.rate_version if source == "brand_deal" or rates.has(has.rate_version) else ""


def _costs_of_sellers(
    stay: Mapping[Account, str], booked: Mapping[Account, Booked], targets: Targets
) -> dict[str, int]:
    """Return by order what its seller pays beyond the targets, for commissions that stay as booked."""
    costs: dict[str, int] = {}
    for account in stay:
        source, _, order = account.key.partition(":")
        if source == "affiliate":
            target = targets.accounts.get(account)
            has = booked.get(account)
            more = (has.amount_micros if has else 0) - (target.amount_micros if target else 0)
            costs[order] = costs.get(order, 0) + more
    return costs


def check_payouts(payouts: Mapping[Account, Booked], rules: Rules) -> ViewReport:
    """Hold what was paid to a creator on a day against the cap of that day's terms."""
    report = ViewReport(PAYOUTS, rows=len(payouts))
    for account, paid in sorted(payouts.items(), key=lambda item: item[0]):
        report.cells += 1
        terms = rules.rates.payout(paid.occurred_at_ms, account.currency)
        if terms is None:
            wanted = f"nothing: there are no terms for {account.currency}"
            report.differ(account, AMOUNT, wanted, paid.amount_micros)
        elif -paid.amount_micros > terms.daily_cap_micros:
            wanted = f"at most {terms.daily_cap_micros} in a day, as a negative amount"
            report.differ(account, AMOUNT, wanted, paid.amount_micros)
    return report
