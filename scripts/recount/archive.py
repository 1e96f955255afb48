"""Topics in files: DIR/<topic>-<partition>.msgpack.zst, as `engage run` leaves them.

A file is a zstd stream of msgpack arrays [offset, timestamp_ms, key | nil, value | nil] in offset
order. The recount of a live topic goes through the same files, for a partition is read twice.
"""

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec
import zstandard

from schemas.errors import InputError
from scripts.recount.model import Record

SUFFIX = ".msgpack.zst"
_NAME = re.compile(r"(?P<topic>.+)-(?P<partition>\d+)" + re.escape(SUFFIX))
_CHUNK_BYTES = 1 << 20

NIL = 0xC0
# msgpack's first byte -> struct format of the number that follows it
_INTEGERS = {
    0xCC: ">B",
    0xCD: ">H",
    0xCE: ">I",
    0xCF: ">Q",
    0xD0: ">b",
    0xD1: ">h",
    0xD2: ">i",
    0xD3: ">q",
}
_LENGTHS = {0xC4: ">B", 0xC5: ">H", 0xC6: ">I", 0xD9: ">B", 0xDA: ">H", 0xDB: ">I"}
ARRAY_OF_4 = 0x94


class Archive(NamedTuple):
    """The file of one partition."""

    topic: str
    partition: int
    path: Path


def find_archives(folder: Path, topics: tuple[str, ...]) -> list[Archive]:
    """Return the files of these topics in a folder.

    Raises:
        InputError: there is none.
    """
    found = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        match = _NAME.fullmatch(path.name)
        if match and match["topic"] in topics:
            found.append(Archive(match["topic"], int(match["partition"]), path))
    if not found:
        raise InputError(f"{folder}: holds no archived topics (TOPIC-PARTITION{SUFFIX})")
    return found


def read_archive(archive: Archive) -> Iterator[Record]:
    """Yield the records of a file.

    Raises:
        InputError: the file is damaged; the message says after which offset.
    """
    offset = -1
    with archive.path.open("rb") as file:
        try:
            unpacker = _Unpacker(file)
            while unpacker.has_more():
                offset, timestamp_ms, key, value = unpacker.record()
                yield Record(archive.topic, archive.partition, offset, timestamp_ms, key, value)
        except (zstandard.ZstdError, ValueError, struct.error) as error:
            raise InputError(f"{archive.path}: damaged after offset {offset}: {error}") from error


class ArchiveWriter:
    """Writes the file of one partition; more may be added until it is closed.

    `next_offset` is the first offset that is not written yet.
    """

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.next_offset = 0
        self.records = 0
        self._file = archive.path.open("wb")
        self._out = zstandard.ZstdCompressor(level=1).stream_writer(self._file, closefd=False)
        self._encode = msgspec.msgpack.Encoder().encode

    def write(self, offset: int, timestamp_ms: int, key: bytes | None, value: bytes | None) -> None:
        """Add one record."""
        self._out.write(self._encode([offset, timestamp_ms, key, value]))
        self.next_offset = offset + 1
        self.records += 1

    def flush(self) -> None:
        """Make everything written so far readable."""
        self._out.flush(zstandard.FLUSH_FRAME)
        self._file.flush()

    def close(self) -> None:
        """End the file."""
        self._out.close()  # type: ignore[no-untyped-call]
        self._file.close()


class _Unpacker:
    """Reads msgpack values one after another; only the kinds that an archive has."""

    def __init__(self, file: BinaryIO) -> None:
        decompressor = zstandard.ZstdDecompressor()
        self._reader = decompressor.stream_reader(file, read_across_frames=True)
        self._buffer = b""
        self._at = 0

    def has_more(self) -> bool:
        return self._at < len(self._buffer) or self._fill(1)

    def record(self) -> tuple[int, int, bytes | None, bytes | None]:
        if self._take(1)[0] != ARRAY_OF_4:
            raise ValueError("not an array of 4")
        return (self._integer(), self._integer(), self._bytes(), self._bytes())

    def _integer(self) -> int:
        first = self._take(1)[0]
        if first < 0x80:
            return first
        if first >= 0xE0:
            return first - 0x100
        return self._number(_INTEGERS, first)

    def _bytes(self) -> bytes | None:
        first = self._take(1)[0]
        if first == NIL:
            return None
        if 0xA0 <= first < 0xC0:
            return self._take(first - 0xA0)
        return self._take(self._number(_LENGTHS, first))

    def _number(self, formats: dict[int, str], first: int) -> int:
        if first not in formats:
            raise ValueError(f"unexpected byte {first:#x}")
        form = formats[first]
        (number,) = struct.unpack(form, self._take(struct.calcsize(form)))
        return int(number)

    def _take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._buffer):
            if not self._fill(size):
                raise ValueError("the file ends inside a record")
            end = self._at + size
        taken = self._buffer[self._at : end]
        self._at = end
        return taken

    def _fill(self, size: int) -> bool:
        """Read on until `size` bytes are there; tell whether they are."""
        parts = [self._buffer[self._at :]]
        have = len(parts[0])
        while have < size:
            chunk = self._reader.read(max(_CHUNK_BYTES, size - have))
            if not chunk:
                break
            parts.append(chunk)
            have += len(chunk)
        self._buffer, self._at = b"".join(parts), 0
        return have >= size
