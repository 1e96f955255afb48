"""The public views as the contract lists them: ../shared/design.md, section 3."""

from __future__ import annotations

from pathlib import Path

from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse

COUNTERS = (
    "impressions views qualified_views watch_ms completions likes unlikes comments replies shares "
    "favorites follows profile_views not_interested reports gifts gift_coins"
)
_WINDOWS = f"window_start kind subject_id creator_id {COUNTERS}"
# Of these three the contract names what comes first and says "likewise" or "totals" of the rest.
BEGINS: dict[str, str] = {
    "videos": "video_id creator_id content_type duration_ms published_at "
    f"{COUNTERS} net_likes unique_viewers pool",
    "lives": f"live_id creator_id started_at ended_at {COUNTERS} unique_viewers",
    "creators": f"creator_id followers videos {COUNTERS} engagement_rate reply_rate "
    "earnings_micros",
}
VIEWS: dict[str, str] = BEGINS | {
    "engagement_1m": _WINDOWS,
    "engagement_1h": _WINDOWS,
    "engagement_1d": _WINDOWS,
    "trending_now": "kind entity_id score velocity rank",
    "boosts": "video_id pool verdict decided_at weights_version",
    "earnings_ledger": "entry_id occurred_at creator_id source state amount_micros currency "
    "reference rate_version",
    "earnings_daily": "day creator_id source amount_micros entries",
    "balances": "creator_id currency amount_micros",
    "content_performance": "dimension value videos views likes likes_per_1000_views "
    "earnings_micros",
    "dead_letters": "topic partition offset stage reason detail raw event_time",
    "late_events": "window_start kind subject_id type events",
}


def assert_columns(view: str, names: list[str]) -> None:
    """Exactly the contract's columns, in its order."""
    wanted = VIEWS[view].split()
    assert names[: len(wanted)] == wanted, view
    assert view in BEGINS or len(names) == len(wanted), f"{view} has more: {names}"


def everything(data: Path) -> dict[str, list[str]]:
    """Return the rows of every public view of a folder, as sorted lines of text."""
    shown = {}
    with EmbeddedClickHouse(data / "clickhouse") as engine:
        client = connect(engine.url)
        for view in VIEWS:
            text = client.raw_query(f"SELECT * FROM {view} ORDER BY ALL", fmt="TSV").decode()
            shown[view] = text.splitlines()
        client.close()
    return shown
