"""The checkpoint store: exact state of a partition in the changelog of a Faust table.

The promise. Recovery finds the state as it was at some position n of the source partition, whole,
and nobody who lost the partition can change it afterwards.

The argument, for a broker with transactions:
1. A flush at position n is one transaction on one changelog partition: pages of state, then the
   position record (n and what belongs to it). A reader with isolation read_committed sees all of a
   flush or nothing, so it always meets the state of a position. Positions of one owner grow.
2. Each changelog partition has one transactional id. Taking the partition over initialises the
   producer of that id: the broker aborts the old owner's open transaction and refuses everything
   it sends from then on. So after the take-over only the new owner can commit.
3. The new owner then appends a claim and reads up to it. Everything ever committed lies below the
   claim: older flushes because of 2, and its own claim's offset is given by the broker. What it
   read is therefore the newest state.
4. Page keys are unique and a position record replaces the one before it, so compaction, which
   keeps the last record of a key, never removes what a reader needs. Obsolete pages are deleted in
   the transaction that makes them obsolete. A reader applies pages only when it has reached the
   claim, so it does not matter how far the cleaner has come.
5. If the claim lands exactly one after the owner's own last record, nobody wrote in between and
   state in memory is still the newest: a partition that a rebalance leaves with its owner keeps it.

The embedded broker has no transactions, but never compacts and never loses order. There every
record carries the epoch of its writer (the offset of its claim) and a flush counts from its position
record on: a reader drops records of an epoch older than the last claim before them, and records that
no position record closes. The writer checks that its records land next to one another; a gap means
that somebody else wrote, and it must exit. Which form is used is a setting, never a fallback.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from faust.stores import STORES
from faust.stores.base import Store
from faust.types import TP

from schemas.errors import EngageError, Fenced, Refused, Unavailable
from streams.changelog import EPOCH, K_CLAIM, K_POSITION, Flush, PartitionLog, Position, page_key
from streams.clients import kafka_options, stop_client
from streams.config import Settings

log = logging.getLogger("engage.checkpoint")

RECOVERY_STALL_S_MAX = 30
YEAR_2020_MS = 1_577_836_800_000


class CheckpointStore(Store[Any, Any]):
    """The store behind a Faust table; the state itself lives in streams/pipeline.py.

    Faust owns the changelog topic, its assignment and the order of recovery; it calls `on_rebalance`
    before and `on_recovery_completed` after, and finds nothing to recover itself, because
    `persisted_offset` names the claim.
    """

    settings: Settings
    on_lost: Callable[[int], None]
    on_ready: Callable[[int, PartitionLog], Awaitable[bool]]
    on_fatal: Callable[[BaseException, str], None]

    def __post_init__(self) -> None:
        self.logs: dict[int, PartitionLog] = {}
        self.lock = asyncio.Lock()
        self._recovering = asyncio.Lock()
        self._plain: AIOKafkaProducer | None = None
        self._round = 0

    # ------------------------------------------------------------ the mapping side is not used

    def __getitem__(self, key: object) -> object:
        raise KeyError(key)

    def __setitem__(self, key: object, value: object) -> None:
        raise TypeError("state is written by flush() only")

    def __delitem__(self, key: object) -> None:
        raise TypeError("state is written by flush() only")

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0

    def apply_changelog_batch(self, batch: Any, to_key: Any, to_value: Any) -> None:
        """Faust has nothing to apply: `persisted_offset` is the end of the changelog."""

    def reset_state(self) -> None:
        """Nothing is kept on disk."""

    async def backup_partition(self, *_: Any, **__: Any) -> None:
        """Nothing is kept on disk."""

    def restore_backup(self, *_: Any, **__: Any) -> None:
        """Nothing is kept on disk."""

    def persisted_offset(self, tp: TP) -> int | None:
        """Return the own claim's offset, so that Faust's recovery finds nothing to do."""
        found = self.logs.get(tp.partition)
        return found.epoch if found else None

    async def need_active_standby_for(self, tp: TP) -> bool:
        """No standbys: a take-over reads the changelog."""
        return False

    # ------------------------------------------------------------ take-over

    @property
    def topic(self) -> str:
        """Return the changelog topic."""
        table: Any = self.table
        return str(table.changelog_topic_name)

    async def on_rebalance(
        self,
        assigned: set[TP],
        revoked: set[TP],
        newly_assigned: set[TP],
        generation_id: int = 0,
    ) -> None:
        """Claim every assigned partition anew; let the others go."""
        self._round += 1
        async with self.lock:
            mine = sorted(tp.partition for tp in assigned if tp.topic == self.topic)
            if mine and mine[-1] >= self.settings.partitions:
                reason = "the number of partitions of a live topic was changed: `engage rebuild`"
                self.on_fatal(Refused(reason), f"{self.topic}-{mine[-1]}")
            for partition in [p for p in self.logs if p not in mine]:
                self.on_lost(partition)
                await self._close(self.logs.pop(partition))
            # Faust asks persisted_offset only for partitions it has no offset of
            app: Any = self.app
            app.tables.recovery.active_offsets.clear()
            try:
                await asyncio.gather(*(self._claim(partition) for partition in mine))
            except (KafkaError, EngageError, OSError) as error:
                self.on_fatal(error, f"cannot claim {self.topic} {mine}")

    async def _claim(self, partition: int) -> None:
        old = self.logs.pop(partition, None)
        async with old.lock if old else nullcontext():
            self.logs[partition] = await self._claimed(partition, old)

    async def _claimed(self, partition: int, old: PartitionLog | None) -> PartitionLog:
        """Claim a partition; return its log as it was if nobody wrote meanwhile, else a new one."""
        new = PartitionLog(partition)
        if self.settings.transactions:
            new.producer = (
                old.producer if old and old.producer else await self._transactional(partition)
            )
        claim = await (await self.plain_producer()).send_and_wait(
            self.topic, key=K_CLAIM, value=b"claim", partition=partition
        )
        if old and old.ready and old.end == claim.offset:
            old.epoch, old.end = claim.offset, claim.offset + 1
            return old
        if old:
            self.on_lost(partition)
            if self.settings.transactions:  # somebody may have owned it: fence again, claim again
                await self._close(old)
                new.producer = await self._transactional(partition)
                claim = await (await self.plain_producer()).send_and_wait(
                    self.topic, key=K_CLAIM, value=b"claim", partition=partition
                )
        new.epoch, new.end = claim.offset, claim.offset + 1
        new.claimed_at_ms = claim.timestamp or 0
        return new

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Read what was claimed and hand it over; Faust resumes the source partitions after this."""
        try:
            await self._recover(self._round)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and not task.cancelling():  # leaked by a closing consumer
                self.on_fatal(error, f"recovery of {self.topic} was cut off")
            raise
        except (KafkaError, EngageError, OSError, TimeoutError, AssertionError) as error:
            self.on_fatal(error, f"recovery of {self.topic} failed")

    async def _recover(self, this_round: int) -> None:
        """Read and hand over what is not ready; Faust may call twice for one round, or too late."""
        async with self._recovering:
            todo = {p: found for p, found in self.logs.items() if not found.ready}
            if todo:
                await self._read_logs(todo, this_round)
            for partition, found in sorted(todo.items()):
                if self._round != this_round or self.logs.get(partition) is not found:
                    return
                if found.position is None:
                    await self._first_flush(found)
                # only state that is in memory may be kept at the next rebalance
                found.ready = await self.on_ready(partition, found)

    async def _read_logs(self, todo: dict[int, PartitionLog], this_round: int) -> None:
        marked = not self.settings.transactions
        consumer = AIOKafkaConsumer(
            **kafka_options(self.settings.kafka, self.settings),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_partition_fetch_bytes=4 << 20,
            isolation_level="read_uncommitted" if marked else "read_committed",
        )
        await consumer.start()
        try:
            logs = {TopicPartition(self.topic, p): found for p, found in todo.items()}
            consumer.assign(list(logs))
            await consumer.seek_to_beginning(*logs)
            loop = asyncio.get_running_loop()
            missing, progress_at_s = set(logs), loop.time()
            while missing and this_round == self._round:
                for tp, records in (await consumer.getmany(timeout_ms=500)).items():
                    progress_at_s = loop.time()
                    found = logs[tp]
                    for record in records:
                        if record.offset <= found.epoch:
                            found.read(record.offset, record.key, record.value, marked=marked)
                    if records[-1].offset >= found.epoch:
                        missing.discard(tp)
                        consumer.pause(tp)
                if loop.time() - progress_at_s > RECOVERY_STALL_S_MAX:
                    raise Unavailable(f"changelog {self.topic} does not deliver {sorted(missing)}")
        finally:
            await stop_client(consumer)

    async def _first_flush(self, found: PartitionLog) -> None:
        """Make the incarnation durable before any row can carry it."""
        minutes_since_2020 = max(0, found.claimed_at_ms - YEAR_2020_MS) // 60_000
        position = Position(0, minutes_since_2020, 0, 0)
        await self.flush(found, Flush([], range(0), position, []))

    # ------------------------------------------------------------ flush

    async def flush(self, found: PartitionLog, flush: Flush) -> None:
        """Write one flush, all or nothing.

        Raises:
            Fenced: somebody else owns the partition.
            KafkaError: the outcome is unknown; the process must exit and recover.
        """
        records: list[tuple[bytes, bytes | None]] = [
            (page_key(sequence), page) for sequence, page in flush.pages
        ]
        records += [(page_key(sequence), None) for sequence in flush.obsolete]
        records.append((K_POSITION, msgspec.msgpack.encode(flush.position)))
        write = self._transact if self.settings.transactions else self._mark
        async with found.lock:
            await write(found, flush, records)
            found.position = flush.position

    async def _transact(self, found: PartitionLog, flush: Flush, records: list[Any]) -> None:
        producer = found.producer
        assert producer is not None
        await producer.begin_transaction()
        await self._tell(producer, found, flush)
        await self._write(producer, found, records)
        await producer.commit_transaction()
        found.end += 1  # the commit marker

    async def _mark(self, found: PartitionLog, flush: Flush, records: list[Any]) -> None:
        producer = await self.plain_producer()
        await self._tell(producer, found, flush)
        epoch = EPOCH.pack(found.epoch)
        marked = [(key, epoch + (value or b"")) for key, value in records]
        await self._write(producer, found, marked[:-1])
        await self._write(producer, found, marked[-1:])

    async def _write(self, producer: AIOKafkaProducer, found: PartitionLog, records: Any) -> None:
        sent = []
        batch = producer.create_batch()
        for key, value in records:
            while batch.append(key=key, value=value, timestamp=None) is None:
                sent.append(await self._send(producer, found, batch))
                batch = producer.create_batch()
        if batch.record_count():
            sent.append(await self._send(producer, found, batch))
        for future, count in sent:
            landed = await future
            if landed.offset != found.end:
                raise Fenced(
                    f"{self.topic}-{found.partition}: record at {landed.offset}, expected "
                    f"{found.end}: somebody else wrote"
                )
            found.end = landed.offset + count

    async def _send(
        self, producer: AIOKafkaProducer, found: PartitionLog, batch: Any
    ) -> tuple[Any, int]:
        batch.close()
        count = batch.record_count()
        return await producer.send_batch(batch, self.topic, partition=found.partition), count

    async def _tell(self, producer: AIOKafkaProducer, found: PartitionLog, flush: Flush) -> None:
        sent = [
            await producer.send(topic, key=key, value=value, partition=found.partition)
            for topic, key, value in flush.outgoing
        ]
        for future in sent:
            await future

    # ------------------------------------------------------------ producers

    def _producer(self, **options: Any) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            **kafka_options(self.settings.kafka, self.settings),
            acks="all",
            enable_idempotence=self.settings.transactions,
            compression_type="snappy",  # aiokafka packs lz4 at its slowest level
            max_batch_size=1 << 20,
            max_request_size=8 << 20,
            request_timeout_ms=20_000,
            **options,
        )

    async def plain_producer(self) -> AIOKafkaProducer:
        """Return a producer without transactions, for claims and ticks."""
        if self._plain is None:
            self._plain = self._producer()
            await self._plain.start()
        return self._plain

    async def _transactional(self, partition: int) -> AIOKafkaProducer:
        producer = self._producer(
            transactional_id=f"{self.topic}-{partition}", transaction_timeout_ms=30_000
        )
        await producer.start()
        return producer

    async def _close(self, found: PartitionLog) -> None:
        if found.producer is not None:
            await stop_client(found.producer)

    async def close(self) -> None:
        """Stop all producers."""
        for found in self.logs.values():
            await self._close(found)
        if self._plain is not None:
            await stop_client(self._plain)


STORES.aliases["checkpoint"] = "streams.checkpoint:CheckpointStore"
