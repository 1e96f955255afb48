"""What each arm's platform knows of its own numbers: what trends, and the content type liked best.

Read when everything told so far is visible, so it is the same in every run. Scores are rounded before
they are compared: sums of floats may differ in their last digits, a ranking must not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scripts.world.feed import Trends
from scripts.world.people import TOPICS

_TOP = 20
_VIEWS_MIN = 100  # of a content type, before anybody goes by it

# An arm's ids begin with its prefix and a dash. The views are asked once for all arms.
_TRENDING = """
SELECT kind, splitByChar('-', entity_id)[1] AS prefix, entity_id
FROM trending_now
WHERE kind IN ('video', 'hashtag')
ORDER BY kind, prefix, round(score, 6) DESC, entity_id
LIMIT {top:UInt32} BY kind, prefix
"""
_TYPES = """
SELECT splitByChar('-', creator_id)[1] AS prefix, content_type
FROM videos
WHERE content_type != ''
GROUP BY prefix, content_type
HAVING sum(views) >= {views:UInt32}
ORDER BY prefix, sum(likes) / sum(views) DESC, content_type
LIMIT 1 BY prefix
"""


def what_trends(client: Any, prefixes: Iterable[str]) -> dict[str, Trends]:
    """Return what trends in each arm now, for its feed and its creators."""
    best: dict[tuple[str, str], list[str]] = {}
    for kind, prefix, entity_id in client.query(_TRENDING, parameters={"top": _TOP}).result_rows:
        best.setdefault((kind, prefix), []).append(entity_id)
    types = dict(client.query(_TYPES, parameters={"views": _VIEWS_MIN}).result_rows)

    def tag_of(prefix: str) -> str | None:
        tags = [tag.removeprefix(f"{prefix}-") for tag in best.get(("hashtag", prefix), [])]
        return next((tag for tag in tags if tag not in TOPICS), None)  # topics are always there

    return {
        prefix: Trends(best.get(("video", prefix), []), tag_of(prefix), types.get(prefix))
        for prefix in prefixes
    }
