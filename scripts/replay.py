"""Sends a log of events to Kafka: in the log's order, every record, broken ones too.

A log is JSONL (plain, .gz or .zst), Parquet, or the CSV of KuaiRand. Without --speed it goes as
fast as Kafka takes it; with --speed 60 an hour of the log takes a minute. With --resume FILE a
replay that was stopped or killed goes on where it was: nothing is lost, and the few records that
are sent twice are recognised by their event ids.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from scripts.logs import ARRIVALS, FORMATS, Log, open_log
from scripts.options import kafka_option
from scripts.progress import show_progress
from scripts.records import LogRecord
from scripts.resume import ResumeFile
from scripts.sending import BatchSender, open_sender
from streams.config import load_settings

HELP = "Send a log of events to Kafka, at any speed, resumable"
EXAMPLES = """\
Examples:
  engage replay events.jsonl.zst --kafka 127.0.0.1:9092
  engage replay kuairand_log.csv.gz --arrival log-hour --resume replay.state
  engage replay events.parquet --speed 60 --limit 100000
"""
_CHUNK_RECORDS = 2_000
_TICK_S = 0.01
_REPORT_EVERY_S = 0.2
_GAP_MS_MAX = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What a replay did.

    `ends` is the offset after the last record, for each (topic, partition) written to: who has
    read up to it has all of the log. `refused` are the numbers (from 0) of records too large for
    their topic.
    """

    sent: int
    bytes: int
    seconds: float
    ends: Mapping[tuple[str, int], int]
    refused: tuple[int, ...] = ()

    @property
    def rate(self) -> float:
        """Records per second."""
        return self.sent / max(self.seconds, 1e-9)


async def replay(
    records: Iterable[LogRecord],
    kafka: str,
    *,
    idempotent: bool,
    speed: float | None = None,
    progress: Callable[[int], None] | None = None,
    resume: ResumeFile | None = None,
) -> ReplayReport:
    """Send all records and return when the brokers have acknowledged them.

    Args:
        records: read from the start also when resuming: what was acknowledged is skipped.
        kafka: host:port[,host:port].
        idempotent: False for a broker without idempotent producers (the embedded one).
        speed: how many times faster than the events happened; None is as fast as possible.
        progress: told the number of records acknowledged, a few times a second.
        resume: where to go on, and where that is kept.

    Raises:
        Unavailable: no Kafka, or it stopped taking records.
        Refused: the topics do not exist.
    """
    skipped = resume.acknowledged if resume else 0
    pending = islice(iter(records), skipped, None)
    started_s = time.monotonic()
    async with open_sender(kafka, idempotent=idempotent) as sender:
        reporter = _Reporter(sender, skipped, progress, resume)
        try:
            async for chunk in _chunks(pending, speed):
                await sender.send(chunk, time.time_ns() // 1_000_000)
                if speed is not None:
                    await sender.push()
                reporter.tick()
            await sender.flush()
        finally:
            reporter.now()
    refused = tuple(skipped + number for number in sender.refused)
    seconds = time.monotonic() - started_s
    return ReplayReport(sender.sent, sender.sent_bytes, seconds, sender.ends, refused)


class _Reporter:
    """Tells progress and keeps the resume file, a few times a second."""

    def __init__(
        self,
        sender: BatchSender,
        skipped: int,
        progress: Callable[[int], None] | None,
        resume: ResumeFile | None,
    ) -> None:
        self._sender = sender
        self._skipped = skipped
        self._progress = progress
        self._resume = resume
        self._next_s = 0.0

    def tick(self) -> None:
        if time.monotonic() >= self._next_s:
            self.now()
            self._next_s = time.monotonic() + _REPORT_EVERY_S

    def now(self) -> None:
        acknowledged = self._skipped + self._sender.acknowledged
        if self._progress:
            self._progress(acknowledged)
        if self._resume:
            self._resume.save(acknowledged)


async def _chunks(
    records: Iterator[LogRecord], speed: float | None
) -> AsyncIterator[list[LogRecord]]:
    """Yield records when they are due: at once, or as their event times say."""
    if speed is None:
        while chunk := list(islice(records, _CHUNK_RECORDS)):
            yield chunk
            await asyncio.sleep(0)
        return
    pace = Pace(speed, now_ms=time.time_ns() // 1_000_000)
    started_s = time.monotonic()
    chunk = []
    for record in records:
        due_s = started_s + pace.due_s(record.event_time_ms)
        if chunk and (due_s > time.monotonic() or len(chunk) >= _CHUNK_RECORDS):
            yield chunk
            chunk = []
        if (wait_s := due_s - time.monotonic()) > 0:
            await asyncio.sleep(max(wait_s, _TICK_S))
        chunk.append(record)
    yield chunk


class Pace:
    """When records are due, in seconds from the start. Send times never drift: each comes from
    the log's own times, not from when the record before it was sent.

    The log's clock only goes forward. A gap of more than a day is not waited for, and a time in
    the future does not move the clock.
    """

    def __init__(self, speed: float, now_ms: int) -> None:
        self._speed = speed
        self._now_ms = now_ms
        self._high_ms: int | None = None
        self._position_ms = 0

    def due_s(self, event_time_ms: int | None) -> float:
        """Return when a record with this event time is due."""
        if event_time_ms is not None and 0 <= event_time_ms <= self._now_ms:
            if self._high_ms is None:
                self._high_ms = event_time_ms
            gap_ms = event_time_ms - self._high_ms
            if gap_ms > 0:
                self._high_ms = event_time_ms
                self._position_ms += gap_ms if gap_ms <= _GAP_MS_MAX else 0
        return self._position_ms / 1000 / self._speed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `engage replay`."""
    parser.add_argument("log", metavar="LOG", help="the log's file")
    parser.add_argument("--format", choices=FORMATS, default="auto", help="default: look at it")
    parser.add_argument(
        "--arrival",
        choices=ARRIVALS,
        default="file",
        help="order of a KuaiRand log: as in the file, or by the hour each row was logged in "
        "(real lateness)",
    )
    kafka_option(parser)
    parser.add_argument(
        "--speed",
        metavar="max|N",
        type=_speed,
        default=None,
        help="N times as fast as the events happened; default max: as fast as possible",
    )
    parser.add_argument(
        "--resume", metavar="FILE", type=Path, help="go on where FILE says; it is made when missing"
    )
    parser.add_argument("--limit", metavar="N", type=_count, help="only the first N records")
    parser.add_argument(
        "--plain",
        action="store_true",
        help="no idempotent producer: for the embedded broker, which has none",
    )


def run(args: argparse.Namespace) -> int:
    """Replay the log that the command line names."""
    settings = load_settings()
    kafka = args.kafka or settings.kafka
    log = open_log(args.log, args.format, args.arrival)
    resume = ResumeFile(args.resume, log, args.arrival, kafka) if args.resume else None
    report = asyncio.run(_replay_log(log, kafka, args, resume, settings.transactions))
    for number in report.refused:
        print(f"warning: record {number + 1} is too large for its topic", file=sys.stderr)
    print(
        f"{report.sent:,} records, {report.bytes / 1e6:,.1f} MB in {report.seconds:.1f} s: "
        f"{report.rate:,.0f}/s"
    )
    return 1 if report.refused else 0


async def _replay_log(
    log: Log,
    kafka: str,
    args: argparse.Namespace,
    resume: ResumeFile | None,
    transactions: bool,  # noqa: FBT001 - the setting of that name
) -> ReplayReport:
    with show_progress(f"replay {log.path.name}", log.total) as update:
        return await replay(
            islice(log.records(), args.limit),
            kafka,
            idempotent=transactions and not args.plain,
            speed=args.speed,
            progress=lambda acknowledged: update(log.done, acknowledged),
            resume=resume,
        )


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: 'max' or a number") from error
    if not 0 < speed < 1e9:
        raise argparse.ArgumentTypeError(f"{text}: must be above 0 and below 1e9")
    return speed


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r}: must be a whole number")
    return int(text)
