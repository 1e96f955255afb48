"""A burst on a running stack: found over several partitions, shown, and recounted by the audit."""

import asyncio
from pathlib import Path

import pytest

from scripts.cli import dispatch, guarded
from scripts.records import address
from scripts.replay import replay
from scripts.stack import Stack
from scripts.trends import find_bursts
from streams.config import Settings
from tests.oracle.events import HOUR_MS, MINUTE_MS, T0_MS, event, line_of

VIDEOS = 6
BEGINS, ENDS = 90, 96  # minutes


def log_with_a_burst() -> list[bytes]:
    """Two hours of calm on six videos of one tag and on another video, and a crowd for six minutes."""
    made = [
        event("video_published", video_id=f"v{n}", hashtags=["hot"], at=-HOUR_MS)
        for n in range(VIDEOS)
    ]
    made += [
        event("video_published", video_id="late", hashtags=["hot"], at=(BEGINS + 1) * MINUTE_MS),
        event("view", video_id="late", at=(BEGINS + 2) * MINUTE_MS),
    ]
    for minute in range(0, 120, 2):
        at = minute * MINUTE_MS
        made.append(event("like", user_id=f"u{minute}", video_id=f"v{minute % VIDEOS}", at=at))
        made += [event("like", user_id=f"w{minute}-{n}", video_id="w", at=at) for n in range(6)]
    for minute in range(BEGINS, ENDS):
        for user in range(30):
            name = f"v{user % VIDEOS}"
            at = minute * MINUTE_MS + user
            made.append(event("like", user_id=f"x{minute}-{user}", video_id=name, at=at))
    made.sort(key=lambda one: one["event_time_ms"])
    names = (*(f"v{n}" for n in range(VIDEOS)), "late", "w")  # every partition goes on
    made += [event("view", video_id=name, at=3 * HOUR_MS) for name in names]
    return [line_of(one) for one in made]


@pytest.mark.stack
@pytest.mark.slow
def test_a_burst_is_found_shown_and_recounted(tmp_path: Path) -> None:
    with Stack(tmp_path, Settings()) as stack:
        records = map(address, log_with_a_burst())
        asyncio.run(replay(records, stack.settings.kafka, idempotent=False))
        stack.wait_until_drained()
        (found,) = find_bursts(stack.client, stack.settings)
        assert (found.kind, found.entity_id) == ("hashtag", "hot")
        assert found.began_ms == T0_MS + BEGINS * MINUTE_MS
        assert found.ended_ms >= T0_MS + ENDS * MINUTE_MS
        assert find_bursts(stack.client, stack.settings) == [found]
        assert stack.query("SELECT entity_id, z FROM bursts") == [("hot", found.z)]
        lift = "SELECT creator_id, trending_videos, other_videos FROM trend_lift"
        assert stack.query(lift) == [("c", 1, VIDEOS)]
        assert guarded(lambda: dispatch(["audit", "--data", str(tmp_path)])) == 0
