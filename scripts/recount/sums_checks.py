"""What adds up the ledger, with what its rows come to."""

from collections.abc import Mapping
from typing import Any

from scripts.recount.compare import Check
from scripts.recount.ledger import Ledger


def sums_checks(ledger: Ledger) -> list[Check]:
    """The views that add up the ledger: by day and source, what is owed, what was paid, what it is for."""
    day = "toUnixTimestamp64Milli(toDateTime64(day, 3, 'UTC'))"
    amount, paid = ("amount_micros", "entries"), ("paid_micros", "entries")
    kept = ("amount_micros", "version")  # which is the number of entries
    return [
        _sums("earnings_daily", (day, "creator_id", "source"), amount, ledger.daily),
        _sums("earnings_by_source", (day, "source", "currency"), amount, ledger.programs),
        _sums("balances", ("creator_id", "currency"), amount[:1], ledger.balances),
        _sums("payouts", (day, "creator_id", "currency"), paid, ledger.paid),
        _sums("earnings_by_reference", ("reference", "source"), amount, ledger.by_source),
        _sums(
            "video_earnings",
            ("video_id", "currency"),
            kept,
            ledger.videos,
            table="video_earnings FINAL",
            hint="`engage settle` adds up what it had no time to",
        ),
    ]


def _sums(
    view: str,
    keys: tuple[str, ...],
    columns: tuple[str, ...],
    sums: Mapping[Any, Any],
    *,
    table: str = "",
    hint: str = "",
) -> Check:
    """Plain sums, an amount or an amount and the number of its entries, in a view or a `table`."""
    return Check(
        view=view,
        sql=f"SELECT {', '.join((*keys, *columns))} FROM {table or view}",
        keys=len(keys),
        columns=columns,
        expected=sums,
        row_of=lambda _, found: found if isinstance(found, tuple) else (found,),
        hint=hint,
    )
