"""Content encodings of HTTP bodies: what ClickHouse's clients send and ask for."""

import gzip
import io
import zlib
from collections.abc import Callable
from typing import Protocol

import lz4.frame  # type: ignore[import-untyped]
import zstandard


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class TooLarge(ValueError):
    """A body unpacks to more than is allowed."""


class UnknownEncoding(ValueError):
    """A content encoding that is not spoken here."""


def unpack(data: bytes, encoding: str, bytes_max: int) -> bytes:
    """The body without its content encoding; several members or frames may follow each other.

    Raises:
        UnknownEncoding: we do not speak it.
        TooLarge: it unpacks to more than `bytes_max`.
        ValueError: it is broken.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return data
    opened = _OPENERS.get(encoding)
    if opened is None:
        raise UnknownEncoding(f"content encoding {encoding!r} is not one of {', '.join(_OPENERS)}")
    try:
        unpacked: bytes = opened(data).read(bytes_max + 1)
    except (OSError, EOFError, RuntimeError, zlib.error, zstandard.ZstdError) as error:
        raise ValueError(f"the {encoding} body is broken: {error}") from error
    if len(unpacked) > bytes_max:
        raise TooLarge(f"the body unpacks to more than {bytes_max} bytes")
    return unpacked


def choose(accepted: str) -> str:
    """The encoding to answer with, out of an Accept-Encoding header; empty for none."""
    offered = {part.split(";")[0].strip().lower() for part in accepted.split(",")}
    return next((encoding for encoding in _PACKERS if encoding in offered), "")


def pack(data: bytes, encoding: str) -> bytes:
    """The body in one of the encodings that `choose` gives."""
    return _PACKERS[encoding](data)


_OPENERS: dict[str, Callable[[bytes], _Readable]] = {
    "gzip": lambda data: gzip.GzipFile(fileobj=io.BytesIO(data)),
    "lz4": lambda data: lz4.frame.LZ4FrameFile(io.BytesIO(data)),
    "zstd": lambda data: zstandard.ZstdDecompressor().stream_reader(
        io.BytesIO(data), read_across_frames=True
    ),
}
_PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "lz4": lz4.frame.compress,
    "zstd": lambda data: zstandard.ZstdCompressor(level=1).compress(data),
    "gzip": lambda data: gzip.compress(data, compresslevel=1),
}
