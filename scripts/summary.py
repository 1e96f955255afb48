"""What a run found, in a few lines: messages, trending videos, earnings per source."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

MICROS = 1_000_000

_MESSAGES = """
SELECT sum(messages), sum(counted), sum(duplicates), sum(suppressed), sum(late), sum(dead_letters)
FROM partitions FINAL
"""
_REASONS = "SELECT reason, count() AS n FROM dead_letters GROUP BY reason ORDER BY n DESC, reason"
_TRENDING = """
SELECT t.rank, t.entity_id, round(t.score, 3), v.views, v.net_likes, v.creator_id
FROM trending_now AS t LEFT JOIN videos AS v ON v.video_id = t.entity_id
WHERE t.kind = 'video' AND t.rank <= 10 ORDER BY t.rank
"""
_SOURCES = """
SELECT source, state, count(), sum(amount_micros) FROM earnings_ledger
GROUP BY source, state ORDER BY source, state
"""
_EARNERS = """
SELECT source, creator_id, sum(amount_micros) AS micros FROM earnings_ledger
GROUP BY source, creator_id ORDER BY source, micros DESC, creator_id LIMIT 10 BY source
"""


def print_summary(client: Any, seconds: float) -> None:  # clickhouse_connect client
    """Print the summary of all that ClickHouse shows."""
    console = Console(highlight=False, soft_wrap=True)
    messages, counted, duplicates, suppressed, late, dead = _rows(client, _MESSAGES)[0]
    reasons = ", ".join(f"{reason} {number}" for reason, number in _rows(client, _REASONS))
    console.print(
        f"\n[bold]{messages:,} messages[/] in {seconds:.1f} s ({messages / seconds:,.0f}/s): "
        f"{counted:,} counted, {duplicates:,} duplicates, {suppressed:,} invalidated before they "
        f"came, {late:,} late, {dead:,} dead letters"
    )
    if reasons:
        console.print(f"dead letters by reason: {reasons}\n")
    titles = ("rank", "video", "score", "views", "likes", "creator")
    console.print(_table("Trending videos", titles, _rows(client, _TRENDING)))
    money = [(*row[:3], usd(row[3])) for row in _rows(client, _SOURCES)]
    console.print(_table("Earnings", ("source", "state", "entries", "USD"), money))
    by_source: dict[str, list[tuple[Any, ...]]] = {}
    for source, creator, micros in _rows(client, _EARNERS):
        by_source.setdefault(source, []).append((creator, usd(micros)))
    for source, rows in by_source.items():
        console.print(_table(f"Top creators by {source}", ("creator", "USD"), rows))


def usd(micros: int) -> str:
    """Return micro-USD as dollars, exactly."""
    sign, micros = ("-" if micros < 0 else ""), abs(micros)
    return f"{sign}{micros // MICROS:,}.{micros % MICROS:06d}"


def _rows(client: Any, sql: str) -> list[tuple[Any, ...]]:
    return list(client.query(sql).result_rows)


def _table(title: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name in columns:
        table.add_column(
            name, justify="left" if name in ("video", "creator", "source") else "right"
        )
    for row in rows:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    return table
