"""Explains an amount: the events, the counts, the rate and the arithmetic behind it.

Give an entry's id as `earnings_ledger` shows it, or a creator and a day for all entries of that day.
What settlement booked is explained by the arithmetic that was stored with the entry; a live gift, which
the worker books, by its streak; an estimate by what it is made of now.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Any

from schemas.entries import entry_id
from schemas.errors import ConfigError, InputError
from schemas.rates import Rates, load_rates
from scripts.kept_rules import settings_of_folder
from scripts.options import clickhouse_option, data_option, day, rates_option
from scripts.reading import open_results
from scripts.settlement.facts import Facts
from scripts.settlement.texts import explanation_lines, time_text
from sinks.client import connect
from streams.programs.creator_rewards import rewards_lines
from streams.programs.days import DAY_MS
from streams.programs.lines import step_in_words
from streams.programs.money import in_words

HELP = "show how an amount came about"
EXAMPLES = """\
Examples:
  engage explain gift:l1:ben:rose:g1 --data ./results
  engage explain --creator c7 --day 2025-03-10 --data ./results
"""
_COLUMNS = """
    entry_id, toUnixTimestamp64Milli(occurred_at), creator_id, source, state, amount_micros, currency,
    reference, rate_version
"""
# Payouts are no earnings, so the view has none.
_SHOWN = """
SELECT * FROM (
    SELECT {columns} FROM earnings_ledger WHERE {chosen}
    UNION ALL
    SELECT {columns} FROM ledger FINAL WHERE source = 'payout' AND {chosen}
)
ORDER BY source, entry_id
"""
_ONE = _SHOWN.format(columns=_COLUMNS, chosen="entry_id = {entry:String}")
_MANY = _SHOWN.format(
    columns=_COLUMNS,
    chosen="creator_id = {creator:String} AND toDate(occurred_at, 'UTC') = {day:Date}",
)
_STORED = """
SELECT e.text, l.reason FROM ledger AS l FINAL
LEFT JOIN (SELECT entry_id, text FROM explanations FINAL) AS e ON e.entry_id = l.entry_id
WHERE l.entry_id = {entry:String}
"""
# A streak's entries, each with its own share of what the streak is worth.
_OF_STREAK = """
SELECT entry_id, amount_micros, currency FROM earnings_ledger
WHERE source = 'gift' AND (entry_id = {key:String} OR startsWith(entry_id, concat({key:String}, ':')))
ORDER BY entry_id
"""
_STREAK = """
WITH concat('gift:', arrayStringConcat(arrayMap(
    part -> replaceAll(replaceAll(part, '%', '%25'), ':', '%3A'),
    [live_id, user_id, gift_id, group_id]), ':')) AS key
SELECT repeat_count, coins, state, order_ids, toUnixTimestamp64Milli(occurred_at), user_id, gift_id
FROM gift_streaks FINAL
WHERE {entry:String} = key OR startsWith({entry:String}, concat(key, ':'))
"""
_ORDER = """
SELECT type, event_id, toUnixTimestamp64Milli(event_time), user_id, product_id, quantity, paid_micros,
       currency, refund_micros, reason
FROM order_events FINAL WHERE order_id = {id:String} ORDER BY event_time, event_id
"""
_DEAL = """
SELECT deal_id, brand_id, toUnixTimestamp64Milli(event_time), fee_micros, currency, milestones
FROM deals FINAL WHERE counted = 1 AND video_id = {id:String} ORDER BY event_time, event_id
"""

_STREAK_PARTS = 5  # gift, live, user, gift, group; then what kind of entry

Entry = Sequence[Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("entry", metavar="ENTRY_ID", nargs="?", help="of the ledger or an estimate")
    parser.add_argument("--creator", metavar="ID", help="all entries of a creator's day")
    parser.add_argument("--day", metavar="YYYY-MM-DD", type=day, help="UTC day")
    rates_option(parser)
    data_option(parser, note="of a running stack, or what a run left")
    clickhouse_option(parser)


def run(args: argparse.Namespace) -> int:
    """Explain one entry, or a day of them."""
    if bool(args.entry) == bool(args.creator) or bool(args.creator) != bool(args.day):
        raise ConfigError("explain needs an ENTRY_ID, or --creator and --day")
    settings = settings_of_folder(args.data, rates=args.rates)
    rates = load_rates(settings.rates or None)
    with (
        open_results(args.data, args.clickhouse) as url,
        closing(connect(url, settings.database)) as client,
    ):
        sql = _ONE if args.entry else _MANY
        chosen = {"entry": args.entry} if args.entry else {"creator": args.creator, "day": args.day}
        entries = client.query(sql, parameters=chosen).result_rows
        if not entries:
            raise InputError(f"no such entry: {args.entry or f'{args.creator} on {args.day}'}")
        for entry in entries:
            print("\n".join(explained(client, entry, rates, settings.region)))
            print()
    return 0


def explained(client: Any, entry: Entry, rates: Rates, region: str) -> list[str]:
    """Return an entry's explanation, a line each."""
    name, at_ms, creator_id, source, state, amount, currency, reference, rate = entry
    lines = [
        f"{name}",
        f"  {in_words(amount, currency)} to {creator_id}, {source}, {state}, {time_text(at_ms)}",
        f"  for {reference}, rate {rate or '-'}",
    ]
    stored = client.query(_STORED, parameters={"entry": name}).result_rows
    if stored and stored[0][1]:
        lines.append(f"  because: {stored[0][1]}")
    if stored and stored[0][0]:
        lines += _indented(explanation_lines(stored[0][0]))
    elif source == "gift":
        lines += _indented(_gift(client, name, rates))
    elif source == "creator_rewards":
        lines += _indented(_reward(client, entry, rates, region))
    return lines + _indented(_events(client, source, reference))


def _gift(client: Any, entry: str, rates: Rates) -> list[str]:
    found = client.query(_STREAK, parameters={"entry": entry}).result_rows
    if not found:
        return []
    count, coins, state, orders, at_ms, user, gift = found[0]
    rate = rates.gift(at_ms)
    per_coin = rate.micros_per_coin if rate else 0
    currency = rate.currency if rate else "USD"
    key = ":".join(entry.split(":")[:_STREAK_PARTS])
    others = client.query(_OF_STREAK, parameters={"key": key}).result_rows
    return [
        f"streak of {user}: {count:,} x {gift} of {coins:,} coins, {state}",
        f"best frame: {time_text(at_ms)}; orders {', '.join(orders)}",
        f"coins: {count * coins:,}",
        f"per coin: {in_words(per_coin, currency)}",
        f"worth: {in_words(count * coins * per_coin, currency)}"
        + (" (refunded: 0)" if state == "refunded" else ""),
        *(
            f"also of this streak: {name}, {in_words(amount, its_currency)}"
            for name, amount, its_currency in others
            if name != entry
        ),
    ]


def _reward(client: Any, entry: Entry, rates: Rates, region: str) -> list[str]:
    name, at_ms, creator_id = entry[:3]  # of a shared video the name ends in the creator's
    names = (name, name.removesuffix(f":{entry_id(creator_id)}"))
    videos = Facts(client).rewards_videos(rates.rewards_threshold_views_min)
    lines = rewards_lines(videos, rates, region, at_ms // DAY_MS).lines
    mine = (line for line in lines if line.creator_id == creator_id)
    found = next((line for line in mine if line.key in names), None)
    return [step_in_words(step) for step in found.explanation] if found else []


def _events(client: Any, source: str, reference: str) -> Iterable[str]:
    kind, _, name = reference.partition(":")
    if kind == "order":
        for step in client.query(_ORDER, parameters={"id": name}).result_rows:
            what, event, at_ms, user, product, quantity, paid, currency, refund, reason = step
            amount = in_words(paid if refund is None else refund, currency)
            yield (
                f"event {event}: {what} {time_text(at_ms)}, {user}, {quantity} x {product}, {amount}"
                + (f": {reason}" if reason else "")
            )
    elif source == "brand_deal":
        for row in client.query(_DEAL, parameters={"id": name}).result_rows:
            deal, brand, at_ms, fee, currency, milestones = row
            amount = in_words(fee, currency)
            yield f"deal {deal} with {brand}: {amount}, {time_text(at_ms)}, {' '.join(milestones)}"


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]
