"""Progress of long work, on stderr: a bar for a person, a line every five seconds for a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

LINE_EVERY_S = 5.0


class ProgressUpdate(Protocol):
    """Tells how far the work is; cheap enough to be called a few times a second."""

    def __call__(self, done: float, events: int) -> None:
        """`done` of the total, and how many events that was."""


@contextmanager
def show_progress(
    label: str, total: float | None, unit: str = "events"
) -> Iterator[ProgressUpdate]:
    """Show the progress of one piece of work until the block ends; a total of None has no end."""
    if sys.stderr.isatty():
        with _bar(unit) as bar:
            yield _BarUpdate(bar, label, total)
    else:
        yield _LineUpdate(label, total, unit)


def _bar(unit: str) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[events]:,} " + unit + ", {task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
        console=Console(stderr=True),
        refresh_per_second=5,
    )


class _BarUpdate:
    def __init__(self, bar: Progress, label: str, total: float | None) -> None:
        self._bar = bar
        self._task = bar.add_task(label, total=total, events=0, rate=0.0)
        self._started_s = time.monotonic()

    def __call__(self, done: float, events: int) -> None:
        rate = events / max(time.monotonic() - self._started_s, 1e-3)
        self._bar.update(self._task, completed=done, events=events, rate=rate)


class _LineUpdate:
    def __init__(self, label: str, total: float | None, unit: str) -> None:
        self._label = label
        self._unit = unit
        self._total = total
        self._started_s = self._printed_s = time.monotonic()

    def __call__(self, done: float, events: int) -> None:
        now_s = time.monotonic()
        if now_s - self._printed_s < LINE_EVERY_S:
            return
        self._printed_s = now_s
        elapsed_s = now_s - self._started_s
        text = f"{self._label}: {events:,} {self._unit}, {events / elapsed_s:,.0f}/s"
        if self._total and done > 0:
            share = min(done / self._total, 1.0)
            text += f", {share:.0%}, {elapsed_s * (1 - share) / share:.0f} s left"
        print(text, file=sys.stderr)
