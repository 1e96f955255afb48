"""One core for what is measured, the others for everything else; what a process has used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import ConfigError

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core measures and which serve it; on a machine of one core they are the same."""

    measured: frozenset[int]
    rest: frozenset[int]

    @property
    def shared(self) -> bool:
        """Tell whether broker and ClickHouse run on the measured core."""
        return self.measured == self.rest


def share_out() -> Cores:
    """Take the last core this process may use for measuring.

    Raises:
        ConfigError: the system cannot pin processes.
    """
    if not hasattr(os, "sched_setaffinity"):
        raise ConfigError("engage bench pins processes to cores, which needs Linux")
    cores = sorted(os.sched_getaffinity(0))
    return Cores(frozenset(cores[-1:]), frozenset(cores[:-1] or cores))


@contextmanager
def on(cores: frozenset[int]) -> Iterator[None]:
    """Run the block on these cores; processes started in it stay on them."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_s(pid: int) -> float:
    """Return the CPU time a process has used, all its threads, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def peak_rss_mb(pid: int) -> float:
    """Return the most memory a process has had resident."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0
