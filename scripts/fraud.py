"""Finds what no real viewer does in closed days, and sends it back as `invalidated` events.

The rules (streams/fraud.py, dated figures in the weights file) look at all counted events of a UTC
day and the six before it: likes faster than a token bucket fills, likes without watching again and again, groups that like
in lockstep, devices that act for many users, creators who engage with their own videos. What is found
goes into the log, so windows, scores, pools and money are corrected by the counting rules, and a
rebuild comes to the same.

The topics are read, for ClickHouse does not keep views by user. A day is judged once every partition
has passed its end. Calling again sends nothing new unless more events of the day have come: what was
taken back already is not named again, and ids follow from what is found. Memory grows with the events
of these days. Settle afterwards: money of
settled days is then booked as an adjustment.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from schemas import wire
from schemas.errors import InputError, Refused
from schemas.weights import WEIGHTS_PATH, Weights, load_weights
from scripts.interrupts import run_async
from scripts.kept_rules import settings_of_folder
from scripts.options import data_option, day, kafka_option
from scripts.progress import show_progress
from scripts.records import LogRecord, address
from scripts.recount.archive import Archive, find_archives, read_archive
from scripts.recount.judge import Judge
from scripts.recount.model import DAY_MS, Fate, Rules, rules_of
from scripts.recount.topics import open_topics
from scripts.sending import open_sender
from scripts.stack import running_stack
from streams.config import Settings
from streams.decode import decode_run
from streams.fraud import Buckets, Finding, find, invalidations
from streams.topics import ENGAGEMENT

HELP = "find fraud in closed days and send it back as invalidations"
EXAMPLES = """\
Examples:
  engage fraud --through 2025-03-10 --preview        say what would be invalidated
  engage fraud --through 2025-03-10 && engage settle --through 2025-03-10
  engage fraud --day 2025-03-10 --data ./live        of a stack that runs
"""
SHOWN_MAX = 50
LOOK_BACK_DAYS = 7


class Day(NamedTuple):
    """The counted events of a day over all partitions, and which of them are taken back already."""

    start_ms: int
    events: list[wire.VideoEvent]
    gone: set[tuple[str, str, int]]  # video, id, event time


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    kafka_option(parser)
    data_option(parser, note="of a running stack; what a run left can only be looked at")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--day", metavar="YYYY-MM-DD", type=day, help="judge this day")
    which.add_argument(
        "--through", metavar="YYYY-MM-DD", type=day, help="judge every day up to this one"
    )
    parser.add_argument("--weights", metavar="FILE", help="the rules (default: the folder's)")
    parser.add_argument("--preview", action="store_true", help="send nothing, say what would be")


def run(args: argparse.Namespace) -> int:
    """Judge the chosen days."""
    settings = settings_of_folder(args.data, weights=args.weights)
    weights = load_weights(settings.weights or WEIGHTS_PATH)
    last = _start_ms(args.day or args.through)
    first = last if args.day else 0
    kafka, idempotent = _broker(args, settings)
    with tempfile.TemporaryDirectory(prefix="engage-fraud-") as folder:
        archives = (
            find_archives(args.data / "topics", (ENGAGEMENT,))
            if kafka is None
            else asyncio.run(_copy(kafka, Path(folder)))
        )
        days = days_of(archives, rules_of(settings), first, last)
        findings = list(findings_of(days, weights, first))
    _tell(findings, preview=args.preview)
    if findings and not args.preview:
        if kafka is None:
            raise Refused("there is no broker to send to: --kafka, or --data of a running stack")
        run_async(_send(kafka, records_of(findings), idempotent=idempotent))
    return 0


def days_of(archives: Iterable[Archive], rules: Rules, first_ms: int, last_ms: int) -> list[Day]:
    """Return the days from six before the first to the last that have events, in order.

    Of the six, only what the topics surely hold whole.

    Raises:
        Refused: a partition has not passed the last day's end, or no longer holds all that matters.
    """
    days: dict[int, Day] = {}
    archives = list(archives)
    back_ms = first_ms - (LOOK_BACK_DAYS - 1) * DAY_MS
    with show_progress("judge events", len(archives), "events") as tell:
        read = 0
        for done, archive in enumerate(archives, start=1):
            judge, kept, known_from_ms = Judge(rules), [], back_ms
            for number, record in enumerate(read_archive(archive)):
                message = judge.judge(record)
                if not number and record.offset:
                    known_from_ms = max(back_ms, judge.max_event_time_ms + rules.horizon_ms)
                    _refuse_cut(known_from_ms, first_ms)
                read += 1
                at_ms = -1 if message.event is None else message.event.event_time_ms
                if message.fate is Fate.COUNTED and known_from_ms <= at_ms < last_ms + DAY_MS:
                    kept.append((record.offset, record.value))
            _refuse_open(judge, last_ms)
            _take(days, kept, judge.taken_back)
            tell(done, read)
    return [days[start_ms] for start_ms in sorted(days)]


def findings_of(
    days: Iterable[Day], weights: Weights, first_ms: int = 0
) -> Iterator[tuple[int, Finding]]:
    """Yield what the rules of each day from the first on find and nothing has taken back yet.

    A day is looked at with the six before it, so that slow bots are seen; also events that are taken
    back are looked at, but an event is named only once, by one rule.
    """
    days = list(days)
    named = {name for one in days for name in one.gone}
    for one in days:
        rules = weights.fraud_rules(one.start_ms)
        if rules is None or one.start_ms < first_ms:
            continue
        since_ms = one.start_ms - (LOOK_BACK_DAYS - 1) * DAY_MS
        span = [day for day in days if since_ms <= day.start_ms <= one.start_ms]
        events = [event for day in span for event in day.events]
        for finding in find(events, rules, Buckets(rules)):
            new = tuple(event for event in finding.events if _name(event) not in named)
            named.update(map(_name, new))
            if new:
                yield one.start_ms, finding._replace(events=new)


def records_of(findings: Iterable[tuple[int, Finding]]) -> Iterator[LogRecord]:
    """Yield the messages; their event time is the end of their day, which has passed everywhere."""
    for start_ms, finding in findings:
        for event in invalidations([finding], start_ms + DAY_MS):
            yield address(msgspec.json.encode(event))


def _take(
    days: dict[int, Day], kept: Iterable[tuple[int, bytes | None]], taken_back: set[int]
) -> None:
    offsets, values = zip(*kept, strict=True) if (kept := list(kept)) else ((), ())
    events, _ = decode_run(values)
    for offset, event in zip(offsets, events, strict=True):
        if isinstance(event, wire.VideoEvent):
            start_ms = event.event_time_ms // DAY_MS * DAY_MS
            one = days.setdefault(start_ms, Day(start_ms, [], set()))
            one.events.append(event)
            if offset in taken_back:
                one.gone.add(_name(event))


def _name(event: wire.VideoEvent) -> tuple[str, str, int]:
    return (event.video_id, event.id, event.event_time_ms)


def _refuse_open(judge: Judge, last_ms: int) -> None:
    reached_ms = judge.max_event_time_ms
    if 0 <= reached_ms < last_ms + DAY_MS:
        raise Refused(
            f"{_date(last_ms)} is not over in event time: a partition has reached "
            f"{datetime.fromtimestamp(reached_ms / 1000, UTC):%Y-%m-%d %H:%M}: wait"
        )


def _refuse_cut(known_from_ms: int, first_ms: int) -> None:
    if first_ms < known_from_ms:
        raise Refused(
            f"the topics no longer hold what came before (retention): judge single days from "
            f"{_date((known_from_ms + DAY_MS - 1) // DAY_MS * DAY_MS)} on with --day"
        )


def _broker(args: argparse.Namespace, settings: Settings) -> tuple[str | None, bool]:
    """Return the broker's address, if there is one, and whether it knows idempotent producers."""
    if args.data is not None:
        stack = running_stack(args.data)
        if stack is not None:
            return str(stack["kafka"]), bool(stack["transactions"])
        return None, False
    if args.kafka is None:
        raise InputError("say what to look at: --kafka, or --data DIR")
    return args.kafka, settings.transactions


async def _copy(kafka: str, folder: Path) -> list[Archive]:
    async with open_topics(kafka, folder, (ENGAGEMENT,), whole=False) as reader:
        with show_progress("read topics", 1.0) as tell:
            await reader.read_on(lambda done, total: tell(done / max(total, 1), reader.records))
        return reader.archives


async def _send(kafka: str, records: Iterable[LogRecord], *, idempotent: bool) -> None:
    async with open_sender(kafka, idempotent=idempotent, topics=(ENGAGEMENT,)) as sender:
        await sender.send(records, int(datetime.now(UTC).timestamp() * 1000))
        await sender.flush()
        if sender.refused:
            raise Refused(f"the broker takes no message of that size: {len(sender.refused)} left")


def _tell(findings: list[tuple[int, Finding]], *, preview: bool) -> None:
    if preview:
        for start_ms, finding in findings[:SHOWN_MAX]:
            users = len({event.user_id for event in finding.events})
            print(
                f"{_date(start_ms)} {finding.rule} on {finding.video_id}: "
                f"{len(finding.events):,} events of {users:,} users"
            )
        if len(findings) > SHOWN_MAX:
            print(f"... and {len(findings) - SHOWN_MAX:,} more")
    events = Counter[str]()
    for _, finding in findings:
        events[finding.rule] += len(finding.events)
    for rule, number in sorted(events.items()):
        print(f"{rule}: {number:,} events {'would be ' if preview else ''}invalidated")
    if not events:
        print("nothing is found that was not taken back already")


def _start_ms(when: date) -> int:
    return round(datetime(when.year, when.month, when.day, tzinfo=UTC).timestamp()) * 1000


def _date(at_ms: int) -> date:
    return datetime.fromtimestamp(at_ms / 1000, UTC).date()
