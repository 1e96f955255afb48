"""The views of audience, follower growth, collaborations and trends' lift with what is expected."""

from collections.abc import Mapping
from typing import Any

from scripts.recount.audience import Lift, trend_lift
from scripts.recount.compare import Check, Key, Row, near
from scripts.recount.expected import Expected
from scripts.recount.settled import Settled

AUDIENCE = (
    *("fans", "returning_fans", "returning_rate", "replied_videos"),
    *("engaged_before", "engaged_after", "others_before", "others_after", "reply_lift"),
)
SIDE = (
    *("engaged", "own_followers", "from_others", "new_followers"),
    *("viewers", "viewers_from_others"),
)
LIFT = (
    *("trending_videos", "trending_views", "trending_likes"),
    *("other_videos", "other_views", "other_likes", "views_lift", "likes_lift"),
)


def audience_checks(expected: Expected, settled: Settled) -> list[Check]:
    """Return the checks of the four views."""
    given = expected.audience
    bursts = expected.bursts.through(settled.bursts_through_ms)
    lifts = trend_lift(expected.videos, bursts)
    return [
        _check("audience", ("creator_id",), AUDIENCE, given.audience()),
        _check(
            "follower_growth",
            ("kind", "subject_id", "creator_id"),
            ("new_followers", "kept"),
            given.growth(),
        ),
        _check("collaborations", ("video_id", "creator_id"), SIDE, given.collaborations()),
        _check("trend_lift", ("creator_id",), LIFT, lifts),
    ]


def _check(
    view: str, keys: tuple[str, ...], columns: tuple[str, ...], found: Mapping[Any, Any]
) -> Check:
    def row_of(_: Key, row: Any) -> Row:
        if isinstance(row, tuple):
            return row
        if isinstance(row, Lift):
            return (*row.trending, *row.other, near(row.views_lift), near(row.likes_lift))
        cells = (getattr(row, name) for name in columns)
        return tuple(near(cell) if isinstance(cell, float) else cell for cell in cells)

    return Check(
        view=view,
        sql=f"SELECT {', '.join((*keys, *columns))} FROM {view}",
        keys=len(keys),
        columns=columns,
        expected={key if isinstance(key, tuple) else (key,): row for key, row in found.items()},
        row_of=row_of,
    )
