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
# msgpack's first byte -> the number that follows it
_INTEGERS = {0xCC + n: struct.Struct(form) for n, form in enumerate((">B", ">H", ">I", ">Q"))}
_INTEGERS |= {0xD0 + n: struct.Struct(form) for n, form in enumerate((">b", ">h", ">i", ">q"))}
_LENGTHS = {0xC4 + n: struct.Struct(form) for n, form in enumerate((">B", ">H", ">I"))}
_LENGTHS |= {0xD9 + n: struct.Struct(form) for n, form in enumerate((">B", ">H", ">I"))}
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
            while (unpacked := unpacker.record()) is not None:
                offset = unpacked[0]
                yield Record(archive.topic, archive.partition, *unpacked)
        except (zstandard.ZstdError, ValueError) as error:
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

    def record(self) -> tuple[int, int, bytes | None, bytes | None] | None:
        """Return the next record, or None at the end of the file."""
        while True:
            start = self._at
            try:
                if self._buffer[start] != ARRAY_OF_4:
                    raise ValueError("not an array of 4")
                self._at = start + 1
                return (self._integer(), self._integer(), self._bytes(), self._bytes())
            except (IndexError, struct.error):  # the buffer ends inside the record
                self._at = start
            if not self._fill():
                if self._at < len(self._buffer):
                    raise ValueError("the file ends inside a record")
                return None

    def _integer(self) -> int:
        first = self._buffer[self._at]
        self._at += 1
        if first < 0x80:
            return first
        if first >= 0xE0:
            return first - 0x100
        return self._number(_INTEGERS, first)

    def _bytes(self) -> bytes | None:
        first = self._buffer[self._at]
        self._at += 1
        if first == NIL:
            return None
        length = first - 0xA0 if 0xA0 <= first < 0xC0 else self._number(_LENGTHS, first)
        taken = self._buffer[self._at : self._at + length]
        self._at += length
        if len(taken) < length:
            raise IndexError
        return taken

    def _number(self, forms: dict[int, struct.Struct], first: int) -> int:
        form = forms.get(first)
        if form is None:
            raise ValueError(f"unexpected byte {first:#x}")
        (number,) = form.unpack_from(self._buffer, self._at)
        self._at += form.size
        return int(number)

    def _fill(self) -> bool:
        """Read on; tell whether there was more."""
        chunk = self._reader.read(_CHUNK_BYTES)
        self._buffer = self._buffer[self._at :] + chunk
        self._at = 0
        return bool(chunk)
