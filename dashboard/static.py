"""The page's files, held in memory: what is not listed here cannot be asked for."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    "": "text/plain; charset=utf-8",
}
_PACKED = {".html", ".js", ".css", ".svg"}


@dataclass(frozen=True)
class StaticFile:
    """A file as it is sent; `packed` is empty where gzip would not help."""

    body: bytes
    packed: bytes
    content_type: str
    etag: str


def _read(path: Path) -> StaticFile:
    body = path.read_bytes()
    packed = gzip.compress(body, 6, mtime=0) if path.suffix in _PACKED else b""
    etag = f'W/"{hashlib.sha256(body).hexdigest()[:24]}"'
    return StaticFile(body, packed, _TYPES[path.suffix], etag)


FILES: dict[str, StaticFile] = {
    path.relative_to(FOLDER).as_posix(): _read(path)
    for path in sorted(FOLDER.rglob("*"))
    if path.is_file() and path.suffix in _TYPES
}
