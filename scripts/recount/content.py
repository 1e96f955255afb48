"""Which kinds of content do well: every listed video counts in every value that it has.

Earnings are those of the ledger entries that name the video, estimates included. UTC throughout.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import sqrt
from typing import Any

Value = tuple[str, str]  # dimension, value

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# a length is named by the first of these that it is below, in ms
LENGTHS = (
    (1, "unknown"),
    (15_000, "0-15 s"),
    (30_000, "15-30 s"),
    (60_000, "30-60 s"),
    (180_000, "1-3 min"),
    (600_000, "3-10 min"),
)
LONGEST = "10 min and more"
PRIOR_VIEWS = 1_000
Z = 1.96


@dataclass(slots=True)
class Performance:
    """What the videos of one value come to."""

    videos: int = 0
    views: int = 0
    likes: int = 0
    completions: int = 0
    earnings_micros: int = 0
    usual: float = 0.0  # likes per view of all videos

    @property
    def likes_per_1000_views(self) -> float:
        """Return 0 where there is no view to divide by."""
        return 1000 * self.likes / self.views if self.views else 0.0

    @property
    def completion_rate(self) -> float:
        """Return 0 where there is no view to divide by."""
        return self.completions / self.views if self.views else 0.0

    @property
    def likes_per_1000_shrunk(self) -> float:
        """Return the rate with 1,000 views more that were liked as usual."""
        return 1000 * self._liked / self._trials

    @property
    def likes_per_1000_bounds(self) -> tuple[float, float]:
        """Return the two rates at which the shrunk one is just Z standard errors away.

        They solve (p - x)^2 = Z^2 x (1 - x) / n, which is what Wilson's interval is.
        """
        n, p = self._trials, self._liked / self._trials
        a, b, c = 1 + Z * Z / n, -(2 * p + Z * Z / n), p * p
        root = sqrt(max(0.0, b * b - 4 * a * c))
        low, high = (-b - root) / (2 * a), (-b + root) / (2 * a)
        return 1000 * max(0.0, low), 1000 * min(1.0, high)

    @property
    def _trials(self) -> int:
        return max(0, self.views) + PRIOR_VIEWS

    @property
    def _liked(self) -> float:
        return min(max(0, self.views), max(0, self.likes)) + PRIOR_VIEWS * self.usual


def content_of(
    videos: Mapping[str, Mapping[str, Any]], earnings: Mapping[str, int]
) -> dict[Value, Performance]:
    """Return every value of every dimension; `videos` are the rows of the view `videos`.

    `earnings` are the sums of the ledger by reference.
    """
    found: dict[Value, Performance] = {}
    for video_id, row in videos.items():
        for value in values_of(row):
            sums = found.setdefault(value, Performance())
            sums.videos += 1
            sums.views += row["views"]
            sums.likes += row["likes"]
            sums.completions += row["completions"]
            sums.earnings_micros += earnings.get(f"video:{video_id}", 0)
    views = sum(row["views"] for row in videos.values())
    likes = sum(row["likes"] for row in videos.values())
    usual = min(1.0, max(0.0, likes / views)) if views > 0 else 0.0
    for sums in found.values():
        sums.usual = usual
    return found


def values_of(row: Mapping[str, Any]) -> set[Value]:
    """Return all that a video is counted in; hour, weekday and originality need a publication."""
    values = {
        ("content_type", row["content_type"] or "unknown"),
        ("length", length_of(row["duration_ms"])),
    }
    values |= {("hashtag", tag) for tag in row["hashtags"]}
    if row["sound_id"]:
        values.add(("sound", row["sound_id"]))
    if row["challenge_id"]:
        values.add(("challenge", row["challenge_id"]))
    if row["main_feed"]:
        values.add(("main_feed", row["main_feed"]))
    if row["published_at"]:
        at = datetime.fromtimestamp(row["published_at"] / 1000, UTC)
        values.add(("hour", f"{at.hour:02}"))
        values.add(("weekday", WEEKDAYS[at.weekday()]))
        values.add(("originality", "original" if row["is_original"] else "not original"))
    return values


def length_of(duration_ms: int) -> str:
    """Return the name of a video's length."""
    for below_ms, name in LENGTHS:
        if duration_ms < below_ms:
            return name
    return LONGEST
