"""What is booked: the accounts of a program, of one day or of all time."""

from __future__ import annotations

from typing import Any

from streams.programs.days import DAY_MS
from streams.settlement import Account, Booked

_NUMBERED = ":([0-9]+)-[0-9a-f]{16}$"
# An entry has one time for ever, so its copies are in one week: FINAL need not look in the others.
_BOOKED = """
SELECT
    replaceRegexpOne(entry_id, {{numbered:String}}, '') AS account,
    creator_id,
    currency,
    count(),
    sum(amount_micros),
    argMin(toUnixTimestamp64Milli(occurred_at), (number, entry_id)),
    argMin(reference, (number, entry_id)),
    argMax(rate_version, (number, entry_id)),
    argMax(rate_card, (number, entry_id))
FROM (
    SELECT *, toUInt64OrZero(extract(entry_id, {{numbered:String}})) AS number
    FROM ledger FINAL
    WHERE source = {{source:String}} {where}
)
GROUP BY account, creator_id, currency
SETTINGS do_not_merge_across_partitions_select_final = 1
"""
_ALL = _BOOKED.format(where="")
# The day is in the key; its entries begin at its start in whatever time zone pay days had then.
_OF_DAY = _BOOKED.format(
    where="""
        AND occurred_at >= fromUnixTimestamp64Milli({start:Int64}, 'UTC')
        AND occurred_at < fromUnixTimestamp64Milli({end:Int64}, 'UTC')
        AND match(entry_id, concat(':', {day:String}, {numbered:String}))
"""
)


def booked_accounts(client: Any, source: str) -> dict[Account, Booked]:  # clickhouse_connect client
    """Return what each account of a program has."""
    return _accounts(client, _ALL, source)


def booked_on(client: Any, source: str, day: str, start_ms: int) -> dict[Account, Booked]:
    """Return what each account has whose key ends in a day, which begins about then."""
    span = {"day": day, "start": start_ms - 2 * DAY_MS, "end": start_ms + 2 * DAY_MS}
    return _accounts(client, _OF_DAY, source, **span)


def _accounts(client: Any, sql: str, source: str, **more: Any) -> dict[Account, Booked]:
    parameters = {"source": source, "numbered": _NUMBERED, **more}
    rows = client.query(sql, parameters=parameters).result_rows
    return {Account(*row[:3]): Booked(row[3], row[4], row[5], source, *row[6:]) for row in rows}
