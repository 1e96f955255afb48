"""Bought likes: accounts that like what they are paid for without watching, and what is found of them."""

from __future__ import annotations

from scripts.world.assumptions import Treatment
from scripts.world.diary import MINUTE_MS, Diary, Event
from scripts.world.places import Place
from scripts.world.videos import Video

_AFTER_MS = 10 * MINUTE_MS
_APART_MS = 700
_FOUND_AFTER_MS = 60 * MINUTE_MS


class Bots:
    """The bought accounts of one world; without any this does nothing."""

    def __init__(self, treatment: Treatment, place: Place, diary: Diary) -> None:
        self._found = treatment.bots_found
        self._accounts = [f"{place.prefix}-bot{n}" for n in range(treatment.bots)]
        self._diary = diary

    def visit(self, video: Video) -> None:
        """Have every account see and like a new video, within minutes."""
        subject = {"video_id": video.id, "creator_id": video.creator.id}
        deeds: list[Event] = []
        for place, account in enumerate(self._accounts):
            at_ms = video.published_ms + _AFTER_MS + place * _APART_MS
            deeds += (
                self._diary.add("impression", at_ms, account, feed="profile", **subject),
                self._diary.add("like", at_ms + 100, account, **subject),
            )
        if deeds and self._found:
            found_ms = video.published_ms + _FOUND_AFTER_MS
            self._diary.add(
                *("invalidated", found_ms, "integrity"),
                video_id=video.id,
                targets=deeds[:1000],
                reason="likes without watching, by accounts that act in step",
            )
