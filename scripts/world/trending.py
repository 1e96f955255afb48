"""What an arm's platform knows of its own numbers: the videos and the tag that trend, the type liked best.

Read when everything told so far is visible, so it is the same in every run. Scores are rounded before
they are compared: sums of floats may differ in their last digits, a ranking must not.
"""

from __future__ import annotations

from typing import Any

from scripts.world.arm import Arm
from scripts.world.feed import Trends
from scripts.world.people import TOPICS

_TOP = 20
_VIEWS_MIN = 100  # of a content type, before anybody goes by it

_TRENDING = """
SELECT entity_id
FROM trending_now
WHERE kind = {kind:String} AND startsWith(entity_id, {prefix:String})
ORDER BY round(score, 6) DESC, entity_id
LIMIT {top:UInt32}
"""
_TYPES = """
SELECT content_type
FROM videos
WHERE startsWith(creator_id, {prefix:String}) AND content_type != ''
GROUP BY content_type
HAVING sum(views) >= {views:UInt32}
ORDER BY sum(likes) / sum(views) DESC, content_type
LIMIT 1
"""


def what_trends(client: Any, arm: Arm) -> Trends:
    """Return what trends in an arm now, for its feed and its creators."""
    prefix = f"{arm.place.prefix}-"

    def names(sql: str, **parameters: Any) -> list[str]:
        rows = client.query(sql, parameters={"prefix": prefix, **parameters}).result_rows
        return [row[0] for row in rows]

    tags = [tag.removeprefix(prefix) for tag in names(_TRENDING, kind="hashtag", top=_TOP)]
    types = names(_TYPES, views=_VIEWS_MIN)
    return Trends(
        names(_TRENDING, kind="video", top=_TOP),
        next((tag for tag in tags if tag not in TOPICS), None),  # topics are always there
        types[0] if types else None,
    )
