"""The worker without what makes it exact: what checkpoints and commits cost, and nothing else.

It decodes, counts and writes to ClickHouse as the product does, but makes no pages of state, writes
nothing into the changelog but its claims, and commits no offset. A restart would count everything
again: this exists to be measured and is no option of the product.

    python -m scripts.benchmarks.inexact_worker     settings from the environment
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from faust.stores import STORES

from streams.agents import build_worker
from streams.changelog import Flush, PartitionLog
from streams.checkpoint import CheckpointStore
from streams.config import Settings
from streams.partition import Partition
from streams.pipeline import Owned, Pipeline
from streams.registers import Registers
from streams.subjects import Live, Video
from streams.sweep import Pages, PageWriter
from streams.viewers import Viewers
from streams.worker import main


class UnsavedStore(CheckpointStore):
    """A store whose flush only moves the position in memory."""

    async def flush(self, found: PartitionLog, flush: Flush) -> None:
        """Write nothing."""
        found.position = flush.position


class NoPages(PageWriter):
    """Marks what changed as written, and writes nothing."""

    def take(self, state: Partition) -> Pages:
        """Return no page."""
        for subject in state.dirty_subjects:
            subject.dirty, subject.gone, subject.written = False, [], subject.changed
            for part in _changed_parts(subject):
                part.changed.clear()
            if isinstance(subject, Live):
                subject.changed_users.clear()
                subject.changed_streaks.clear()
                subject.changed_refunds.clear()
        for creator_id, _ in state.changed_follows:
            state.follows[creator_id].changed.clear()
        state.dirty_subjects, state.new_invalidated, state.changed_follows = [], [], {}
        return Pages([], range(0))


def _changed_parts(subject: Any) -> Iterator[Viewers | Registers]:
    if isinstance(subject, Video):
        yield from (subject.viewers, subject.likes, subject.favorites)


class UncommittedPipeline(Pipeline):
    """A pipeline that makes no pages and tells the group nothing."""

    def _checkpoint(self, owned: Owned) -> Flush:
        if not isinstance(owned.pages, NoPages):
            owned.pages = NoPages(0, 0, 0)
        return super()._checkpoint(owned)

    async def _commit(self) -> None:
        return


def build_inexact(settings: Settings) -> Any:
    """Return the Faust app of the product with the parts above in place of its own."""
    STORES.aliases["checkpoint"] = "scripts.benchmarks.inexact_worker:UnsavedStore"
    return build_worker(settings, UncommittedPipeline)


if __name__ == "__main__":
    sys.exit(main(build_inexact))
