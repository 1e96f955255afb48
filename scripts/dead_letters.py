"""Shows the messages that were refused: which, why, and their bytes as they came.

Reads the view `dead_letters` of a running stack, of the results that a run left in a folder, or of
a ClickHouse server. A message is named TOPIC-PARTITION-OFFSET; the record about it in the topic
engagement.dead-letters has the same key. Without --count and --show the messages are listed, those
with the highest offsets first.

stage decode: the bytes are no event. stage admission: an event, but of another topic, key or time.
"""

from __future__ import annotations

import argparse
import base64
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from schemas.errors import InputError
from schemas.failures import Reason, Stage
from scripts.options import clickhouse_option, data_option
from scripts.reading import open_results
from sinks.client import answering, connect
from streams.config import load_settings
from streams.topics import SOURCES

HELP = "look at the messages that were refused, and why"
EXAMPLES = """\
examples:
  engage dead-letters --data ./results --count
  engage dead-letters --data ./results --where reason=missing_field --limit 5
  engage dead-letters --data ./results --show engagement.events-0-1234
  engage dead-letters --data ./results --show engagement.events-0-1234 --raw > message.bin
  engage dead-letters --clickhouse http://127.0.0.1:8123 --where topic=commerce.events --json
"""

LIMIT_DEFAULT = 20
PREVIEW_BYTES = 120
SHOWN_BYTES_MAX = 10_000
PARTITION_MAX = (1 << 31) - 1  # Kafka's own limits
OFFSET_MAX = (1 << 63) - 1

Conditions = dict[str, list[str]]

_VALUES: dict[str, tuple[str, ...]] = {
    "reason": tuple(Reason),
    "stage": tuple(Stage),
    "topic": SOURCES,
}


class MessageId(NamedTuple):
    """Where a message stands in Kafka."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}-{self.offset}"


class DeadLetterRow(NamedTuple):
    """One row of the view; `raw` may be only its beginning, `raw_bytes` is the whole length."""

    where: MessageId
    stage: str
    reason: str
    detail: str
    raw: bytes
    raw_bytes: int
    event_time_ms: int | None

    def as_json(self) -> str:
        """Return one line with the field names of the dead-letter topic."""
        return _json(
            {
                **self.where._asdict(),
                "stage": self.stage,
                "reason": self.reason,
                "detail": self.detail,
                "raw_base64": base64.b64encode(self.raw).decode("ascii"),
                "event_time_ms": self.event_time_ms,
            }
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    data_option(parser, note="running or not; goes before --clickhouse")
    clickhouse_option(parser)
    parser.add_argument(
        "--where",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        type=_condition,
        help="only these; KEY is topic, partition, stage or reason; given again: values of one key "
        "are alternatives, different keys must all hold",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--count", action="store_true", help="how many, by topic, stage and reason")
    what.add_argument(
        "--show", metavar="ID", type=_message_id, help="one message: TOPIC-PARTITION-OFFSET"
    )
    parser.add_argument(
        "--limit",
        metavar="N",
        type=_limit,
        help=f"list at most N (default {LIMIT_DEFAULT}, with --json all)",
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument(
        "--json", action="store_true", help="one JSON object a line, raw bytes in base64"
    )
    output.add_argument(
        "--raw", action="store_true", help="with --show: the message's bytes and nothing else"
    )


def run(args: argparse.Namespace) -> int:
    """List, count or show."""
    if args.raw and args.show is None:
        raise InputError("--raw writes one message: say which with --show")
    if args.show is not None and (args.where or args.limit is not None):
        raise InputError("--show names one message: leave --where and --limit out")
    conditions = _by_key(args.where)
    with open_results(args.data, args.clickhouse) as url:
        letters = Letters(url, load_settings().database)
        with closing(letters):
            if args.show is not None:
                _show(letters.one(args.show), as_json=args.json, raw_only=args.raw)
            elif args.count:
                _print_counts(letters.counts(conditions), as_json=args.json)
            else:
                _list(letters, conditions, args.limit, as_json=args.json)
    return 0


class Letters:
    """The view `dead_letters` of one database."""

    def __init__(self, url: str, database: str) -> None:
        self._url = url
        self._client: Any = connect(url, database)

    def counts(self, conditions: Conditions) -> list[tuple[str, str, str, int]]:
        """Return (topic, stage, reason, messages), the most frequent first."""
        return list(
            self._rows(
                f"SELECT topic, stage, reason, count() AS messages FROM dead_letters "
                f"{_where(conditions)} GROUP BY topic, stage, reason "
                "ORDER BY messages DESC, topic, stage, reason",
                conditions,
            )
        )

    def some(
        self, conditions: Conditions, limit: int | None, raw_bytes_max: int | None
    ) -> Iterator[DeadLetterRow]:
        """Yield messages, the highest offsets first; of each at most `raw_bytes_max` bytes."""
        end = "" if limit is None else f"LIMIT {limit:d}"
        yield from self._letters(_where(conditions), conditions, raw_bytes_max, end)

    def one(self, where: MessageId) -> DeadLetterRow:
        """Return one message whole.

        Raises:
            InputError: it is not among the dead letters.
        """
        condition = (
            "WHERE topic = {topic:String} AND `partition` = {number:UInt32} "
            "AND `offset` = {place:UInt64}"
        )
        parameters = {"topic": where.topic, "number": where.partition, "place": where.offset}
        found = list(self._letters(condition, parameters, None, ""))
        if not found:
            raise InputError(f"{where} is no dead letter: without --show they are listed")
        return found[0]

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _letters(
        self, where: str, parameters: Any, raw_bytes_max: int | None, end: str
    ) -> Iterator[DeadLetterRow]:
        raw = "raw" if raw_bytes_max is None else f"substring(raw, 1, {raw_bytes_max:d})"
        rows = self._rows(
            # in base64, because the driver takes strings for UTF-8
            f"SELECT topic, `partition`, `offset`, stage, reason, detail, base64Encode({raw}), "
            f"length(raw), toUnixTimestamp64Milli(event_time) FROM dead_letters {where} "
            f"ORDER BY `offset` DESC, topic, `partition` {end}",
            parameters,
        )
        for topic, partition, offset, stage, reason, detail, raw64, size, time_ms in rows:
            place = MessageId(topic, partition, offset)
            content = base64.b64decode(raw64)
            yield DeadLetterRow(place, stage, reason, detail, content, size, time_ms)

    def _rows(self, sql: str, parameters: Any) -> Iterator[Any]:
        with (
            answering(self._url, doing="a query about dead letters"),
            self._client.query_rows_stream(sql, parameters=parameters) as stream,
        ):
            yield from stream


def _list(letters: Letters, conditions: Conditions, limit: int | None, *, as_json: bool) -> None:
    if as_json:
        for letter in letters.some(conditions, limit, None):
            print(letter.as_json())
        return
    total = sum(messages for *_, messages in letters.counts(conditions))
    shown = 0
    for letter in letters.some(conditions, limit or LIMIT_DEFAULT, PREVIEW_BYTES):
        shown += 1
        print(f"{letter.where}  {letter.reason}: {printable(letter.detail)}")
        more = " ..." if letter.raw_bytes > len(letter.raw) else ""
        print(f"    {printable(letter.raw)}{more}" if letter.raw else "    (no bytes)")
    if total == 0:
        print("no dead letters" + (" like that" if conditions else ""))
    elif shown < total:
        print(f"{shown} of {total:,}: --limit shows more, --where chooses, --count counts")


def _print_counts(counts: Sequence[tuple[str, str, str, int]], *, as_json: bool) -> None:
    names = ("topic", "stage", "reason", "messages")
    if as_json:
        for row in counts:
            print(_json(dict(zip(names, row, strict=True))))
        return
    total = sum(messages for *_, messages in counts)
    print(f"{'messages':>10}  {'reason':<18}{'stage':<11}topic")
    for topic, stage, reason, messages in counts:
        print(f"{messages:>10,}  {reason:<18}{stage:<11}{topic}")
    print(f"{total:>10,}  in all")


def _show(letter: DeadLetterRow, *, as_json: bool, raw_only: bool) -> None:
    if raw_only:
        sys.stdout.buffer.write(letter.raw)
        sys.stdout.buffer.flush()
    elif as_json:
        print(letter.as_json())
    else:
        print(f"message     {letter.where}")
        print(f"stage       {letter.stage}")
        print(f"reason      {letter.reason}")
        print(f"detail      {printable(letter.detail)}")
        print(f"event time  {_time(letter.event_time_ms)}")
        print(f"raw         {letter.raw_bytes:,} bytes")
        print(printable(letter.raw[:SHOWN_BYTES_MAX]))
        if letter.raw_bytes > SHOWN_BYTES_MAX:
            print(f"... cut after {SHOWN_BYTES_MAX:,} bytes: --raw writes all")


def printable(content: bytes | str) -> str:
    r"""Return text that is safe on a terminal: what cannot be printed becomes \x1b, \n or the like."""
    text = content if isinstance(content, str) else content.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _time(event_time_ms: int | None) -> str:
    if event_time_ms is None:
        return "unknown"
    time = datetime.fromtimestamp(event_time_ms // 1000, UTC)
    return f"{time:%Y-%m-%dT%H:%M:%S}.{event_time_ms % 1000:03d}Z"


def _where(conditions: Conditions) -> str:
    if not conditions:
        return ""
    terms = [f"toString(`{key}`) IN {{{key}:Array(String)}}" for key in sorted(conditions)]
    return "WHERE " + " AND ".join(terms)


def _by_key(conditions: Sequence[tuple[str, str]]) -> Conditions:
    values: Conditions = {}
    for key, value in conditions:
        values.setdefault(key, []).append(value)
    return values


def _json(value: dict[str, Any]) -> str:
    return msgspec.json.encode(value).decode()


def _condition(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    if key == "partition":
        if not _is_number(value, PARTITION_MAX):
            raise argparse.ArgumentTypeError(f"{text}: a partition is a number")
        return key, str(int(value))
    if key not in _VALUES:
        raise argparse.ArgumentTypeError(f"{text}: KEY is topic, partition, stage or reason")
    if value not in _VALUES[key]:
        known = ", ".join(_VALUES[key])
        raise argparse.ArgumentTypeError(f"{text}: {key} is one of {known}")
    return key, value


def _message_id(text: str) -> MessageId:
    parts = text.rsplit("-", 2)
    if len(parts) == 3:
        topic, partition, offset = parts
        if topic and _is_number(partition, PARTITION_MAX) and _is_number(offset, OFFSET_MAX):
            return MessageId(topic, int(partition), int(offset))
    raise argparse.ArgumentTypeError(
        f"{text}: a message is named TOPIC-PARTITION-OFFSET, as in engagement.events-0-1234"
    )


def _limit(text: str) -> int:
    if not _is_number(text, OFFSET_MAX) or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text}: must be a whole number above 0")
    return int(text)


def _is_number(text: str, highest: int) -> bool:
    return text.isdecimal() and len(text) <= 20 and int(text) <= highest
