"""Measures what is usual on your own videos, and writes it as new rows of a weights file.

The cohort's rates are means over all videos with enough impressions; each pool's threshold is the
quantile of its share over the same videos. The chosen preset's row that was open ends where the new
one begins, nothing else is edited, and the written file is read back with the strict loader. A worker
uses it with --weights or ENGAGE_WEIGHTS; decisions that were made go on naming the row they went by.

Videos count with all that ClickHouse shows of them, so calibrate on a span in which the video had
time to be shown. What no event of yours reports (replies, reports) is taken as rare.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from schemas.errors import InputError, Refused
from schemas.ranking import Ranking
from schemas.rows import COUNTERS
from schemas.weights import WEIGHTS_PATH, Weights, load_weights
from schemas.weights_text import text_of
from scripts.kept_rules import settings_of_folder
from scripts.options import clickhouse_option, data_option, day
from scripts.reading import open_results
from sinks.client import connect
from streams.calibration import calibrated
from streams.value_model import sums_of

HELP = "measure cohort and pool thresholds on your videos, into a new weights file"
EXAMPLES = """\
Examples:
  engage calibrate --data ./results --preview              say what would change
  engage calibrate --data ./results --out weights-2026.toml
  engage calibrate --out w.toml --shares 0.5,0.8,0.9,0.95,0.99 --valid-from 2026-12-01
"""
SHARES = "0.6,0.75,0.9,0.95,0.99"
IMPRESSIONS_MIN = 200
_VIDEOS = f"SELECT {', '.join(COUNTERS)} FROM videos ORDER BY video_id"
_NEWEST = "SELECT toUnixTimestamp64Milli(max(max_event_time)) FROM partitions FINAL"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    clickhouse_option(parser)
    data_option(parser, note="of a running stack, or what a run left")
    parser.add_argument("--weights", metavar="FILE", help="the rows to begin from")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--out", metavar="FILE", type=Path, help="where to write; must be new")
    target.add_argument("--preview", action="store_true", help="write nothing, say what would be")
    parser.add_argument(
        "--shares",
        metavar="S,...",
        type=_shares,
        default=SHARES,
        help=f"share of the videos that each pool's threshold is above (default {SHARES})",
    )
    parser.add_argument(
        "--impressions-min",
        metavar="N",
        type=int,
        default=IMPRESSIONS_MIN,
        help=f"leave out videos with fewer impressions (default {IMPRESSIONS_MIN})",
    )
    parser.add_argument(
        "--valid-from",
        metavar="YYYY-MM-DD",
        type=day,
        help="first day of the new rows (default: the day after the newest event)",
    )


def run(args: argparse.Namespace) -> int:
    """Measure, and write or show."""
    if args.out is not None and args.out.exists():
        raise Refused(f"{args.out} exists: name a new file")
    if args.impressions_min < 1:
        raise InputError(f"--impressions-min {args.impressions_min}: must be at least 1")
    with open_results(args.data, args.clickhouse) as url:
        settings = settings_of_folder(args.data, clickhouse=url, weights=args.weights)
        with closing(connect(url, settings.database)) as client:
            videos = [sums_of(row) for row in client.query(_VIDEOS).result_rows]
            first = args.valid_from or _day_after_newest(client)
    before = load_weights(settings.weights or WEIGHTS_PATH)
    valid_from = datetime.combine(first, time(), UTC)
    source = f"engage calibrate on {len(videos):,} videos of {settings.database}"
    shares: Sequence[float] = args.shares
    after = calibrated(before, videos, shares, valid_from, source, args.impressions_min)
    print("\n".join(_changes(before, after, valid_from)))
    if args.out is not None:
        args.out.write_text(text_of(after), encoding="utf-8")
        load_weights(args.out)
        print(f"written to {args.out}: check it with `engage weights show --weights {args.out}`")
    return 0


def _day_after_newest(client: Any) -> date:
    """Return the first day of which no event has come; no clock is asked."""
    newest_ms = client.query(_NEWEST).result_rows[0][0]
    return datetime.fromtimestamp(newest_ms / 1000, UTC).date() + timedelta(days=1)


def _changes(before: Weights, after: Weights, valid_from: datetime) -> Iterator[str]:
    """Yield what the new rows say beside those that they follow."""
    at_ms = round(valid_from.timestamp() * 1000)
    old, new = before.ranking(at_ms), after.ranking(at_ms)
    assert isinstance(old, Ranking), "calibration follows a row that is open"
    assert isinstance(new, Ranking), "calibration has added the row"
    yield f"{old.version} ends and {new.version} begins at {valid_from.date()}"
    yield f"cohort {new.cohort.version}, {new.cohort.source}"
    usual = old.cohort.rates.model_dump()
    for name, rate in new.cohort.rates.model_dump().items():
        yield f"  {name:<15}{usual[name]:>12g} -> {rate:g}"
    for one, other in zip(old.model.pools, new.model.pools, strict=True):
        yield f"  pool {one.name:<10}{one.threshold:>12g} -> {other.threshold:g} ({one.by})"


def _shares(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text}: shares are numbers like 0.6,0.9") from error
