"""Pays balances out: entries in the ledger, and the list that a bank needs.

Per creator and currency: the balance less what is younger than the hold, at least the minimum, at most the
daily cap (`engage rates show`, payout). Negative balances are carried forward. Running it again for the
same day pays nothing twice: the day's target less what was paid for it. It may run twice at once, and be
killed at any instant: what is paid is decided payout by payout, and the next run finishes what was decided.
Settle first. The export is read from the ledger after booking, so it lists what the ledger holds.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from schemas.rates import Rates, load_rates
from scripts.kept_rules import settings_of_folder
from scripts.options import clickhouse_option, data_option, day, rates_option
from scripts.reading import open_ledger
from scripts.settle import refuse_open
from scripts.settlement.booked import booked_on
from scripts.settlement.facts import Facts
from scripts.settlement.payments import pay_missing
from scripts.settlement.texts import entry_line, refusal_line
from sinks.client import connect
from sinks.writer import Writer
from streams.programs.days import PayDay, pay_day
from streams.programs.lines import Result
from streams.programs.payout import SOURCE, balances_of, payout_lines
from streams.settlement import SettledEntry, account_of, entries_to_book

HELP = "pay balances out, and export the list"
EXAMPLES = """\
Examples:
  engage payout --day 2025-04-01 --preview --data ./results
  engage payout --day 2025-04-01 --csv payout.csv --parquet payout.parquet --data ./results
"""
_PAID = """
SELECT entry_id, creator_id, currency, -amount_micros AS paid_micros, occurred_at, rate_version
FROM ledger FINAL
WHERE source = 'payout' AND occurred_at = fromUnixTimestamp64Milli({at:Int64}, 'UTC')
ORDER BY creator_id, currency, entry_id
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    clickhouse_option(parser)
    data_option(parser, note="of a running stack, or what a run left")
    parser.add_argument("--day", metavar="YYYY-MM-DD", type=day, required=True, help="pay day")
    parser.add_argument("--csv", metavar="FILE", type=Path, help="write the list here")
    parser.add_argument("--parquet", metavar="FILE", type=Path, help="write the list here")
    rates_option(parser)
    parser.add_argument("--preview", action="store_true", help="book nothing, say what would be")


def run(args: argparse.Namespace) -> int:
    """Pay what is payable on the day."""
    with open_ledger(args.data, args.clickhouse) as url:
        settings = settings_of_folder(args.data, clickhouse=url, rates=args.rates)
        rates = load_rates(settings.rates or None)
        with closing(connect(url, settings.database)) as client:
            span = _pay_day(client, rates, args.day)
            if args.preview:
                entries, result = missing_payouts(client, span, rates)
                for entry in entries:
                    print(f"would be paid: {entry_line(entry)}")
            else:
                with Writer(settings.clickhouse, settings.database) as writer:
                    entries, result = pay(client, writer, span, rates)
                _export(client, span, args.csv, args.parquet)
    for refusal in result.refusals:
        print(f"refused: {refusal_line(refusal)}", file=sys.stderr)
    print(f"{len(entries):,} payouts{' to book' if args.preview else ' booked'}")
    return 1 if result.refusals else 0


def pay(
    client: Any, writer: Writer, span: PayDay, rates: Rates
) -> tuple[list[SettledEntry], Result]:
    """Pay what a pay day misses; return the entries of this run, and what the day's all come from."""
    results: list[Result] = []

    def missing() -> list[SettledEntry]:
        entries, result = missing_payouts(client, span, rates)
        results.append(result)
        return entries

    return pay_missing(client, writer, missing), results[-1]


def missing_payouts(client: Any, span: PayDay, rates: Rates) -> tuple[list[SettledEntry], Result]:
    """Return the entries that a pay day misses, and what all of them come from."""
    amounts = Facts(client).ledger_amounts(span, rates.payout_hold_days_max)
    result = payout_lines(span, balances_of(amounts, span, rates), rates)
    wanted = {account_of(line) for line in result.lines}
    booked = {
        account: has
        for account, has in booked_on(client, SOURCE, span.name, span.start_ms).items()
        if account in wanted
    }
    return entries_to_book(result.lines, booked, refusals=result.refusals, restate=True), result


def _pay_day(client: Any, rates: Rates, wanted: date) -> PayDay:
    """Return the pay day; the day before it must be over, for balances are as of its start."""
    refuse_open(client, rates, date.fromordinal(wanted.toordinal() - 1))
    return pay_day(wanted, rates.pay_day_zone)


def _export(client: Any, span: PayDay, csv: Path | None, parquet: Path | None) -> None:
    if csv is None and parquet is None:
        return
    table: pa.Table = client.query_arrow(_PAID, parameters={"at": span.start_ms}, use_strings=True)
    if csv is not None:
        pa_csv.write_csv(table, csv)
    if parquet is not None:
        pa_parquet.write_table(table, parquet)
