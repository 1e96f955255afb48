"""Memory, measured in a process of its own: what is resident after, less what was before."""

from __future__ import annotations

import gc
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

from schemas.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")
_LENGTH = struct.Struct(">I")


def in_fresh_process(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a module's function in a new interpreter and return what it returns.

    Raises:
        Unavailable: the process was ended from outside, which is what a lack of memory looks like.
    """
    with ProcessPoolExecutor(
        max_workers=1, mp_context=get_context("spawn"), initializer=as_a_worker
    ) as pool:
        try:
            return pool.submit(work, *args, **kwargs).result()
        except BrokenProcessPool as error:
            raise Unavailable("a measuring process was ended: too little memory?") from error


def as_a_worker() -> None:
    """Collect garbage as seldom as a worker process does."""
    gc.set_threshold(50_000, 50, 1_000)


def resident_bytes() -> int:
    """Return what this process has in memory now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def write_pages(path: Path, pages: Iterable[bytes]) -> int:
    """Put pages into a file and return their number of bytes."""
    total = 0
    with path.open("wb") as file:
        for page in pages:
            file.write(_LENGTH.pack(len(page)))
            total += file.write(page)
    return total


def read_pages(path: Path) -> Iterator[bytes]:
    """Give the pages of a file back, one at a time, so that only one is in memory."""
    with path.open("rb") as file:
        while length := file.read(_LENGTH.size):
            yield file.read(_LENGTH.unpack(length)[0])
