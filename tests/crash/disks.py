"""A small disk that can be filled to its last byte: a tmpfs with a file that only takes room."""

from __future__ import annotations

import contextlib
import errno
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

_CHUNK_BYTES = 1 << 16
_FILLER = "filler"


class SmallDisk:
    """What is mounted at a path."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self) -> None:
        """Leave not a byte; what was freed since the last call is taken as well."""
        with (self.path / _FILLER).open("ab", buffering=0) as filler:
            try:
                while filler.write(bytes(_CHUNK_BYTES)):
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise

    def free(self) -> None:
        """Give the room back."""
        (self.path / _FILLER).unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(path: Path, *, megabytes: int) -> Iterator[SmallDisk]:
    """Mount a small disk at a path; skip the test where that is not permitted."""
    path.mkdir(parents=True)
    options = ("-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs")
    done = subprocess.run(
        ["mount", *options, str(path)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"a small disk needs the right to mount: {done.stderr.strip()}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", str(path)], check=True)
