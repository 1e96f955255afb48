"""A worker that dies, or stops, at a named step of a flush: the product's classes, wrapped.

A step is armed by a file of its name. The first process that reaches it takes the file, so that of
several workers only one is hit, and the worker that is started in its place is not hit again.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sinks.writer import Writer
from streams.changelog import Flush, PartitionLog
from streams.checkpoint import CheckpointStore
from streams.config import Settings
from streams.delivery import Delivery
from streams.pipeline import Pipeline
from streams.values import Rules

EXIT_CODE = 77
EXIT, STOP = "exit", "stop"

# In the order of a flush; the last two belong to a take-over.
STEPS = (
    "rows-before",  # nothing of this flush is in ClickHouse
    "rows-between",  # one table has its rows, the others do not
    "rows-after",  # ClickHouse has all rows, the changelog nothing
    "save-begun",  # the transaction is open and empty
    "save-buried",  # it has the dead letters
    "save-written",  # and the pages and the position
    "save-after",  # committed for one partition, perhaps not for the others
    "offsets-before",  # all is saved, the group knows nothing of it
    "offsets-after",  # and now it does
    "claimed",  # a partition is claimed, its state not read
    "recovered",  # its state is read, no message counted
)
TAKE_OVER = ("claimed", "recovered")


_watched: Path | None = None


def watch(folder: Path) -> None:
    """Look for armed steps in this folder, from now on, in this process."""
    global _watched
    _watched = folder


def arm(folder: Path, step: str, what: str = EXIT) -> None:
    """Let the first worker that reaches a step exit, or stop, there."""
    assert step in STEPS, step
    part = folder / f".{step}"
    part.write_text(what)
    part.rename(folder / step)


def fired(folder: Path, step: str) -> bool:
    """Tell whether somebody has reached the step."""
    return not (folder / step).exists()


def reached(step: str) -> None:
    """Exit or stop here when the step is armed."""
    assert _watched is not None, "a worker begins with watch()"
    armed = _watched / step
    mine = armed.with_name(f".{step}-{os.getpid()}")
    try:
        armed.rename(mine)
    except FileNotFoundError:
        return
    if mine.read_text() == STOP:
        os.kill(os.getpid(), signal.SIGSTOP)
    else:
        os._exit(EXIT_CODE)


class FaultyWriter(Writer):
    """Dies before and between tables."""

    def write(self, table: str, columns: Sequence[Sequence[Any]]) -> None:
        reached("rows-before")
        super().write(table, columns)
        reached("rows-between")


class FaultyStore(CheckpointStore):
    """Dies inside and after a save, and inside a take-over."""

    async def _claim(self, partition: int) -> None:
        await super()._claim(partition)
        reached("claimed")

    async def _recover(self, this_round: int) -> None:
        await super()._recover(this_round)
        reached("recovered")

    async def flush(self, found: PartitionLog, flush: Flush) -> None:
        await super().flush(found, flush)
        reached("save-after")

    async def _tell(self, producer: Any, found: PartitionLog, flush: Flush) -> None:
        reached("save-begun")
        await super()._tell(producer, found, flush)
        reached("save-buried")

    async def _write(self, producer: Any, found: PartitionLog, records: Any) -> None:
        await super()._write(producer, found, records)
        reached("save-written")


class FaultyPipeline(Pipeline):
    """Dies around the rows of a flush and around its offsets."""

    def __init__(self, app: Any, settings: Settings, rules: Rules) -> None:
        super().__init__(app, settings, rules)
        self._delivery = Delivery(settings.clickhouse, settings.database, FaultyWriter)

    async def _write(self, snapshots: Any) -> None:
        await super()._write(snapshots)
        reached("rows-after")

    async def _commit(self) -> None:
        reached("offsets-before")
        await super()._commit()
        reached("offsets-after")
