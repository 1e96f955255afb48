"""What a video counts in by kind of content, and what the videos of one kind come to."""

from datetime import UTC, datetime, timedelta

from scripts.recount.compare import Row
from streams.intervals import shrunk
from tests.simulation.tables import Row as TableRow


def performance(of_value: list[int], usual: float) -> Row:
    """Return the row of a value behind its name."""
    videos_of, views, likes, money, done = of_value
    known = max(0, views)
    pulled = shrunk(min(known, max(0, likes)), known, usual, 1_000, 1.96).times(1_000)
    rates = (1_000 * likes / views, done / views) if views else (0.0, 0.0)
    return (videos_of, views, likes, rates[0], money, rates[1], *pulled)


def values_of(row: TableRow) -> set[tuple[str, str]]:
    """Return dimension and value of all that a video counts in."""
    seconds = row["duration_ms"] / 1000
    steps = ((15, "0-15 s"), (30, "15-30 s"), (60, "30-60 s"), (180, "1-3 min"), (600, "3-10 min"))
    length = next((name for end, name in steps if seconds < end), "10 min and more")
    values = {
        ("content_type", row["content_type"] or "unknown"),
        ("length", length if seconds > 0 else "unknown"),
        *(("hashtag", tag) for tag in row["hashtags"]),
    }
    if row["sound_id"]:
        values.add(("sound", row["sound_id"]))
    if row["challenge_id"]:
        values.add(("challenge", row["challenge_id"]))
    named = {feed: views for feed, views in row["views_of_feed"].items() if views > 0}
    values |= {("main_feed", feed) for feed in sorted(named, key=lambda f: (-named[f], f))[:1]}
    if row["published_at"]:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=row["published_at"])
        original = "original" if row["is_original"] else "not original"
        values |= {("hour", f"{at:%H}"), ("weekday", f"{at:%A}"), ("originality", original)}
    return values
