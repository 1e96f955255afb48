"""Files that may be compressed: recognised by their first bytes, read in pieces, written by name."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import zstandard

from schemas.errors import InputError

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
LINE_BYTES_MAX = 16 << 20
_READ_BYTES = 1 << 20
_ZSTD_READ_BYTES = 64 << 10  # what one read may inflate to is not bounded, so keep it small
_ZSTD_LEVEL = 9
_GZIP_LEVEL = 6


def open_input(path: Path) -> BinaryIO:
    """Open a file for reading; raises InputError when there is none or it may not be read."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder, not a log")
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def read_lines(raw: BinaryIO, name: str) -> Iterator[bytes]:
    """Yield the lines of a plain, gzip or zstd file, without their newline and else unchanged.

    Raises:
        InputError: the file is damaged or cut off, or a line is longer than 16 MiB; the message
            names the file and the last good line.
    """
    number = 0
    rest = b""
    pieces = _pieces(raw)
    while True:
        try:
            piece = next(pieces, b"")
        except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
            raise InputError(f"{name}: damaged after line {number}: {error}") from error
        if not piece:
            break
        lines = piece.split(b"\n")
        lines[0] = rest + lines[0]
        rest = lines.pop()
        if len(rest) > LINE_BYTES_MAX:
            raise InputError(f"{name} line {number + len(lines) + 1}: longer than 16 MiB")
        yield from lines
        number += len(lines)
    if rest:
        yield rest


def first_bytes(raw: BinaryIO, count: int) -> bytes:
    """Return the first bytes of the content (inflated) of a file just opened, and rewind it."""
    try:
        return next(_pieces(raw), b"")[:count]
    except (OSError, EOFError, zlib.error, zstandard.ZstdError):
        return b""  # damaged: whoever reads it says so, with the line
    finally:
        raw.seek(0)


def _pieces(raw: BinaryIO) -> Iterator[bytes]:
    """Yield non-empty pieces of the content."""
    magic = raw.read(4)
    raw.seek(0)
    if magic == ZSTD_MAGIC:
        yield from _zstd_pieces(raw)
        return
    source = gzip.GzipFile(fileobj=raw) if magic.startswith(GZIP_MAGIC) else raw
    while piece := source.read(_READ_BYTES):
        yield piece


def _zstd_pieces(raw: BinaryIO) -> Iterator[bytes]:
    """Inflate frame by frame: the library's own reader takes a cut-off file for a whole one."""
    frame = None
    while data := raw.read(_ZSTD_READ_BYTES):
        while data:
            frame = frame or zstandard.ZstdDecompressor().decompressobj()
            if piece := frame.decompress(data):
                yield piece
            data = b""
            if frame.eof:
                data, frame = frame.unused_data, None
    if frame is not None:
        raise EOFError("the file ends inside a zstd frame")


@contextmanager
def open_output(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing, compressed when its name ends in .gz or .zst.

    Appears under its name only when complete. The same content gives the same bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as raw:
            yield from _writer(raw, path.suffix)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _writer(raw: BinaryIO, suffix: str) -> Iterator[BinaryIO]:
    if suffix == ".gz":
        with gzip.GzipFile("", "wb", _GZIP_LEVEL, fileobj=raw, mtime=0) as file:
            yield file  # type: ignore[misc]
    elif suffix == ".zst":
        with zstandard.ZstdCompressor(level=_ZSTD_LEVEL).stream_writer(raw, closefd=False) as out:
            yield out
    else:
        yield raw
