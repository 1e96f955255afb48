"""The real log's known answers (../shared/data/README.md), as queries of the public views."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse

LOG = "kuairand_log.csv.gz"

_SUMS = "impressions views watch_ms likes follows comments shares not_interested profile_views"
_DAYS = (31, 265, 205, 216, 224, 294, 367)

# query -> rows
KNOWN: dict[str, list[tuple[Any, ...]]] = {
    f"SELECT {', '.join(f'sum({name})' for name in _SUMS.split())} FROM engagement_{length}": [
        (91_805, 82_024, 2_016_922_043, 1_602, 126, 216, 76, 63, 1_825)
    ]
    for length in ("1m", "1h", "1d")
} | {
    "SELECT sum(net_likes), count(), uniqExact(creator_id) FROM videos": [(1_594, 5_564, 5_020)],
    "SELECT count(), sum(videos), sum(likes) FROM creators": [(5_020, 5_564, 1_602)],
    "SELECT toDate(window_start, 'UTC') AS day, sum(likes) FROM engagement_1d "
    "GROUP BY day ORDER BY day": [
        (date(2022, 4, 24 + number), likes) for number, likes in enumerate(_DAYS)
    ],
    "SELECT video_id, impressions FROM videos ORDER BY impressions DESC LIMIT 5": [
        ("2630", 664), ("2303", 612), ("5239", 561), ("1725", 436), ("6921", 418)
    ],
    "SELECT video_id, likes FROM videos ORDER BY likes DESC, video_id LIMIT 5": [
        ("4640", 23), ("2594", 17), ("5239", 15), ("3670", 14), ("2303", 13)
    ],
    "SELECT count() FROM dead_letters": [(0,)],
}  # fmt: skip


_FLAGS = ("is_like", "is_follow", "is_comment", "is_forward", "is_hate", "is_profile_enter")


def messages_of(log: Path) -> int:
    """Return how many events the log's rows make, repeated rows too."""
    return sum(
        1 + (int(row["play_time_ms"]) > 0) + sum(row[flag] == "1" for flag in _FLAGS)
        for row in _rows(log)
    )


def _rows(log: Path) -> Iterator[dict[str, str]]:
    with gzip.open(log, "rt") as file:
        yield from csv.DictReader(file)


def counted_plainly(log: Path) -> dict[str, int]:
    """Return what the README does not tell but a few lines of Python do."""
    rows: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in _rows(log):
        rows.setdefault((row["user_id"], row["video_id"], row["time_ms"]), row)
    views = [row for row in rows.values() if int(row["play_time_ms"]) > 0]
    assert sum(int(row["play_time_ms"]) > 5_000 for row in views) == 44_822
    long = [row for row in views if int(row["play_time_ms"]) > 5_000]
    assert len({(row["user_id"], row["video_id"]) for row in long}) == 44_819
    completed = [r for r in views if int(r["play_time_ms"]) >= int(r["duration_ms"]) > 0]
    return {
        "completions": len(completed),
        "qualified_views": len({(r["user_id"], r["video_id"]) for r in long if r["tab"] == "1"}),
        "unique_viewers": len({(row["user_id"], row["video_id"]) for row in views}),
    }


def assert_known(url: str, log: Path) -> None:
    """Every known answer, from a running ClickHouse."""
    plain = counted_plainly(log)
    names = ", ".join(f"sum({name})" for name in plain)
    with closing(connect(url)) as client:
        for query, rows in KNOWN.items():
            assert list(client.query(query).result_rows) == rows, query
        found = client.query(f"SELECT {names} FROM videos").result_rows[0]
        assert dict(zip(plain, found, strict=True)) == plain


def assert_known_in(data: Path, log: Path) -> None:
    """Every known answer, from the folder of a run."""
    with EmbeddedClickHouse(data / "clickhouse") as engine:
        assert_known(engine.url, log)


def fates(url: str) -> dict[str, int]:
    """Return how many messages there were, and what became of them."""
    names = ("messages", "counted", "duplicates", "late", "dead_letters")
    query = f"SELECT {', '.join(f'sum({name})' for name in names)} FROM partitions FINAL"
    with closing(connect(url)) as client:
        return dict(zip(names, client.query(query).result_rows[0], strict=True))
