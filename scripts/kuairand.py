"""Rows of a KuaiRand log (real exposures on a short-video app) as events.

One `impression` a row, one `view` when anything was played, one event for each thing the user
did. The event id is `{user}-{video}-{time_ms}-{type}`, so a row logged twice gives duplicates.
KuaiRand: Gao et al., CIKM 2022, CC BY-SA 4.0.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from schemas.base import ENGAGEMENT_TOPIC
from schemas.errors import InputError
from scripts.records import LogRecord

FOR_YOU_TAB = "1"
NUMBERS = ("time_ms", "play_time_ms", "duration_ms")
LOG_HOUR_COLUMNS = ("date", "hourmin")
ACTIONS = {
    "is_like": "like",
    "is_follow": "follow",
    "is_comment": "comment",
    "is_forward": "share",
    "is_hate": "not_interested",
    "is_profile_enter": "profile_view",
}
COLUMNS = ("user_id", "video_id", "author_id", "tab", *NUMBERS, *ACTIONS)
_INT64_DIGITS_MAX = 18

_encode = msgspec.json.Encoder().encode


class Row(NamedTuple):
    """One checked row of the CSV."""

    user_id: str
    video_id: str
    author_id: str
    feed: str
    time_ms: int
    play_time_ms: int
    duration_ms: int
    actions: tuple[str, ...]
    log_hour: tuple[int, int]


def is_header(line: bytes) -> bool:
    """Tell whether a line is the header of a KuaiRand log."""
    names = line.rstrip(b"\r").split(b",")
    return b"time_ms" in names and b"author_id" in names


def read_rows(lines: Iterable[bytes], name: str, *, log_hour: bool = False) -> Iterator[Row]:
    """Yield the rows in the file's order; `log_hour` asks for the two columns that name it.

    Raises:
        InputError: a column is missing or a value is not what its column holds; the message
            names the file, the line and the column.
    """
    reader = csv.reader(_texts(lines, name))
    line = 1
    try:
        header = next(reader, [])
        wanted = COLUMNS + (LOG_HOUR_COLUMNS if log_hour else ())
        missing = [column for column in wanted if column not in header]
        if missing:
            raise InputError(f"{name} line 1: no column {', '.join(missing)}")
        parse = _RowParser(header, log_hour=log_hour)
        for values in reader:
            line = reader.line_num
            yield parse(values)
    except (csv.Error, ValueError) as error:
        raise InputError(f"{name} line {line}: {error}") from error


def sort_by_log_hour(rows: Iterable[Row]) -> list[Row]:
    """Order rows by the hour they were logged in, then by event time: how they really arrived."""
    return sorted(rows, key=lambda row: (row.log_hour, row.time_ms))


def records_of(rows: Iterable[Row]) -> Iterator[LogRecord]:
    """Yield the events of each row."""
    for row in rows:
        key = row.video_id.encode()
        for event in _events(row):
            yield LogRecord(ENGAGEMENT_TOPIC, key, _encode(event), row.time_ms)


def _events(row: Row) -> Iterator[dict[str, object]]:
    yield _event(row, "impression") | {"feed": row.feed}
    if row.play_time_ms > 0:
        yield _event(row, "view") | {
            "watch_ms": row.play_time_ms,
            "duration_ms": row.duration_ms,
            "feed": row.feed,
        }
    for kind in row.actions:
        event = _event(row, kind)
        if kind == "comment":
            event["comment_id"] = event["id"]  # the log has none of its own
        yield event


def _event(row: Row, kind: str) -> dict[str, object]:
    return {
        "id": f"{row.user_id}-{row.video_id}-{row.time_ms}-{kind}",
        "type": kind,
        "event_time_ms": row.time_ms,
        "user_id": row.user_id,
        "video_id": row.video_id,
        "creator_id": row.author_id,
    }


def _texts(lines: Iterable[bytes], name: str) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"{name} line {number}: not UTF-8") from error


class _RowParser:
    """Turns the values of one line into a Row; raises ValueError that names the column."""

    def __init__(self, header: list[str], *, log_hour: bool) -> None:
        self._width = len(header)
        self._at = {column: header.index(column) for column in COLUMNS}
        self._hour = [header.index(column) for column in LOG_HOUR_COLUMNS] if log_hour else []
        self._actions = [(column, self._at[column], kind) for column, kind in ACTIONS.items()]

    def __call__(self, values: list[str]) -> Row:
        if len(values) != self._width:
            raise ValueError(f"{len(values)} columns, the header has {self._width}")
        at = self._at
        time_ms, play_time_ms, duration_ms = (_number(values[at[c]], c) for c in NUMBERS)
        hour = [_number(values[i], c) for i, c in zip(self._hour, LOG_HOUR_COLUMNS, strict=False)]
        return Row(
            user_id=_id(values[at["user_id"]], "user_id"),
            video_id=_id(values[at["video_id"]], "video_id"),
            author_id=_id(values[at["author_id"]], "author_id"),
            feed="for_you" if values[at["tab"]] == FOR_YOU_TAB else "other",
            time_ms=time_ms,
            play_time_ms=play_time_ms,
            duration_ms=duration_ms,
            actions=tuple(kind for c, i, kind in self._actions if _flag(values[i], c)),
            log_hour=(hour[0], hour[1]) if hour else (0, 0),
        )


def _number(text: str, column: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > _INT64_DIGITS_MAX:
        raise ValueError(f"column {column} is {text[:40]!r}: must be a whole number")
    return int(text)


def _flag(text: str, column: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError(f"column {column} is {text[:40]!r}: must be 0 or 1")
    return text == "1"


def _id(text: str, column: str) -> str:
    if not text:
        raise ValueError(f"column {column} is empty")
    return text
