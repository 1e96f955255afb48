"""The source topics of a live broker, read from their beginning into files."""

import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.errors import Refused, Unavailable
from scripts.recount.archive import SUFFIX, Archive, ArchiveWriter
from streams.clients import kafka_options, stop_client
from streams.topics import SOURCES

# What it says about a broker that is away is said in the errors raised here, in one line.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)

Position = tuple[str, int]  # topic, partition
FETCH_BYTES_MAX = 8 << 20
FETCH_WAIT_MS = 1_000
# Longer than any pause of a broker that still works.
SILENCE_S_MAX = 30.0


class TopicReader:
    """Copies the source topics into a folder, and on request what came since.

    `ends` are the offsets up to which each partition was read, transaction markers included.
    """

    def __init__(self, consumer: AIOKafkaConsumer, folder: Path) -> None:
        self._consumer = consumer
        self._folder = folder
        self._writers: dict[TopicPartition, ArchiveWriter] = {}
        self.ends: dict[Position, int] = {}

    @property
    def archives(self) -> list[Archive]:
        """The files written."""
        return [writer.archive for writer in self._writers.values()]

    @property
    def next_offsets(self) -> dict[Position, int]:
        """For each partition the offset after its last record."""
        return {(tp.topic, tp.partition): w.next_offset for tp, w in self._writers.items()}

    @property
    def records(self) -> int:
        """How many records are copied."""
        return sum(writer.records for writer in self._writers.values())

    async def open(self, partitions: Iterable[Position], *, whole: bool) -> None:
        """Go to the beginning of these partitions.

        Raises:
            Refused: the log is wanted `whole`, and its beginning is gone.
        """
        for topic, partition in partitions:
            path = self._folder / f"{topic}-{partition}{SUFFIX}"
            tp = TopicPartition(topic, partition)
            self._writers[tp] = ArchiveWriter(Archive(topic, partition, path))
        self._consumer.assign(list(self._writers))
        beginnings = await self._consumer.beginning_offsets(list(self._writers))
        for tp, beginning in beginnings.items():
            if whole and beginning > 0:
                raise Refused(
                    f"{tp.topic} partition {tp.partition} begins at offset {beginning}: what came "
                    "before is deleted (retention), and a recount needs the whole log"
                )
            self._consumer.seek(tp, beginning)

    async def read_on(self, tell: Callable[[int, int], None]) -> None:
        """Copy everything up to the present ends; `tell` gets the offsets done and of all.

        The ends are those that fetching tells: asked for directly, the embedded broker names the
        beginning of its last batch instead.
        """
        silent_since_s = time.monotonic()
        while True:
            try:
                fetched = await self._consumer.getmany(timeout_ms=FETCH_WAIT_MS)
            except KafkaError as error:
                raise Unavailable(f"Kafka stopped answering: {error!r}") from error
            for tp, records in fetched.items():
                self._copy(tp, records)
            ends = await self._ends()
            tell(sum(self.next_offsets.values()), sum(end or 0 for end in ends.values()))
            behind = [tp for tp, end in ends.items() if end is None or self.ends[tp] < end]
            if not behind:
                break
            if fetched:
                silent_since_s = time.monotonic()
            elif time.monotonic() - silent_since_s > SILENCE_S_MAX:
                topic, partition = behind[0]
                raise Unavailable(
                    f"the broker gives nothing of {topic} partition {partition} after offset "
                    f"{self.ends[behind[0]]}"
                )
        for writer in self._writers.values():
            writer.flush()

    def _copy(self, tp: TopicPartition, records: Iterable[ConsumerRecord]) -> None:
        writer = self._writers[tp]
        for record in records:
            writer.write(record.offset, record.timestamp, record.key, record.value)

    async def _ends(self) -> dict[Position, int | None]:
        """Return the ends as of the last fetch, None where nothing was heard yet."""
        found: dict[Position, int | None] = {}
        for tp in self._writers:
            self.ends[tp.topic, tp.partition] = await self._consumer.position(tp)
            found[tp.topic, tp.partition] = self._consumer.last_stable_offset(tp)
        return found

    def close(self) -> None:
        """Close the files."""
        for writer in self._writers.values():
            writer.close()


@asynccontextmanager
async def open_topics(
    kafka: str, folder: Path, topics: Sequence[str] = SOURCES, *, whole: bool = True
) -> AsyncIterator[TopicReader]:
    """Open the source topics for reading; files go into `folder`.

    Raises:
        Unavailable: no broker answers, or it stops answering.
        Refused: a topic is missing, or its beginning is gone and the `whole` log is wanted.
    """
    consumer = AIOKafkaConsumer(
        **kafka_options(kafka),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        max_partition_fetch_bytes=FETCH_BYTES_MAX,
    )
    reader = TopicReader(consumer, folder)
    try:
        try:
            await consumer.start()
            await reader.open(await _partitions(kafka, topics), whole=whole)
        except (KafkaError, OSError) as error:
            raise Unavailable(
                f"no Kafka answers at {kafka}: start it, or name another with --kafka"
            ) from error
        yield reader
    finally:
        reader.close()
        await stop_client(consumer)


async def _partitions(kafka: str, topics: Sequence[str]) -> list[Position]:
    """Return all partitions of these topics; asking must not make a topic that is missing."""
    admin = AIOKafkaAdminClient(**kafka_options(kafka))
    try:
        await admin.start()
        existing = set(await admin.list_topics())
        for topic in topics:
            if topic not in existing:
                raise Refused(f"the broker has no topic {topic}: has `engage migrate` been run?")
        return sorted(
            (described["topic"], partition["partition"])
            for described in await admin.describe_topics(list(topics))
            for partition in described["partitions"]
        )
    finally:
        await admin.close()
