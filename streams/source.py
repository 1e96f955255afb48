"""Aligning fetched runs with the position of the state: nothing twice, nothing left out.

A run that ends below the position was applied before; one that begins below it is sliced. One that
begins above it means that a run was lost on the way, or that the log has a hole (transaction
markers, compaction). Which of the two is never guessed: the broker is asked, through a reader of its
own, for the first record that exists at or after the position.
"""

import asyncio
from bisect import bisect_left
from enum import Enum

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.errors import Refused, Unavailable
from streams.clients import kafka_options, stop_client
from streams.config import Settings
from streams.values import Run

PROBE_S_MAX = 20


class Verdict(Enum):
    """What to do with a run."""

    APPLY = "apply"
    SKIP = "skip"  # it was applied before, or somebody else takes care
    SEEK = "seek"  # a run was lost: fetch again from the position


def slice_run(run: Run, next_offset: int) -> Run | None:
    """Return the part of a run at or after `next_offset`, or None if there is none."""
    if run.offsets[-1] < next_offset:
        return None
    if run.offsets[0] >= next_offset:
        return run
    start = bisect_left(run.offsets, next_offset)
    offsets, timestamps, keys, values = run
    return Run(offsets[start:], timestamps[start:], keys[start:], values[start:])


class SourceProbe:
    """An independent reader of the source topics; one per worker, used rarely."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = asyncio.Lock()
        self._consumer: AIOKafkaConsumer | None = None

    async def check_gap(self, tp: tuple[str, int], next_offset: int, begins: int) -> Verdict:
        """Say what a run that begins above the position means.

        Raises:
            Refused: records between the position and the log's start are gone for good, or the
                delivered run is not what the broker has.
            Unavailable: the broker does not answer in time.
        """
        real = await self.first_offset(tp, next_offset)
        if real < begins:
            return Verdict.SEEK
        if real > begins:
            raise Refused(f"{tp[0]}-{tp[1]} delivered offset {begins}, the broker has {real} first")
        return Verdict.APPLY

    async def first_offset(self, tp: tuple[str, int], at_least: int) -> int:
        """Return the offset of the first record at or after an offset."""
        partition = TopicPartition(*tp)
        async with self._lock:
            consumer = await self._reader()
            begin = (await consumer.beginning_offsets([partition]))[partition]
            if begin > at_least:
                raise Refused(
                    f"{tp[0]}-{tp[1]}: the state is at {at_least}, but the topic begins at {begin}: "
                    "records were deleted before they were counted (longer retention, or "
                    "`engage rebuild` to start over from what is left)"
                )
            consumer.assign([partition])
            consumer.seek(partition, at_least)
            try:
                record = await asyncio.wait_for(consumer.getone(partition), PROBE_S_MAX)
            except TimeoutError as error:
                raise Unavailable(f"{tp[0]}-{tp[1]}: no record at or after {at_least}") from error
            return int(record.offset)

    async def refuse_if_behind(self, tp: tuple[str, int], next_offset: int) -> None:
        """Refuse a source that ends before the state: it was deleted and made anew.

        The embedded broker tells ends that are too low, but it forgets state and source together.
        """
        if not self._settings.transactions:
            return
        partition = TopicPartition(*tp)
        async with self._lock:
            end = (await (await self._reader()).end_offsets([partition]))[partition]
        if end < next_offset:
            raise Refused(
                f"{tp[0]}-{tp[1]}: the state is at {next_offset}, but the topic ends at {end}: "
                "it was made anew; use `engage rebuild` to start over"
            )

    async def close(self) -> None:
        """Stop the reader."""
        if self._consumer is not None:
            await stop_client(self._consumer)

    async def _reader(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            self._consumer = AIOKafkaConsumer(
                **kafka_options(self._settings.kafka, self._settings),
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="none",
                max_poll_records=1,
            )
            await self._consumer.start()
        return self._consumer
