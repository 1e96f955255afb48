"""All videos at once, for questions that look at every one of them.

The view `video_state` adds up a video's rows of several source partitions, which a video has only after
its topic got more partitions. Adding up 250,000 groups of one row takes most of the time of a
question about all; so here a video of one source is read as it lies, and only the others are added up.
"""

from __future__ import annotations

from schemas.rows import COUNTERS

_SPREAD = """(
        SELECT groupArray(s.video_id)
        FROM
        (
            SELECT video_id FROM video_totals GROUP BY video_id HAVING min(source) != max(source)
        ) AS s
    ) AS spread"""
_ROWS = """(
        SELECT $columns FROM video_totals FINAL WHERE (empty(spread) OR video_id NOT IN spread)$seen
        UNION ALL
        SELECT $columns FROM $view WHERE video_id IN (SELECT arrayJoin(spread))
    )"""
_COUNTED = ", ".join((*COUNTERS, "net_likes", "net_favorites"))
_SEEN = f""" AND (
            published_at > toDateTime64(0, 3, 'UTC')
            OR ({_COUNTED}) != ({", ".join("0" for _ in _COUNTED.split(", "))})
        )"""


def every_video(text: str, columns: str) -> str:
    """Put in what `$spread` (behind a WITH), `$videos` and `$video_state` stand for: rows with `columns`.

    They equal the views of these names, as `tests/unit/test_dashboard_rankings.py` holds.
    """
    videos = _ROWS.replace("$view", "videos").replace("$seen", _SEEN)
    state = _ROWS.replace("$view", "video_state").replace("$seen", "")
    whole = text.replace("$spread", _SPREAD).replace("$videos", videos)
    return whole.replace("$video_state", state).replace("$columns", columns)
