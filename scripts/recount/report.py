"""What an audit found, for people and for programs."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from scripts.recount.compare import Difference, ViewReport

DIFFERENCES_SHOWN_MAX = 20
NOTES_SHOWN_MAX = 5
VALUE_LENGTH_MAX = 160
TIMES_FROM_MS = 10**11


def as_text(reports: Sequence[ViewReport]) -> str:
    """Return a table of the views, the first differing cells and the verdict."""
    lines = [f"{'view':<17}{'rows':>12}{'cells':>14}{'differing':>12}"]
    lines += [f"{r.view:<17}{r.rows:>12,}{r.cells:>14,}{r.differing:>12,}" for r in reports]
    differing = sum(report.differing for report in reports)
    cells = sum(report.cells for report in reports)
    if differing:
        shown = list(first_differences(reports))
        lines += ["", f"the first {len(shown)} of {differing:,} differing cells:"]
        lines += [_line(difference) for difference in shown]
        lines += ["", f"{differing:,} of {cells:,} cells differ from the recount"]
    else:
        lines += ["", f"{cells:,} cells, no difference"]
    lines += [f"{r.view}: {r.hint}" for r in reports if r.differing and r.hint]
    for report in reports:
        for reason, number in report.noted.items():
            lines += ["", f"{report.view}: {number:,} {reason}, for example:"]
            lines += [_line(note) for note in report.notes[reason][:NOTES_SHOWN_MAX]]
    return "\n".join(lines)


def as_json(reports: Sequence[ViewReport]) -> str:
    """Return the same as one JSON object."""
    return json.dumps(
        {
            "differing": sum(report.differing for report in reports),
            "cells": sum(report.cells for report in reports),
            "views": {
                r.view: {"rows": r.rows, "cells": r.cells, "differing": r.differing}
                for r in reports
            },
            "differences": [_cell(d) for d in first_differences(reports)],
            "hints": {r.view: r.hint for r in reports if r.differing and r.hint},
            "notes": {
                reason: {
                    "cells": number,
                    "examples": [_cell(d) for d in r.notes[reason][:NOTES_SHOWN_MAX]],
                }
                for r in reports
                for reason, number in r.noted.items()
            },
        },
        indent=2,
    )


def first_differences(reports: Sequence[ViewReport]) -> Iterator[Difference]:
    """Yield some differences, taking turns among the views, so that each shows what it has."""
    queues = [iter(report.differences) for report in reports]
    shown = 0
    while queues and shown < DIFFERENCES_SHOWN_MAX:
        for queue in list(queues):
            difference = next(queue, None)
            if difference is None:
                queues.remove(queue)
            elif shown < DIFFERENCES_SHOWN_MAX:
                shown += 1
                yield difference


def _cell(difference: Difference) -> dict[str, object]:
    return {
        "view": difference.view,
        "key": list(difference.key),
        "column": difference.column,
        "expected": _plain(difference.expected),
        "found": _plain(difference.found),
    }


def _line(difference: Difference) -> str:
    key = ", ".join(map(_key_part, difference.key))
    expected, found = _short(difference.expected), _short(difference.found)
    return f"  {difference.view} [{key}] {difference.column}: expected {expected}, found {found}"


def _key_part(value: object) -> str:
    """Return a part of a key; a number that can only be a time in milliseconds as that time."""
    if isinstance(value, int) and value >= TIMES_FROM_MS:
        return datetime.fromtimestamp(value / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    return str(value)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= VALUE_LENGTH_MAX else text[:VALUE_LENGTH_MAX] + "..."


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
