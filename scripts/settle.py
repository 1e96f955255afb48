"""Settles days: what the programs say of closed days becomes final ledger entries.

Creator Fund and Creator Rewards are settled day by day; commissions, own sales and milestones of brand
deals as of the end of the last day. Live gifts are booked by the worker and need no settling.

A day can be settled when every partition's event time has passed its end. Settling again is safe:
it books what is missing, and after late events or invalidations the difference as an adjustment with
its reason. A change of rates does not rewrite what was booked, unless you ask with --restate. What
cannot be computed (a rate that is missing, amounts that contradict each other) is named and left as it
is; the exit code is then 1.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import date, timedelta
from typing import Any

from schemas.errors import Refused
from schemas.rates import Rates, load_rates
from scripts.kept_rules import settings_of_folder
from scripts.options import clickhouse_option, data_option, day, rates_option
from scripts.progress import show_progress
from scripts.reading import open_ledger
from scripts.settlement.booking import Settled, settle_scope
from scripts.settlement.facts import Facts
from scripts.settlement.targets import DAILY, EPOCH, Targets, days_through, is_over
from scripts.settlement.texts import entry_line, line_line, refusal_line
from scripts.settlement.video_earnings import add_up
from sinks.client import connect
from sinks.writer import Writer
from streams.config import Settings

HELP = "book what closed days have earned"
EXAMPLES = """\
Examples:
  engage settle --through 2025-03-10                       every day up to this one
  engage settle --day 2025-03-10 --preview                 say what would be booked
  engage settle --through 2025-03-10 --rates new.toml --restate --preview
"""
PREVIEW_MAX = 50  # lines shown of each kind
_LOWEST = """
SELECT min(toUnixTimestamp64Milli(max_event_time)) FROM partitions FINAL WHERE max_event_time > 0
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    clickhouse_option(parser)
    data_option(parser, note="of a running stack, or what a run left")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--day", metavar="YYYY-MM-DD", type=day, help="settle this day")
    which.add_argument(
        "--through", metavar="YYYY-MM-DD", type=day, help="settle every day up to this one"
    )
    rates_option(parser)
    parser.add_argument(
        "--restate", action="store_true", help="also what was booked at another rate"
    )
    parser.add_argument("--preview", action="store_true", help="book nothing, say what would be")


def run(args: argparse.Namespace) -> int:
    """Settle the chosen days."""
    with open_ledger(args.data, args.clickhouse) as url:
        settings = settings_of_folder(args.data, clickhouse=url, rates=args.rates)
        rates = load_rates(settings.rates or None)
        with closing(connect(url, settings.database)) as client:
            refuse_open(client, rates, args.day or args.through)
            facts = Facts(client)
            days = [args.day] if args.day else days_through(facts, rates, args.through)
            settled = settle(
                client, settings, rates, days, restate=args.restate, writes=not args.preview
            )
    _tell(settled, preview=args.preview)
    return 1 if settled.refusals else 0


def settle(
    client: Any,  # clickhouse_connect client
    settings: Settings,
    rates: Rates,
    days: list[date],
    *,
    restate: bool = False,
    writes: bool = True,
) -> Settled:
    """Settle days, in their order; safe to repeat, to kill and to run twice at once."""
    total = Settled()
    number = len(days) * len(DAILY) + 3
    with _writer(settings, writes=writes) as writer, show_progress("settle", number) as tell:
        found = Targets(client, rates, settings.region).scopes(days, restate=restate)
        for done, scope in enumerate(found, start=1):
            one = settle_scope(writer, scope, restate=restate)
            total.entries += one.entries
            total.held += one.held
            total.refusals += one.refusals
            tell(done, len(total.entries))
        if writer is not None:
            add_up(settings.clickhouse, settings.database)
    return total


def settle_closed_days(client: Any, settings: Settings) -> Settled:
    """Settle every day that is over in event time; nothing if there is none."""
    rates = load_rates(settings.rates or None)
    last = last_closed_day(client, rates)
    if last is None:
        return Settled()
    return settle(client, settings, rates, days_through(Facts(client), rates, last))


def last_closed_day(client: Any, rates: Rates) -> date | None:
    """Return the last day that every partition with events has left behind, if any."""
    lowest_ms = client.query(_LOWEST).result_rows[0][0]
    if not lowest_ms:
        return None
    today = EPOCH + timedelta(days=lowest_ms // 86_400_000)
    recent = (today - timedelta(days=back) for back in (1, 2))
    return next((day for day in recent if is_over(day, rates, lowest_ms)), None)


def refuse_open(client: Any, rates: Rates, wanted: date) -> None:
    """Refuse a day that is not over.

    Raises:
        Refused: event time has not passed the day's end everywhere.
    """
    closed = last_closed_day(client, rates)
    if closed is None or wanted > closed:
        raise Refused(
            f"{wanted} is not over in event time (closed so far: {closed or 'no day'}): wait"
        )


@contextmanager
def _writer(settings: Settings, *, writes: bool) -> Iterator[Writer | None]:
    with ExitStack() as opened:
        writer = Writer(settings.clickhouse, settings.database) if writes else None
        yield opened.enter_context(writer) if writer else None


def _tell(settled: Settled, *, preview: bool) -> None:
    if preview:
        _show("would be booked", [entry_line(entry) for entry in settled.entries])
        _show("booked at another rate, left alone without --restate", map(line_line, settled.held))
    numbers = Counter((entry.source, entry.state) for entry in settled.entries)
    for (source, state), number in sorted(numbers.items()):
        print(f"{source}: {number:,} {state} entries{' to book' if preview else ' booked'}")
    if not settled.entries:
        print("nothing is missing")
    if settled.held:
        print(f"{len(settled.held):,} amounts were booked at another rate and stay (--restate)")
    for refusal in settled.refusals[:PREVIEW_MAX]:
        print(f"refused: {refusal_line(refusal)}", file=sys.stderr)
    if len(settled.refusals) > PREVIEW_MAX:
        print(f"... and {len(settled.refusals) - PREVIEW_MAX:,} more", file=sys.stderr)


def _show(title: str, lines: Any) -> None:
    lines = list(lines)
    if lines:
        print(f"{title}:")
        for line in lines[:PREVIEW_MAX]:
            print(f"  {line}")
        if len(lines) > PREVIEW_MAX:
            print(f"  ... and {len(lines) - PREVIEW_MAX:,} more")
