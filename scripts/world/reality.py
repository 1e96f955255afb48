"""The world beside the real logs it was made from: how far apart they are, and how far they may be.

Real figures are those of scripts/generator/figures.py and schemas/weights.toml (KuaiRand-Pure and -27K, CC BY-SA 4.0).
A bound says how many times larger or smaller the world's figure may be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from scripts.generator.figures import (
    COMMENT_DELETED_PPM,
    HOURLY_EXPOSURES,
    NOT_INTERESTED_PPM,
    PROFILE_VIEW_PPM,
    TOP_VIDEOS_EXPOSURES,
    UNFAVORITE_PPM,
    UNFOLLOW_PPM,
    UNLIKE_PPM,
    VIEWED_PPM,
)

_MILLION = 1_000_000
_BY_TYPE = "SELECT sumMap(by_type) FROM partitions FINAL"
_SUMS = "SELECT sum(views), sum(completions), sum(watch_ms) FROM videos"
_BY_HOUR = """
SELECT toHour(window_start) AS hour, sum(impressions) FROM engagement_1h GROUP BY hour ORDER BY hour
"""
_GINI = 0.531  # of impressions over videos [27K log_standard_video_concentration.csv, gini_approx]


class Likeness(NamedTuple):
    """One figure of both; `times_max` is the bound on their ratio, either way."""

    name: str
    world: float
    reality: float
    times_max: float
    source: str

    @property
    def holds(self) -> bool:
        """Whether the world's figure is within its bound."""
        if self.world <= 0:
            return False
        ratio = self.world / self.reality
        return 1 / self.times_max <= ratio <= self.times_max


def likenesses(client: Any, first_follows: int) -> list[Likeness]:
    """Return the figures of a played world, of all its arms together, beside the real ones."""
    counts = Counter[str](client.query(_BY_TYPE).result_rows[0][0])
    views, completions, watch_ms = client.query(_SUMS).result_rows[0]
    follows = counts["follow"] - first_follows

    def per_view(name: str, number: int, real: float, times_max: float) -> Likeness:
        return Likeness(f"{name} per view", _share(number, views), real, times_max, "[PURE]")

    def undone(name: str, undo: str, done: int, real_ppm: int) -> Likeness:
        share = _share(counts[undo], done)
        return Likeness(name, share, real_ppm / _MILLION, 1.6, "[PURE]")

    return [
        Likeness(
            "views per impression",
            _share(views, counts["impression"]),
            VIEWED_PPM / _MILLION,
            1.05,
            "[PURE]",
        ),
        per_view("completions", completions, 0.133 / 0.634, 1.3),
        Likeness(
            "seconds watched per view", _share(watch_ms, views) / 1_000, 23.0 / 0.634, 1.5, "[PURE]"
        ),
        per_view("likes", counts["like"] - counts["unlike"], 0.0184 / 0.634, 2.0),
        per_view("comments", counts["comment"], 0.00117 / 0.634, 2.0),
        per_view("shares", counts["share"], 0.000464 / 0.634, 2.5),
        per_view("favorites", counts["favorite"], 0.00259 / 0.634, 2.0),
        per_view("follows", follows, 0.00149 / 0.634, 2.0),
        per_view("profile views", counts["profile_view"], PROFILE_VIEW_PPM / _MILLION, 1.3),
        per_view("not interested", counts["not_interested"], NOT_INTERESTED_PPM / _MILLION, 1.6),
        undone("un-likes per like", "unlike", counts["like"], UNLIKE_PPM),
        undone("un-favorites per favorite", "unfavorite", counts["favorite"], UNFAVORITE_PPM),
        undone("unfollows per follow", "unfollow", follows, UNFOLLOW_PPM),
        undone("deleted per comment", "comment_deleted", counts["comment"], COMMENT_DELETED_PPM),
        _hours(client),
        *_concentration(client),
    ]


def _share(part: int, whole: int) -> float:
    """A very small world may hold nothing of a kind; 0 is within no bound."""
    return part / whole if whole else 0.0


def _hours(client: Any) -> Likeness:
    """The share of the busiest hour; the curve as a whole is drawn from the real one."""
    world = [row[1] for row in client.query(_BY_HOUR).result_rows]
    real = max(HOURLY_EXPOSURES) / sum(HOURLY_EXPOSURES)
    return Likeness(
        "share of the busiest hour", _share(max(world, default=0), sum(world)), real, 1.4, "[27K]"
    )


def _concentration(client: Any) -> list[Likeness]:
    """How unequally impressions are spread over the videos that have any.

    The top 1 % of a small world cannot get what they get on a platform: nobody is shown a video twice, so
    with 30 slots a person no video has more than a thirtieth of the impressions, and the top 1 % of 150
    videos are one or two. Gini's coefficient knows no such limit, and has a close bound.
    """
    found = client.query(
        "SELECT impressions FROM videos WHERE impressions > 0 ORDER BY impressions"
    )
    shown = [row[0] for row in found.result_rows]
    top, total = sum(shown[-max(1, len(shown) // 100) :]), sum(shown)
    return [
        Likeness(
            "impressions of the top 1 % of videos",
            _share(top, total),
            TOP_VIDEOS_EXPOSURES,
            25.0,
            "[27K]",
        ),
        Likeness("inequality of impressions (Gini)", gini(shown), _GINI, 1.5, "[27K]"),
    ]


def gini(ascending: Sequence[int]) -> float:
    """Return Gini's coefficient of some amounts: 0 where all are equal, near 1 where one has all."""
    count = len(ascending)
    weighed = sum((2 * place - count + 1) * amount for place, amount in enumerate(ascending))
    return _share(weighed, count * sum(ascending))
