"""Audience, growth, collaborations and lifts over the tables in memory.

What is checked here is that the worker's rows say what the log says: the rows are given to the
recount's own loops. That ClickHouse's views come to the same is checked by tests/unit/test_rows.py.
"""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from scripts.recount.audience import AudienceInput
from scripts.recount.audience_checks import audience_checks
from scripts.recount.compare import Row, Within
from scripts.recount.expected import Expected
from scripts.recount.facts import Engagement, FollowAction, SharedView
from scripts.recount.settled import Settled
from tests.simulation.tables import Row as TableRow
from tests.simulation.tables import Tables

AUDIENCE_VIEWS = ("audience", "follower_growth", "collaborations", "trend_lift")


def audience_view(
    view: str,
    tables: Tables,
    states: Mapping[str, TableRow],
    listed: Mapping[str, TableRow],
    lives: Mapping[str, TableRow],
) -> list[Row]:
    """Return the rows of one view; nobody has looked for bursts."""
    given = AudienceInput(
        engagements=[_engagement(row) for row in tables.rows("engagements") if row["counted"]],
        views=[_view(row) for row in tables.rows("shared_views") if row["counted"]],
        actions=[_action(row) for row in tables.rows("follow_actions") if row["counted"]],
        creator_of={video_id: row["creator_id"] for video_id, row in states.items()},
        published={v: _published(row) for v, row in states.items() if row["published_at"]},
        follows=_registers(tables),
        lives=lives,
        lowest_ms=min(
            (
                row["max_event_time"]
                for row in tables.rows("partitions")
                if row["topic"] == "engagement.events" and row["max_event_time"]
            ),
            default=0,
        ),
    )
    expected = Expected(audience=given, videos={v: dict(row) for v, row in listed.items()})
    (check,) = (one for one in audience_checks(expected, Settled()) if one.view == view)
    rows = [(*key, *check.row_of(key, item)) for key, item in check.expected.items()]
    return [tuple(_plain(cell) for cell in row) for row in rows]


def _plain(cell: object) -> object:
    return (cell.low + cell.high) / 2 if isinstance(cell, Within) else cell


def _engagement(row: TableRow) -> Engagement:
    names = ("event_id", "event_time", "type", "user_id", "video_id", "creator_id")
    return Engagement(*(row[name] for name in names))


def _view(row: TableRow) -> SharedView:
    return SharedView(*(row[name] for name in ("event_id", "event_time", "user_id", "video_id")))


def _action(row: TableRow) -> FollowAction:
    names = ("event_id", "event_time", "user_id", "creator_id", "following")
    return FollowAction(*(row[name] for name in names))


def _published(row: TableRow) -> Any:
    sides = [SimpleNamespace(creator_id=c.rpartition(":")[0]) for c in row["collaborators"]]
    return SimpleNamespace(
        creator_id=row["creator_id"], event_time_ms=row["published_at"], collaborators=sides
    )


def _registers(tables: Tables) -> dict[str, dict[str, tuple[int, str, bool]]]:
    found: dict[str, dict[str, tuple[int, str, bool]]] = {}
    for row in tables.rows("follows"):
        register = found.setdefault(row["creator_id"], {})
        word = (row["event_time_ms"], row["event_id"], bool(row["following"]))
        register[row["user_id"]] = max(register.get(row["user_id"], word), word)
    return found
