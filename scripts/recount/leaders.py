"""Rule 16: who leads in the hopping windows of the last hour."""

from collections.abc import Mapping

from scripts.recount.model import MINUTE_MS
from scripts.recount.trending import Entity, entities_of
from scripts.recount.videos import Counts, VideoSums

WINDOW_MINUTES = 5
WINDOWS = 60

Leader = tuple[int, int, int, int]  # views, likes, engagements, rank
Minutes = Mapping[tuple[int, str, str], Counts]


def leaders(
    minutes: Minutes, videos: Mapping[str, VideoSums], newest_ms: int
) -> dict[tuple[int, str, str], Leader]:
    """Return (end of the window, kind, id) -> its row, of every full minute up to the newest."""
    last_ms = newest_ms // MINUTE_MS * MINUTE_MS
    first_ms = last_ms - (WINDOWS + WINDOW_MINUTES) * MINUTE_MS
    recent = {cell: counts for cell, counts in minutes.items() if cell[0] >= first_ms}
    found: dict[tuple[int, str, str], Leader] = {}
    for number in range(WINDOWS):
        end_ms = last_ms - number * MINUTE_MS
        for (kind, name), leader in window(recent, videos, end_ms, WINDOW_MINUTES).items():
            found[end_ms, kind, name] = leader
    return found


def window(
    minutes: Minutes, videos: Mapping[str, VideoSums], end_ms: int, size: int
) -> dict[Entity, Leader]:
    """Return the leaders of the `size` minutes before a time, with their ranks."""
    sums: dict[Entity, list[int]] = {}
    for (start_ms, kind, video_id), counts in minutes.items():
        if kind != "video" or not end_ms - size * MINUTE_MS <= start_ms < end_ms:
            continue
        likes = counts.get("likes", 0) - counts.get("unlikes", 0)
        others = sum(counts.get(name, 0) for name in ("comments", "shares", "favorites", "follows"))
        for entity in entities_of(video_id, videos[video_id]):
            if entity[1]:
                total = sums.setdefault(entity, [0, 0, 0])
                for place, number in enumerate((counts.get("views", 0), likes, likes + others)):
                    total[place] += number
    shown = {entity: s for entity, s in sums.items() if s[0] > 0 or s[2] > 0}
    found: dict[Entity, Leader] = {}
    place_of: dict[str, int] = {}
    for entity in sorted(shown, key=lambda e: (-shown[e][2], -shown[e][0], e[1])):
        views, likes, engagements = shown[entity]
        place_of[entity[0]] = place_of.get(entity[0], 0) + 1
        found[entity] = (views, likes, engagements, place_of[entity[0]])
    return found
