"""What became of the chosen creators and of the others in each arm, read from the public views."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from scripts.world.arm import Arm
from scripts.world.people import Creator

SOURCES = ("creator_fund", "creator_rewards", "gift", "affiliate", "sale", "brand_deal")
MEASURES = ("impressions", "views", "likes", "followers", *SOURCES, "earnings")

_TOTALS = """
SELECT creator_id, sum(impressions), sum(views), sum(likes)
FROM videos
WHERE startsWith(creator_id, {prefix:String})
GROUP BY creator_id
"""
_FOLLOWERS = """
SELECT creator_id, followers
FROM creators
WHERE startsWith(creator_id, {prefix:String})
"""
_MONEY = """
SELECT creator_id, source, sum(amount_micros)
FROM earnings_ledger
WHERE startsWith(creator_id, {prefix:String}) AND currency = 'USD'
GROUP BY creator_id, source
"""


class Outcome(NamedTuple):
    """One group of one arm; counts, and micro-USD of each source by its name."""

    seed: int
    treatment: str
    group: str
    measures: dict[str, int]


class Grouping(NamedTuple):
    """How creators are told apart: the names of the groups, and which one a creator is in."""

    names: tuple[str, ...]
    of: Callable[[Creator], str]


CHOSEN = Grouping(("chosen", "others"), lambda one: "chosen" if one.is_chosen else "others")
_THIRDS = ("best third", "middle third", "last third")
QUALITY = Grouping(_THIRDS, lambda one: _THIRDS[2 - min(2, int(one.quality * 3))])


def outcomes(client: Any, arms: Sequence[Arm], grouping: Grouping) -> list[Outcome]:
    """Return what each group of each arm came to, settled."""
    return [outcome for arm in arms for outcome in _of_arm(client, arm, grouping)]


def _of_arm(client: Any, arm: Arm, grouping: Grouping) -> list[Outcome]:
    sums = {group: dict.fromkeys(MEASURES, 0) for group in grouping.names}
    group_of = {one.id: grouping.of(one) for one in arm.creators}

    def rows(sql: str) -> list[tuple[dict[str, int], Any]]:
        parameters = {"prefix": f"{arm.place.prefix}-c"}
        found = client.query(sql, parameters=parameters).result_rows
        return [(sums[group_of[row[0]]], row) for row in found if row[0] in group_of]

    for measures, (_, impressions, views, likes) in rows(_TOTALS):
        measures["impressions"] += impressions
        measures["views"] += views
        measures["likes"] += likes
    for measures, (_, followers) in rows(_FOLLOWERS):
        measures["followers"] += followers
    for measures, (_, source, amount_micros) in rows(_MONEY):
        if source in SOURCES:
            measures[source] += amount_micros
            measures["earnings"] += amount_micros
    return [Outcome(arm.seed, arm.treatment.name, group, sums[group]) for group in sums]
