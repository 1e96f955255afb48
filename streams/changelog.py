"""What a changelog partition holds, and how its owner reads it (the argument: checkpoint.py)."""

import asyncio
import struct
from typing import NamedTuple

import msgspec
from aiokafka import AIOKafkaProducer

K_POSITION = b"position"
K_CLAIM = b"claim"
EPOCH = struct.Struct(">Q")
_PAGE_KEY = struct.Struct(">4sQ")
_PAGE = b"page"


def page_key(sequence: int) -> bytes:
    """Return the key of a page."""
    return _PAGE_KEY.pack(_PAGE, sequence)


class Position(msgspec.Struct, frozen=True):
    """Where a flush stands: the next source offset, and the state that is not in pages."""

    next_offset: int
    incarnation: int
    first_page: int
    next_page: int
    max_event_time_ms: int = 0
    counts: dict[str, int] = {}
    by_type: dict[str, int] = {}


class Outgoing(NamedTuple):
    """A message to another topic, into the partition with the number of the state's."""

    topic: str
    key: bytes
    value: bytes


class Flush(msgspec.Struct, frozen=True):
    """What one flush writes; what goes out to other topics is in the same transaction."""

    pages: list[tuple[int, bytes]]
    obsolete: range
    position: Position
    outgoing: list[Outgoing]


class PartitionLog:
    """One partition of a changelog, as its owner sees it."""

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.epoch = -1  # offset of the own claim
        self.end = -1  # where the next record must land
        self.claimed_at_ms = 0
        self.ready = False
        self.position: Position | None = None
        self.pages: dict[int, bytes] = {}
        self.producer: AIOKafkaProducer | None = None
        self.lock = asyncio.Lock()  # a claim waits for a flush: it changes what the flush writes
        self._unclosed: list[tuple[bytes, bytes | None]] = []
        self._claimed = -1

    def read(self, offset: int, key: bytes, value: bytes | None, *, marked: bool) -> None:
        """Take one record of the changelog, in offset order, up to the own claim."""
        if key == K_CLAIM:
            self._claimed = offset
            self._unclosed.clear()
            return
        if not marked:
            self._apply(key, value)
            return
        assert value is not None, "marked records always carry their epoch"
        epoch, content = EPOCH.unpack_from(value)[0], value[EPOCH.size :]
        if epoch < self._claimed:
            return  # written by an owner that had lost the partition
        self._unclosed.append((key, content or None))
        if key == K_POSITION:
            for closed_key, closed_value in self._unclosed:
                self._apply(closed_key, closed_value)
            self._unclosed.clear()

    def _apply(self, key: bytes, value: bytes | None) -> None:
        if key == K_POSITION:
            assert value is not None
            self.position = msgspec.msgpack.decode(value, type=Position)
        elif value is None:
            self.pages.pop(_PAGE_KEY.unpack(key)[1], None)
        else:
            self.pages[_PAGE_KEY.unpack(key)[1]] = value

    def take_pages(self) -> list[bytes]:
        """Return the pages read, oldest first, and let them go."""
        pages, self.pages = self.pages, {}
        first = self.position.first_page if self.position else 0
        return [pages[sequence] for sequence in sorted(pages) if sequence >= first]
