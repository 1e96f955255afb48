"""Shows the whole pipeline on a sample log: every event type, duplicates, late and broken ones.

Starts the embedded broker, ClickHouse, a worker and the live dashboard, replays the log with a
progress bar, settles, and prints what was found. Then the dashboard stays until Ctrl-C; with --once
the command ends when everything is visible in ClickHouse. Each start begins with an empty folder.

The rates are those of samples/rates.toml: low thresholds and no delay, so that two small days pay through
every door. Give --rates schemas/rates.toml for figures with sources.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

from schemas.errors import Refused
from scripts.live_page import LivePage
from scripts.logs import open_log
from scripts.options import data_option, port
from scripts.run import add_log_arguments, drain, feed, settings_of, settle
from scripts.stack import Ports, Stack, running_stack
from scripts.summary import print_summary
from scripts.trends import find_bursts

HELP = "everything, on a sample log"
_ROOT = Path(__file__).resolve().parent.parent
_SAMPLE = _ROOT / "samples" / "day.jsonl.zst"
_RATES = _ROOT / "samples" / "rates.toml"
_DATA = _ROOT / ".engage" / "demo"
_MARKER = "made-by-demo"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--once", action="store_true", help="end when the log is counted; no dashboard"
    )
    parser.add_argument(
        "--input", metavar="LOG", default=str(_SAMPLE), help="another log (default: the sample)"
    )
    data_option(parser, note="default .engage/demo; emptied at each start")
    add_log_arguments(parser)
    parser.set_defaults(rates=str(_RATES))
    parser.add_argument("--port", type=port, default=8080, help="of the dashboard (default 8080)")


def run(args: argparse.Namespace) -> int:
    """Run the demo."""
    data = args.data or _DATA
    log = open_log(args.input, args.format, args.arrival)
    settings = settings_of(args)
    empty(data)
    with Stack(data, settings, processes=args.processes, ports=Ports()) as stack:
        page = None if args.once else LivePage(stack.reading_url, args.port, data / "dashboard.log")
        try:
            if page is not None:
                print(f"live dashboard: {page.url}", file=sys.stderr)
            started_s = time.monotonic()
            feed(stack, log)
            drain(stack)
            seconds = time.monotonic() - started_s
            settle(stack)
            find_bursts(stack.client, stack.settings)
            print_summary(stack.client, seconds)
            if page is not None:
                print(f"\nlive dashboard: {page.url}   Ctrl-C stops everything", flush=True)
                while True:
                    time.sleep(0.2)
                    stack.check()
        except KeyboardInterrupt:
            print("\nstopping", file=sys.stderr)
        finally:
            if page is not None:
                page.stop()
        stack.finish()
    return 0


def empty(data: Path) -> None:
    """Make the demo's folder new; a folder that the demo did not make is not touched.

    Raises:
        Refused: the folder holds something else, or a demo runs in it.
    """
    if running_stack(data) is not None:
        raise Refused(f"a demo is running in {data}: stop it first, or choose another --data")
    if data.exists() and any(data.iterdir()):
        if not (data / _MARKER).exists():
            raise Refused(f"{data} holds files that the demo did not make: choose another --data")
        shutil.rmtree(data)
    data.mkdir(parents=True, exist_ok=True)
    (data / _MARKER).touch()
