"""Jobs that measure themselves: a module in a process of its own, on the measured core.

The module is called with the broker's address, a number of events and a file, and puts its samples
into that file when it is done.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from schemas.errors import Unavailable
from scripts import processes
from scripts.benchmarks.cores import Cores, on
from scripts.benchmarks.measured import Result, Sample, result_of

_LIMIT_S = 300.0


class Told(msgspec.Struct, frozen=True):
    """What a child puts into its file."""

    samples: list[Sample]
    peak_rss_mb: float


def tell(samples: Sequence[Sample], path: Path) -> None:
    """Hand the samples to the parent; called in the child."""
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    partial = path.with_suffix(".part")
    partial.write_bytes(msgspec.json.encode(Told(list(samples), peak_mb)))
    partial.replace(path)


def measure_child(
    job: str, after: str, module: str, kafka: str, events: int, cores: Cores, folder: Path
) -> Result:
    """Run a module until it has told its samples.

    Raises:
        Unavailable: it ended without, or took too long; the end of its log is in the message.
    """
    told, log = folder / "told.json", folder / "child.log"
    command = [sys.executable, "-m", module, kafka, str(events), str(told)]
    with on(cores.measured):
        process = processes.start(command, log=log)
    try:
        _await(process, told, job, log)
    finally:
        processes.stop(process, grace_s=3.0)
    found = msgspec.json.decode(told.read_bytes(), type=Told)
    return result_of(job, after, found.samples, found.peak_rss_mb)


def _await(process: subprocess.Popen[bytes], told: Path, job: str, log: Path) -> None:
    deadline_s = time.monotonic() + _LIMIT_S
    while not told.exists():
        if process.poll() is not None and not told.exists():
            raise Unavailable(f"{job} ended: {processes.tail(log)}")
        if time.monotonic() > deadline_s:
            raise Unavailable(f"{job} took more than {_LIMIT_S:.0f} s: {processes.tail(log)}")
        time.sleep(0.1)
