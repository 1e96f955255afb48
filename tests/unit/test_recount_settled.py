"""The audit of what settlement and payouts booked: sums by account, names, bounds, what is only noted."""

import json
from collections.abc import Iterable
from dataclasses import replace

import pytest

from scripts.recount.against import compare_all
from scripts.recount.checks import all_checks, shown
from scripts.recount.compare import Row, ViewReport, Within
from scripts.recount.expected import Expected
from scripts.recount.gifts import Entry
from scripts.recount.ledger import Ledger, ledger_of, row_of
from scripts.recount.programs.targets import Account, Target, Targets
from scripts.recount.report import as_json, as_text
from scripts.recount.settled import OTHER_RATE, UNKNOWN, Settled, check_payouts, compare_accounts
from tests.oracle.events import T0_MS, event
from tests.oracle.logs import ENGAGEMENT, count, rules

DIGEST = "0123456789abcdef"
REWARD = Entry(
    f"creator_rewards:v:2024-03-01:0-{DIGEST}",
    T0_MS,
    "c",
    "creator_rewards",
    "final",
    1_200,
    "USD",
    "video:v",
    "rewards-1",
)
PAID = replace(
    REWARD,
    entry_id=f"payout:c:USD:2024-03-01:0-{DIGEST}",
    source="payout",
    amount_micros=-1_000_000_000,
    reference="day:2024-03-01",
    rate_version="payout-1",
)
ANYWHERE = {ENGAGEMENT: Within(0, 9_999)}
KEY = Account("creator_rewards:v:2024-03-01", "c", "USD")


def numbered(entry: Entry, number: int, **changes: object) -> Entry:
    """Return a later entry of the same account."""
    name = f"{entry.entry_id.rpartition(':')[0]}:{number}-{DIGEST}"
    return replace(entry, entry_id=name, state="adjustment", **changes)  # type: ignore[arg-type]


def audited(entries: Iterable[Entry], target: Target | None = None) -> ViewReport:
    """Compare entries of rewards with the target of KEY."""
    targets = Targets({KEY: target} if target else {})
    return compare_accounts(ledger_of(entries).accounts, targets, rules())


# Accounts


def test_the_sum_of_all_entries_of_an_account_is_its_target() -> None:
    later = numbered(REWARD, 1, amount_micros=-200)
    assert audited([REWARD, later], target=Target(1_000, "rewards-1")).differences == []
    report = audited([REWARD], target=Target(1_000, "rewards-1"))
    assert [d[1:] for d in report.differences] == [(KEY, "amount_micros", 1_000, 1_200)]


def test_what_is_missing_and_what_nothing_supports_is_found() -> None:
    (missing,) = audited([], target=Target(5, "rewards-1")).differences
    assert (missing.key, missing.expected, missing.found) == (KEY, 5, 0)
    (too_much,) = audited([REWARD]).differences
    assert (too_much.key, too_much.expected, too_much.found) == (KEY, 0, 1_200)
    assert audited([REWARD, numbered(REWARD, 1, amount_micros=-1_200)]).differences == []
    assert audited([], target=Target(0, "rewards-1")).differences == []


def test_a_finding_names_the_account_and_says_what_to_do() -> None:
    text = as_text([audited([REWARD], target=Target(1_000, "rewards-1"))])
    assert "[creator_rewards:v:2024-03-01, c, USD] amount_micros: expected 1000, found 1200" in text
    assert (
        "settled accounts: data that came after the settlement needs `engage settle` again" in text
    )
    report = json.loads(as_json([audited([REWARD], target=Target(1_000, "rewards-1"))]))
    assert list(report["hints"]) == ["settled accounts"]


def test_an_account_booked_at_another_rate_is_listed_and_no_difference() -> None:
    report = audited([REWARD], target=Target(2_400, "rewards-2"))
    assert report.differing == 0
    (note,) = report.notes[OTHER_RATE]
    assert (note.key, note.expected) == (KEY, "2400 at rewards-2")
    assert note.found == "1200 at rewards-1"
    assert "1 booked at another rate" in as_text([report])
    assert json.loads(as_json([report]))["notes"][OTHER_RATE]["cells"] == 1
    restated = numbered(REWARD, 1, rate_version="rewards-2")
    report = audited([restated, REWARD], target=Target(2_400, "rewards-2"))
    assert (report.differing, report.noted) == (0, {})


def test_an_account_that_nobody_can_compute_keeps_what_it_has() -> None:
    booked = ledger_of([REWARD]).accounts
    for unknown in (KEY.key, "creator_rewards:v"):
        report = compare_accounts(booked, Targets(unknown={unknown}), rules())
        assert (report.differing, report.noted) == (0, {UNKNOWN: 1})
    assert compare_accounts(booked, Targets(unknown={"creator_rewards:w"}), rules()).differing == 1
    assert compare_accounts(booked, Targets(unknown_pools={"2024-03-01"}), rules()).differing == 1
    fund = replace(REWARD, entry_id=f"creator_fund:v:2024-03-01:0-{DIGEST}", source="creator_fund")
    pools = Targets(unknown_pools={"2024-03-01"})
    assert compare_accounts(ledger_of([fund]).accounts, pools, rules()).noted == {UNKNOWN: 1}


# Entries that no rule explains


@pytest.mark.parametrize(
    "wrong",
    [
        {"entry_id": "creator_rewards:v:2024-03-01"},
        {"entry_id": "creator_rewards:v:2024-03-01:1"},
        {"entry_id": f"creator_rewards:v:2024-03-01:1-{DIGEST}"},  # final, but not the first
        {"entry_id": f"creator_rewards:w:2024-03-01:0-{DIGEST}"},
        {"entry_id": f"creator_rewards:v:2024-03-02:0-{DIGEST}"},
        {"entry_id": f"creator_rewards:v:x:0-{DIGEST}"},
        {"state": "adjustment"},
        {"state": "estimated"},
        {"amount_micros": 0},
        {"reference": "order:v"},
        {"source": "sale"},
        {"source": "bonus"},
        {"source": "gift"},
        {"occurred_at_ms": T0_MS + 1},
    ],
)
def test_an_entry_of_another_shape_is_left_to_the_comparison(wrong: dict[str, object]) -> None:
    ledger, row = Ledger(), row_of(replace(REWARD, **wrong))  # type: ignore[arg-type]
    assert list(ledger.read([row])) == [row]
    assert ledger.accounts == {}


@pytest.mark.parametrize(
    ("source", "key", "reference", "rate"),
    [
        ("creator_fund", "creator_fund:a%3Ab:2024-03-01", "video:a:b", "fund-1"),
        ("affiliate", "affiliate:a%3Ab", "order:a:b", "p-20"),
        ("sale", "sale:o", "order:o", "sale-1"),
        ("brand_deal", "brand_deal:d%3A:100", "video:v", "deal:d:"),
    ],
)
def test_entries_of_every_program_have_an_account(
    source: str, key: str, reference: str, rate: str
) -> None:
    entry = replace(
        REWARD,
        entry_id=f"{key}:0-{DIGEST}",
        source=source,
        reference=reference,
        rate_version=rate,
    )
    assert ledger_of([entry]).accounts.keys() == {Account(key, "c", "USD")}


# Payouts


def test_payouts_are_negative_and_within_the_cap_of_their_day() -> None:
    paid = ledger_of([PAID]).payouts
    assert check_payouts(paid, rules()).differing == 0
    more = ledger_of([PAID, numbered(PAID, 1, amount_micros=-1)]).payouts
    (above,) = check_payouts(more, rules()).differences
    assert above.key == ("payout:c:USD:2024-03-01", "c", "USD")
    assert above.found == -1_000_000_001
    row = row_of(replace(PAID, amount_micros=5))
    assert list(Ledger().read([row])) == [row]


def test_a_payout_without_terms_is_a_difference() -> None:
    entry = replace(PAID, entry_id=f"payout:c:XAU:2024-03-01:0-{DIGEST}", currency="XAU")
    (found,) = check_payouts(ledger_of([entry]).payouts, rules()).differences
    assert "no terms for XAU" in str(found.expected)


def test_payouts_lower_balances_and_no_earnings() -> None:
    ledger = ledger_of([REWARD, PAID, replace(REWARD, currency="EUR")])
    assert ledger.balances == {("c", "USD"): 1_200 - 1_000_000_000, ("c", "EUR"): 1_200}
    assert ledger.paid == {(T0_MS, "c", "USD"): (1_000_000_000, 1)}
    assert ledger.earnings == {"c": 1_200}
    assert ledger.daily == {(T0_MS, "c", "creator_rewards"): (1_200, 1)}
    assert ledger.by_reference == {"video:v": 1_200}


# All of it


class Found:
    """A database that shows a log's results and these settled entries; cells may be changed."""

    def __init__(self, expected: Expected, days: Settled, entries: list[Entry]) -> None:
        self.days = days
        booked = [*shown(expected, days), *entries]
        self.views: dict[str, list[Row]] = {
            check.view: [
                (*key, *(_plain(cell) for cell in check.row_of(key, item)))
                for key, item in check.expected.items()
            ]
            for check in all_checks(expected, days, ANYWHERE, ledger_of(booked))
        }
        self.views["earnings_ledger"] = [row_of(entry) for entry in booked]
        self.views["ledger"] = []  # the rate cards: none

    def rows(self, sql: str) -> list[Row]:
        return self.views[sql.split(" FROM ")[1].split(" ")[0]]  # of a union the first

    def settled(self) -> Settled:
        return self.days


def _plain(cell: object) -> object:
    return cell.low if isinstance(cell, Within) else cell


def unwatched(view: str, expected: int, rows: Iterable[Row]) -> Iterable[Row]:
    return rows


def differing(found: Found, expected: Expected) -> set[str]:
    reports = compare_all(expected, rules(), found, ANYWHERE, unwatched)
    return {report.view for report in reports if report.differing}


def test_a_settled_day_agrees_until_an_amount_is_changed_or_data_comes_late() -> None:
    views = [event("view", user_id=f"u{n}") for n in range(1_004)]
    log = [event("video_published"), *views[:-1], event("gift", repeat_end=True)]
    expected = count(*log)
    settled = Settled(frozenset({("creator_rewards", T0_MS)}))
    found = Found(expected, settled, [REWARD, PAID])
    assert differing(found, expected) == set()
    late = count(*log[:-1], views[-1], log[-1])
    reports = compare_all(late, rules(), found, ANYWHERE, unwatched)
    (account,) = next(r for r in reports if r.view == "settled accounts").differences
    assert (account.key, account.expected, account.found) == (KEY, 1_600, 1_200)
    assert differing(Found(expected, Settled(), [REWARD]), expected) == {"settled accounts"}
    assert differing(Found(expected, settled, []), expected) == {"settled accounts"}


@pytest.mark.parametrize(
    "view",
    [
        *("earnings_daily", "balances", "payouts", "earnings_by_reference"),
        *("creators", "content_performance"),
    ],
)
def test_sums_are_those_of_the_rows_that_were_read(view: str) -> None:
    expected = count(event("video_published"), event("view"))
    settled = Settled(frozenset({("creator_rewards", T0_MS)}))
    entries = [REWARD, numbered(REWARD, 1, amount_micros=-1_200), PAID]
    found = Found(expected, settled, entries)
    assert differing(found, expected) == set()
    place = {"earnings_daily": 3, "earnings_by_reference": 2}.get(view, -1)
    cells = list(found.views[view][0])
    cells[place] += 1
    found.views[view][0] = tuple(cells)
    assert differing(found, expected) == {view}


def test_an_entry_that_no_rule_explains_is_a_difference() -> None:
    expected = count(event("like"))
    bonus = replace(REWARD, entry_id="bonus:1", source="bonus")
    assert differing(Found(expected, Settled(), [bonus]), expected) == {"earnings_ledger"}
