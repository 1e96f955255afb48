"""Payouts, one after the other: two that run at once never pay one balance twice.

Money that is out is out, so two payouts that saw different balances must not both be booked, as two
settlements may. Every payout therefore has a number, and what it pays, its plan, is decided by one
step that ClickHouse lets only one take: creating the view of that number, which names the plan.

1. The last decided plan is booked (again, if it was): all decided money is in the ledger.
2. What is missing is computed from the ledger, and written down as a plan.
3. The view of the next number is created. Where somebody else was faster, theirs is the plan.
4. From 1 again, until nothing is missing.

Killed at any instant, the next one finishes what was decided; what was not decided was never paid.
One that was paused since 2 and goes on finds its number taken, and computes again. A decision is
never dropped. (On a cluster a view is created on one server: pay through the same one always.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

from clickhouse_connect.driver.exceptions import DatabaseError

from schemas.errors import Refused
from scripts.settlement.booking import write_entries
from sinks.writer import Writer
from streams.programs.lines import Step
from streams.settlement import SettledEntry

_VIEW = "payout_decision_"
_DIGEST_BYTES = 16
_VERSION = 1  # a plan's rows never change
_DECIDED = """
SELECT count() FROM system.tables
WHERE database = currentDatabase() AND startsWith(name, {view:String})
"""
_PLAN = "SELECT text FROM payout_plans FINAL WHERE plan = {plan:String} ORDER BY entry_id"


def pay_missing(
    client: Any,  # clickhouse_connect client
    writer: Writer,
    missing: Callable[[], Sequence[SettledEntry]],
) -> list[SettledEntry]:
    """Book what `missing` computes from the ledger, until it is nothing; return what this run paid.

    Raises:
        Refused: the plan of an earlier payout is lost.
    """
    paid: list[SettledEntry] = []
    while True:
        number = decided(client)
        if number:
            write_entries(writer, plan_of(client, number - 1))
        entries = missing()
        if not entries:
            return paid
        if decide(client, number, write_plan(writer, entries)):
            paid += entries


def decided(client: Any) -> int:
    """Return how many payouts are decided; they are numbered from 0."""
    return int(client.query(_DECIDED, parameters={"view": _VIEW}).result_rows[0][0])


def decide(client: Any, number: int, plan: str) -> bool:
    """Let this plan be the payout of a number; return whether it is."""
    assert re.fullmatch(r"[0-9a-f]+", plan)
    try:
        client.command(f"CREATE VIEW {_VIEW}{number} AS SELECT '{plan}' AS plan")
    except DatabaseError:
        if decided(client) <= number:  # it is not that somebody else was faster
            raise
    return _decision(client, number) == plan


def write_plan(writer: Writer, entries: Sequence[SettledEntry]) -> str:
    """Write down what is to be paid; return the name of the plan."""
    names = sorted(entry.entry_id for entry in entries)  # a name stands for all that an entry says
    plan = blake2b(json.dumps(names).encode(), digest_size=_DIGEST_BYTES).hexdigest()
    number = len(entries)
    texts = [json.dumps(entry) for entry in entries]
    ids = [entry.entry_id for entry in entries]
    writer.write("payout_plans", [[plan] * number, ids, texts, [_VERSION] * number])
    return plan


def plan_of(client: Any, number: int) -> list[SettledEntry]:
    """Return what a decided payout pays."""
    rows = client.query(_PLAN, parameters={"plan": _decision(client, number)}).result_rows
    if not rows:
        raise Refused(
            f"the plan of payout {number} is lost: restore the table payout_plans from a backup "
            "before anybody is paid"
        )
    entries = (SettledEntry(*json.loads(text)) for (text,) in rows)
    return [e._replace(explanation=tuple(Step(*step) for step in e.explanation)) for e in entries]


def _decision(client: Any, number: int) -> str:
    return str(client.query(f"SELECT plan FROM {_VIEW}{number}").result_rows[0][0])
