"""The public views as the contract lists them: ../shared/design.md, section 3."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse

COUNTERS = (
    "impressions views qualified_views watch_ms completions likes unlikes comments replies shares "
    "favorites follows profile_views not_interested reports gifts gift_coins"
)
_WINDOWS = f"window_start kind subject_id creator_id {COUNTERS}"
# Of the first three the contract names what comes first and says "likewise" or "totals" of the rest;
# the last two show more behind what it names.
BEGINS: dict[str, str] = {
    "videos": "video_id creator_id content_type duration_ms published_at "
    f"{COUNTERS} net_likes unique_viewers pool",
    "lives": f"live_id creator_id started_at ended_at {COUNTERS} unique_viewers",
    "creators": f"creator_id followers videos {COUNTERS} engagement_rate reply_rate "
    "earnings_micros",
    "trending_now": "kind entity_id score velocity rank",
    "content_performance": "dimension value videos views likes likes_per_1000_views "
    "earnings_micros",
}
VIEWS: dict[str, str] = BEGINS | {
    "engagement_1m": _WINDOWS,
    "engagement_1h": _WINDOWS,
    "engagement_1d": _WINDOWS,
    "boosts": "video_id pool verdict decided_at weights_version decision_id reason measure "
    "lower_bound upper_bound threshold impressions pool_after",
    "earnings_ledger": "entry_id occurred_at creator_id source state amount_micros currency "
    "reference rate_version",
    "earnings_daily": "day creator_id source amount_micros entries",
    "balances": "creator_id currency amount_micros",
    "dead_letters": "topic partition offset stage reason detail raw event_time",
    "late_events": "window_start kind subject_id type events",
}

Answers = dict[str, list[dict[str, Any]]]
_QUERIES = {view: f"SELECT * FROM {view} ORDER BY ALL" for view in VIEWS}
# raw messages need not be text
_QUERIES["dead_letters"] = "SELECT * REPLACE (hex(raw) AS raw) FROM dead_letters ORDER BY ALL"
_QUERIES["partitions"] = "SELECT * EXCEPT version FROM partitions FINAL ORDER BY ALL"


def assert_columns(view: str, names: list[str]) -> None:
    """Exactly the contract's columns, in its order."""
    wanted = VIEWS[view].split()
    assert names[: len(wanted)] == wanted, view
    assert view in BEGINS or len(names) == len(wanted), f"{view} has more: {names}"


def read_all(data: Path) -> Answers:
    """Return the rows of every public view of a folder, in an order of their own."""
    with EmbeddedClickHouse(data / "clickhouse") as engine:
        return ask_all(engine.url)


def ask_all(url: str, database: str = "engagement") -> Answers:
    """Return the rows of every public view of a ClickHouse, in an order of their own."""
    with closing(connect(url, database)) as client:
        return {
            view: [
                {name: _plain(cell) for name, cell in row.items()}
                for row in client.query(sql).named_results()
            ]
            for view, sql in _QUERIES.items()
        }


def _plain(cell: Any) -> Any:
    """Return a cell without the last digits of a fraction: ClickHouse adds in any order."""
    return float(f"{cell:.9g}") if isinstance(cell, float) else cell
