"""The audit of settled accounts: what stays as it is booked is noted, and nothing else is let pass."""

from __future__ import annotations

from dataclasses import replace

from scripts.recount.compare import ViewReport
from scripts.recount.ledger import Booked
from scripts.recount.programs.targets import Account, Target, Targets
from scripts.recount.settled import OTHER_RATE, UNKNOWN, compare_accounts
from tests.oracle.logs import rules
from tests.worked.world import RATES, at

FUND = Account("creator_fund:v:2025-03-10", "c", "USD")
COMMISSION, SALE = Account("affiliate:o", "c", "USD"), Account("sale:o", "g", "USD")


def compared(booked: dict[Account, Booked], targets: Targets) -> ViewReport:
    return compare_accounts(booked, targets, replace(rules(), rates=RATES, region="US"))


def had(amount_micros: int, rate_version: str) -> Booked:
    return Booked(amount_micros, at("2025-03-10"), rate_version)


def test_what_has_no_target_by_the_rate_in_force_is_a_difference() -> None:
    assert compared({FUND: had(5, "fund-1")}, Targets()).differing == 1


def test_what_has_no_target_by_another_rate_is_noted() -> None:
    report = compared({FUND: had(5, "fund-0"), COMMISSION: had(5, "gone")}, Targets())
    assert report.differing == 0
    assert len(report.notes[OTHER_RATE]) == 2


def test_a_commission_that_stays_costs_the_seller_what_is_booked() -> None:
    targets = Targets(accounts={COMMISSION: Target(20, "affiliate-2"), SALE: Target(80, "sale-1")})
    booked = {COMMISSION: had(10, "affiliate-1"), SALE: had(90, "sale-1")}
    assert compared(booked, targets).differing == 0
    booked[SALE] = had(80, "sale-1")
    assert compared(booked, targets).differing == 1


def test_so_does_one_that_nobody_can_compute() -> None:
    targets = Targets(accounts={SALE: Target(100, "sale-1")}, unknown={"affiliate:o"})
    booked = {COMMISSION: had(10, "affiliate-1"), SALE: had(90, "sale-1")}
    report = compared(booked, targets)
    assert report.differing == 0
    assert len(report.notes[UNKNOWN]) == 1
