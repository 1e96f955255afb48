"""How long a person waits who clones this and starts the demo: until the first live chart has figures.

    python -m scripts.benchmarks.first_use [--output docs/bench/first_use.md]

Clones the commit that is checked out into a new folder. `install` is scripts/bootstrap, with whatever the
machine's package cache holds; `run` is from ./scripts/demo, with everything installed, until the
dashboard answers the question behind its first chart with events in it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from scripts import processes
from scripts.benchmarks.machine import load_average, machine
from scripts.benchmarks.tables import markdown

LIMIT_S = 600.0
BOUND_S = 20.0
_ROOT = Path(__file__).resolve().parents[2]


def main(argv: Sequence[str] | None = None) -> int:
    """Clone, install, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", metavar="FILE.md", type=Path)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="engage-first-") as folder:
        clone = Path(folder) / "engage"
        subprocess.run(["git", "clone", "--quiet", str(_ROOT), str(clone)], check=True)
        load = load_average()
        install_s = timed(["./scripts/bootstrap"], clone)
        page_s, chart_s = time_demo(clone, processes.free_port())
    about = machine()
    rows = [
        ("install", round(install_s, 1)),
        ("run, until the page is served", round(page_s, 1)),
        ("run, until the first live chart has figures", round(chart_s, 1)),
    ]
    text = markdown(("from ./scripts/demo", "seconds"), rows)
    text += (
        f"\n\n{about['cpu']}, {about['cores']} cores, load average {load} before; commit "
        f"{about['commit'][:10]}, {about['measured_at'][:10]}. The run part is to stay under "
        f"{BOUND_S:.0f} s; the packages came through this machine's package cache.\n"
    )
    print(text)
    if args.output is not None:
        args.output.write_text(text)
    return 0


def timed(command: list[str], folder: Path) -> float:
    """Return how long a command took."""
    began_s = time.monotonic()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.monotonic() - began_s


def time_demo(clone: Path, port: int) -> tuple[float, float]:
    """Return the seconds from the start of the demo to its page, and to figures in its first chart.

    Raises:
        TimeoutError: they did not come.
    """
    began_s = time.monotonic()
    demo = subprocess.Popen(
        ["./scripts/demo", "--port", str(port)],
        cwd=clone,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        page_s = chart_s = 0.0
        while not chart_s:
            if time.monotonic() - began_s > LIMIT_S or demo.poll() is not None:
                raise TimeoutError("the demo showed no chart")
            time.sleep(0.05)
            if not page_s and asked(port, "") is not None:
                page_s = time.monotonic() - began_s
            answer = asked(port, "api/panels/engagement?range=24h")
            if answer and any(int(row["views"]) for row in json.loads(answer)["rows"]):
                chart_s = time.monotonic() - began_s
        return page_s, chart_s
    finally:
        os.killpg(demo.pid, signal.SIGTERM)
        demo.wait()


def asked(port: int, path: str) -> bytes | None:
    """Return what the dashboard answers, if it does."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=5) as answer:
            body: bytes = answer.read()
            return body
    except (OSError, urllib.error.URLError):
        return None


if __name__ == "__main__":
    sys.exit(main())
