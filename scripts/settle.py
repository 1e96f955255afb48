"""Settles days: estimates of Creator Rewards become final ledger entries.

A day can be settled when every partition's event time has passed its end. Settling again is safe:
it books what is missing, and after late events or invalidations the difference as an adjustment.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from schemas.errors import InputError, Refused
from scripts.options import clickhouse_option, data_option
from scripts.stack import running_stack
from sinks.client import connect
from sinks.writer import Writer
from streams.config import Settings, load_settings
from streams.programs.lines import Line
from streams.settlement import Account, Booked, SettledEntry, entries_to_book, key_of

HELP = "book a day's earnings as final"
PROGRAM = "creator_rewards"
DAY_MS = 86_400_000
_EPOCH = date(1970, 1, 1)
# Ledger entries never change, so their version only has to be the same each time.
_VERSION = 1

_TARGETS = """
SELECT entry_id, toUnixTimestamp64Milli(occurred_at), creator_id, source, amount_micros, currency,
       reference, rate_version
FROM estimates FINAL
WHERE source = {source:String} AND toDate(occurred_at, 'UTC') = {day:Date}
"""
_BOOKED = """
SELECT any(entry_id), creator_id, currency, count(), sum(amount_micros),
       any(toUnixTimestamp64Milli(occurred_at)), source, reference,
       argMax(rate_version, (toUInt64OrZero(extract(entry_id, ':(\\\\d+)-[0-9a-f]+$')), entry_id))
FROM ledger FINAL
WHERE source = {source:String} AND toDate(occurred_at, 'UTC') = {day:Date}
GROUP BY creator_id, currency, source, reference
"""
_DAYS = """
SELECT DISTINCT toDate(occurred_at, 'UTC') AS day FROM estimates FINAL
WHERE source = {source:String} AND day <= {day:Date} ORDER BY day
"""
_CLOSED = """
SELECT min(toUnixTimestamp64Milli(max_event_time)) FROM partitions FINAL WHERE max_event_time > 0
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    clickhouse_option(parser)
    data_option(parser, note="of a running stack")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--day", metavar="YYYY-MM-DD", type=_day, help="settle this UTC day")
    which.add_argument(
        "--through", metavar="YYYY-MM-DD", type=_day, help="settle every day up to this one"
    )


def run(args: argparse.Namespace) -> int:
    """Settle the chosen days."""
    settings = load_settings().with_(clickhouse=args.clickhouse or _address(args.data))
    client = connect(settings.clickhouse, settings.database)
    closed = last_closed_day(client)
    wanted = args.day or args.through
    if closed is None or wanted > closed:
        raise Refused(
            f"{wanted} is not over in event time (closed so far: {closed or 'no day'}): wait"
        )
    if args.day:
        report = {args.day: settle_day(client, settings, args.day)}
    else:
        report = settle_days(client, settings, args.through)
    for day, booked in report.items():
        print(f"{day}: {booked} entries booked")
    return 0


def last_closed_day(client: Any) -> date | None:  # clickhouse_connect client
    """Return the last UTC day that every partition with events has left behind, if any."""
    lowest_ms = client.query(_CLOSED).result_rows[0][0]
    if not lowest_ms:
        return None
    return _EPOCH + timedelta(days=lowest_ms // DAY_MS - 1)


def settle_days(client: Any, settings: Settings, last: date) -> dict[date, int]:
    """Settle every day with estimates, up to and with the last; return the entries booked."""
    rows = client.query(_DAYS, parameters={"source": PROGRAM, "day": last}).result_rows
    return {day: settle_day(client, settings, day) for (day,) in rows}


def settle_day(client: Any, settings: Settings, day: date) -> int:
    """Book what one day misses; return the number of entries. Safe to repeat and to kill."""
    parameters = {"source": PROGRAM, "day": day}
    targets = client.query(_TARGETS, parameters=parameters).result_rows
    lines = [Line(*row) for row in targets]
    rows = client.query(_BOOKED, parameters=parameters).result_rows
    # a reference has one key in a program and day, so any of its entries tells it
    booked = {Account(key_of(row[0]), row[1], row[2]): Booked(*row[3:]) for row in rows}
    entries = entries_to_book(lines, booked, restate=True)
    with Writer(settings.clickhouse, settings.database) as writer:
        if entries:
            writer.write("ledger", _columns(entries))
        # the day is settled only after its entries exist: killed in between, it is settled again
        writer.write("settlements", [[PROGRAM], [(day - _EPOCH).days], [0], [""], [_VERSION]])
    return len(entries)


def _columns(entries: Iterable[SettledEntry]) -> list[list[Any]]:
    rows = [
        (
            e.entry_id,
            e.occurred_at_ms,
            e.creator_id,
            e.source,
            e.state,
            e.amount_micros,
            e.currency,
            e.reference,
            e.rate_version,
            e.reason,
            _VERSION,
        )
        for e in entries
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def _address(data: Path | None) -> str | None:
    if data is None:
        return None
    where = running_stack(data)
    if where is None:
        raise InputError(f"no stack runs in {data}: `engage run` settles before it stops")
    return str(where["clickhouse"])


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is not a day like 2026-11-25") from error
