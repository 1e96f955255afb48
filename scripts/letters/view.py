"""The view `dead_letters` of one database, and how a message in it is chosen and named."""

from __future__ import annotations

import argparse
import base64
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from schemas.errors import InputError
from schemas.failures import Reason, Stage
from sinks.client import answering, connect
from streams.topics import SOURCES

PARTITION_MAX = (1 << 31) - 1  # Kafka's own limits
OFFSET_MAX = (1 << 63) - 1
KEYS = "topic, partition, offset, stage, reason or detail"

Conditions = dict[str, list[str]]

_VALUES: dict[str, tuple[str, ...]] = {
    "reason": tuple(Reason),
    "stage": tuple(Stage),
    "topic": SOURCES,
}
_NUMBERS = {"partition": PARTITION_MAX, "offset": OFFSET_MAX}


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

    def asjson_line(self) -> str:
        """Return one line with the field names of the dead-letter topic."""
        return json_line(
            {
                **self.where._asdict(),
                "stage": self.stage,
                "reason": self.reason,
                "detail": self.detail,
                "raw_base64": base64.b64encode(self.raw).decode("ascii"),
                "event_time_ms": self.event_time_ms,
            }
        )


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
        end = "ORDER BY `offset` DESC, topic, `partition`"
        end += "" if limit is None else f" LIMIT {limit:d}"
        yield from self._letters(_where(conditions), conditions, raw_bytes_max, end)

    def in_order(self, conditions: Conditions) -> Iterator[DeadLetterRow]:
        """Yield messages whole, those of a partition in the order in which they came."""
        end = "ORDER BY topic, `partition`, `offset`"
        yield from self._letters(_where(conditions), conditions, None, end)

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
            raise InputError(
                f"{where} is no dead letter: `engage dead-letters list` shows which are"
            )
        return found[0]

    def max_event_times_ms(self) -> dict[tuple[str, int], int]:
        """Return the event time that each partition, (topic, partition), has reached."""
        rows = self._rows(
            "SELECT topic, `partition`, toUnixTimestamp64Milli(max_event_time) "
            "FROM partitions FINAL",
            {},
        )
        return {(topic, partition): time_ms for topic, partition, time_ms in rows}

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
            f"length(raw), toUnixTimestamp64Milli(event_time) FROM dead_letters {where} {end}",
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


def json_line(value: dict[str, Any]) -> str:
    """Return one line of JSON."""
    return msgspec.json.encode(value).decode()


def _where(conditions: Conditions) -> str:
    if not conditions:
        return ""
    terms = [f"toString(`{key}`) IN {{{key}:Array(String)}}" for key in sorted(conditions)]
    return "WHERE " + " AND ".join(terms)


def by_key(conditions: Sequence[tuple[str, str]]) -> Conditions:
    """Return the values of each key; they are alternatives."""
    values: Conditions = {}
    for key, value in conditions:
        values.setdefault(key, []).append(value)
    return values


def condition(text: str) -> tuple[str, str]:
    """Parse KEY=VALUE; for `type=`."""
    key, _, value = text.partition("=")
    if key == "detail":
        return key, value
    if key in _NUMBERS:
        if not _is_number(value, _NUMBERS[key]):
            article = "an" if key == "offset" else "a"
            raise argparse.ArgumentTypeError(f"{text}: {article} {key} is a number")
        return key, str(int(value))
    if key not in _VALUES:
        raise argparse.ArgumentTypeError(f"{text}: KEY is {KEYS}")
    if value not in _VALUES[key]:
        known = ", ".join(_VALUES[key])
        raise argparse.ArgumentTypeError(f"{text}: {key} is one of {known}")
    return key, value


def message_id(text: str) -> MessageId:
    """Parse TOPIC-PARTITION-OFFSET; for `type=`."""
    parts = text.rsplit("-", 2)
    if len(parts) == 3:
        topic, partition, offset = parts
        if topic and _is_number(partition, PARTITION_MAX) and _is_number(offset, OFFSET_MAX):
            return MessageId(topic, int(partition), int(offset))
    raise argparse.ArgumentTypeError(
        f"{text}: a message is named TOPIC-PARTITION-OFFSET, as in engagement.events-0-1234"
    )


def limit(text: str) -> int:
    """Parse a whole number above 0; for `type=`."""
    if not _is_number(text, OFFSET_MAX) or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text}: must be a whole number above 0")
    return int(text)


def _is_number(text: str, highest: int) -> bool:
    return text.isdecimal() and len(text) <= 20 and int(text) <= highest
