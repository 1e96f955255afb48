"""Sends mended dead letters to their topics, each exactly once.

A letter has a name (scripts/letters/mending.py), its event has an id that depends on the letter and
the patch alone. The topic engagement.dead-letter-replays, compacted by that name, remembers what
became of it. For each batch, in this order, each step acknowledged before the next:

1. note `sending`: the partition that the record goes to, and where that partition ended before;
2. the records, each with its letter's name in the header `replay-of`;
3. note `sent`.

Why nothing is sent twice. A letter noted as `sent` is never sent again, whatever its next patch says.
Killed before step 1, nothing was sent. Killed after step 3, all is noted. In between, the notes say
`sending`: before it sends anything, the next replay reads those partitions from where they ended
before step 1 up to their ends and looks for the header. What is there is noted as `sent`; what is not
was never written, and its note is taken back. The broker's own repetitions of a request are dropped
by it where producers are idempotent (Apache Kafka).

What is left is a replay that still runs, or a request of a killed one that is still on its way, while
another one looks. Then a record can come twice; it is the same event with the same id, so it is a
duplicate (rule 3) and no count, amount or score changes. Notes are no part of a transaction with the
records, because workers read records of the sources when they are written, committed or not.

Why nothing is lost: a letter that is not noted as `sent` stays to be replayed.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from schemas.errors import Refused, Unavailable
from scripts.letters.mending import Mended
from streams.clients import kafka_options, stop_client
from streams.config import Settings
from streams.topics import DEAD_LETTER_REPLAYS, SOURCES, check_topics

HEADER = "replay-of"
BATCH_LETTERS = 500
_SILENCE_S_MAX = 30.0


class Note(msgspec.Struct, frozen=True):
    """What the topic of replays says of one letter; `from_offset` is where its partition ended."""

    state: Literal["sending", "sent"]
    topic: str
    partition: int
    from_offset: int


class Replayer:
    """Sends letters that were not sent before; made by `open_replayer`."""

    def __init__(self, settings: Settings, producer: Any, consumer: Any) -> None:
        self._settings = settings
        self._producer = producer
        self._consumer = consumer
        self._notes: dict[str, Note] = {}
        self._ends: dict[tuple[str, int], int] = {}

    def was_sent(self, name: str) -> bool:
        """Tell whether this letter was replayed before."""
        note = self._notes.get(name)
        return note is not None and note.state == "sent"

    def _partition_of(self, mended: Mended) -> int:
        return mended.record.partition_among(self._settings.partitions)

    async def replay(self, batch: Sequence[Mended]) -> None:
        """Send letters, none of them sent before, and return when that is noted."""
        await self.intend(batch)
        await self.send(batch)
        await self.confirm([mended.name for mended in batch])

    async def intend(self, batch: Sequence[Mended]) -> None:
        """Step 1."""
        for mended in batch:
            assert mended.failure is None, f"{mended.name} would be refused again"
            assert mended.name not in self._notes, f"{mended.name} is being sent, or was"
            place = (mended.record.topic, self._partition_of(mended))
            self._notes[mended.name] = Note("sending", *place, self._ends[place])
        await self._write({mended.name: self._notes[mended.name] for mended in batch})

    async def send(self, batch: Sequence[Mended]) -> None:
        """Step 2."""
        sent = [
            await self._producer.send(
                mended.record.topic,
                value=mended.record.value,
                key=mended.record.key,
                partition=self._partition_of(mended),
                headers=[(HEADER, mended.name.encode())],
            )
            for mended in batch
        ]
        for future in sent:
            await future

    async def confirm(self, names: Sequence[str]) -> None:
        """Step 3."""
        for name in names:
            self._notes[name] = msgspec.structs.replace(self._notes[name], state="sent")
        await self._write({name: self._notes[name] for name in names})

    async def recall(self) -> None:
        """Read the notes, and find out what became of letters that a replay was killed over."""
        topics = [TopicPartition(topic, p) for topic in SOURCES for p in self._partitions()]
        # asked for directly, the embedded broker names ends that are too low: more is looked through
        ends = await self._consumer.end_offsets(topics)
        self._ends = {(tp.topic, tp.partition): end for tp, end in ends.items()}
        async for record in self._read(TopicPartition(DEAD_LETTER_REPLAYS, 0), 0):
            name = record.key.decode()
            if record.value is None:
                self._notes.pop(name, None)
            else:
                self._notes[name] = msgspec.json.decode(record.value, type=Note)
        open_notes = {name: note for name, note in self._notes.items() if note.state == "sending"}
        found = await self._found(open_notes)
        await self.confirm(sorted(found))
        never = sorted(open_notes.keys() - found)
        for name in never:
            del self._notes[name]
        await self._write(dict.fromkeys(never))

    async def _found(self, notes: Mapping[str, Note]) -> set[str]:
        """Return which of the letters are in the partition where they would be."""
        begins: dict[TopicPartition, int] = {}
        for note in notes.values():
            tp = TopicPartition(note.topic, note.partition)
            begins[tp] = min(note.from_offset, begins.get(tp, note.from_offset))
        found: set[str] = set()
        for tp, begin in begins.items():
            async for record in self._read(tp, begin):
                found.update(value.decode() for key, value in record.headers if key == HEADER)
        return found & notes.keys()

    async def _read(self, tp: TopicPartition, begin: int) -> AsyncIterator[ConsumerRecord]:
        """Yield the records of a partition from an offset to its end as fetching tells it."""
        consumer = self._consumer
        consumer.assign([tp])
        consumer.seek(tp, begin)
        heard_s = time.monotonic()
        while True:
            records = (await consumer.getmany(tp, timeout_ms=200)).get(tp, [])
            for record in records:
                yield record
            end = consumer.highwater(tp)
            if end is not None and await consumer.position(tp) >= end:
                return
            if records:
                heard_s = time.monotonic()
            elif time.monotonic() - heard_s > _SILENCE_S_MAX:
                raise Unavailable(f"the broker gives nothing of {tp.topic}-{tp.partition}")

    async def _write(self, notes: Mapping[str, Note | None]) -> None:
        sent = [
            await self._producer.send(
                DEAD_LETTER_REPLAYS,
                key=name.encode(),
                value=None if note is None else msgspec.json.encode(note),
                partition=0,
            )
            for name, note in notes.items()
        ]
        for future in sent:
            await future

    def _partitions(self) -> range:
        return range(self._settings.partitions)


@asynccontextmanager
async def open_replayer(settings: Settings) -> AsyncIterator[Replayer]:
    """Connect, and settle what a killed replay has left open.

    Raises:
        Unavailable: Kafka does not answer.
        Refused: a topic is missing.
    """
    missing = await check_topics(settings)
    if missing:
        raise Refused(f"topics are missing: {', '.join(missing)}; run `engage migrate` first")
    producer = AIOKafkaProducer(
        **kafka_options(settings.kafka, settings),
        acks="all",
        enable_idempotence=settings.transactions,
        compression_type="snappy",
        max_request_size=8 << 20,
    )
    consumer = AIOKafkaConsumer(
        **kafka_options(settings.kafka, settings),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 << 20,
    )
    try:
        await producer.start()
        await consumer.start()
        replayer = Replayer(settings, producer, consumer)
        await replayer.recall()
        yield replayer
    except KafkaError as error:
        raise Unavailable(f"Kafka at {settings.kafka}: {error!r}; replay again") from error
    finally:
        await stop_client(producer)
        await stop_client(consumer)


def batches(letters: Sequence[Mended]) -> Iterator[Sequence[Mended]]:
    """Cut letters into batches of one round of notes."""
    for start in range(0, len(letters), BATCH_LETTERS):
        yield letters[start : start + BATCH_LETTERS]
