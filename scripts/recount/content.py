"""Which kinds of content do well: every listed video counts in every value that it has.

Earnings are those of the ledger entries that name the video, estimates included. UTC throughout.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
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


@dataclass(slots=True)
class Performance:
    """What the videos of one value come to."""

    videos: int = 0
    views: int = 0
    likes: int = 0
    earnings_micros: int = 0

    @property
    def likes_per_1000_views(self) -> float:
        """Return 0 where there is no view to divide by."""
        return 1000 * self.likes / self.views if self.views else 0.0


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
            sums.earnings_micros += earnings.get(f"video:{video_id}", 0)
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
