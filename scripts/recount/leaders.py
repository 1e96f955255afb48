"""Rule 16: who leads in the hopping windows of the last hour, and of the last five minutes."""

from collections.abc import Iterable, Mapping

from scripts.recount.facts import Engagement
from scripts.recount.model import MINUTE_MS
from scripts.recount.trending import Entity, entities_of
from scripts.recount.videos import Counts, VideoSums

WINDOW_MINUTES = 5
WINDOWS = 60
HOP_MS = 5_000  # of the short windows: sixty of a minute, one ending every 5 s

Leader = tuple[int, int, int, int]  # views, likes, engagements, rank
Top = tuple[int, int, int]  # engagements, users, rank
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


def top_windows(
    engagements: Iterable[Engagement], entities: Mapping[str, set[Entity]], newest_ms: int
) -> dict[tuple[int, str, str], Top]:
    """Return (end of the window, kind, id) -> its row, of the windows of 60 s, every 5 s."""
    last_ms = newest_ms // HOP_MS * HOP_MS
    first_ms = last_ms - WINDOWS * HOP_MS - MINUTE_MS
    recent = [act for act in engagements if act.type != "reply" and act.event_time_ms >= first_ms]
    found: dict[tuple[int, str, str], Top] = {}
    for number in range(WINDOWS):
        end_ms = last_ms - number * HOP_MS
        users: dict[Entity, list[str]] = {}
        for act in recent:
            if end_ms - MINUTE_MS <= act.event_time_ms < end_ms:
                for entity in entities[act.video_id]:
                    users.setdefault(entity, []).append(act.user_id)
        sums = {entity: (len(acts), len(set(acts))) for entity, acts in users.items() if entity[1]}
        place_of: dict[str, int] = {}
        for (kind, name), (acts, people) in sorted(
            sums.items(), key=lambda item: (-item[1][0], -item[1][1], item[0][1])
        ):
            place_of[kind] = place_of.get(kind, 0) + 1
            found[end_ms, kind, name] = (acts, people, place_of[kind])
    return found
