"""Dead letters on a terminal, or as one JSON object a line."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from scripts.letters.mending import Mended
from scripts.letters.view import Conditions, DeadLetterRow, Letters, json_line

LIMIT_DEFAULT = 20
PREVIEW_BYTES = 120
SHOWN_BYTES_MAX = 10_000
EXAMPLES_SHOWN = 3


def print_list(
    letters: Letters, conditions: Conditions, limit: int | None, *, as_json: bool
) -> None:
    """Print messages, the highest offsets first."""
    if as_json:
        for letter in letters.some(conditions, limit, None):
            print(letter.asjson_line())
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
        print(f"{shown} of {total:,}: --limit shows more, --where chooses, `group` counts")


def print_groups(counts: Sequence[tuple[str, str, str, int]], *, as_json: bool) -> None:
    """Print how many there are of each kind."""
    names = ("topic", "stage", "reason", "messages")
    if as_json:
        for row in counts:
            print(json_line(dict(zip(names, row, strict=True))))
        return
    total = sum(messages for *_, messages in counts)
    print(f"{'messages':>10}  {'reason':<18}{'stage':<11}topic")
    for topic, stage, reason, messages in counts:
        print(f"{messages:>10,}  {reason:<18}{stage:<11}{topic}")
    print(f"{total:>10,}  in all")


def print_one(letter: DeadLetterRow, *, as_json: bool, raw_only: bool) -> None:
    """Print one message."""
    if raw_only:
        sys.stdout.buffer.write(letter.raw)
        sys.stdout.buffer.flush()
    elif as_json:
        print(letter.asjson_line())
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


def print_outcome(
    sendable: Sequence[Mended], *, before: int, refused: Counter[str], late: int, preview: bool
) -> None:
    """Print what a replay did, or would do."""
    print(f"{len(sendable):>10,}  {'would be sent' if preview else 'sent'}")
    if late:
        print(f"{late:>10,}  of these are older than the horizon: they count as late events only")
    print(f"{before:>10,}  were replayed before")
    print(f"{refused.total():>10,}  would be refused again and stay")
    for reason, messages in refused.most_common():
        print(f"{messages:>10,}      {printable(reason)}")
    for mended in sendable[:EXAMPLES_SHOWN] if preview else ():
        value = printable(mended.record.value[:PREVIEW_BYTES])
        more = " ..." if len(mended.record.value) > PREVIEW_BYTES else ""
        print(f"{mended.name.rpartition('~')[0]}  to {mended.record.topic}\n    {value}{more}")


def printable(content: bytes | str) -> str:
    r"""Return text that is safe on a terminal: what cannot be printed becomes \x1b, \n or the like."""
    text = content if isinstance(content, str) else content.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _time(event_time_ms: int | None) -> str:
    if event_time_ms is None:
        return "unknown"
    time = datetime.fromtimestamp(event_time_ms // 1000, UTC)
    return f"{time:%Y-%m-%dT%H:%M:%S}.{event_time_ms % 1000:03d}Z"
