"""Which likes of a video count in its pool: those of users who had watched it by that minute.

A user has watched from the first minute on in which a view of some length was sent. A like is
trusted if its user has watched by the end of its minute; decided when the minute is closed, so that
it does not matter which of like and view arrives first. A view that comes after its minute was
closed counts from the first minute still open: what was decided stays. Whether a like was trusted
can therefore be asked again at any time, with the same answer; an un-like is asked like a like.

An invalidated view still counts as watched: who sends false views is found by other rules, and
then the likes go as well.

The state is one number per user who watched, and the users who liked in minutes still open.
"""

from collections.abc import Mapping, Sequence
from typing import Any


class Trust:
    """Who watched one video, since when, and whose likes wait for their minute to close."""

    __slots__ = ("waiting", "watched_from")

    def __init__(self) -> None:
        self.watched_from: dict[str, int] = {}
        self.waiting: dict[int, dict[str, int]] = {}  # minute -> user -> likes less un-likes

    def watch(self, user: str, minute: int, first_open: int) -> None:
        """Note a view that is long enough; `first_open` is the first minute not closed."""
        minute = max(minute, first_open)
        known = self.watched_from.get(user)
        if known is None or minute < known:
            self.watched_from[user] = minute

    def like(self, user: str, minute: int, number: int = 1) -> None:
        """Note a like (or with -1 an un-like, or a like taken back) of a minute still open."""
        users = self.waiting.setdefault(minute, {})
        users[user] = users.get(user, 0) + number

    def trusted(self, user: str, minute: int) -> bool:
        """Return whether a like of this minute counts; asked of closed minutes only."""
        known = self.watched_from.get(user)
        return known is not None and known <= minute

    def close(self, minute: int) -> int:
        """Return how many likes of a minute do not count, and forget who made them."""
        users = self.waiting.pop(minute, {})
        return sum(number for user, number in users.items() if not self.trusted(user, minute))

    def dump(self) -> tuple[Any, ...]:
        """Return the state as plain values."""
        return self.watched_from, self.waiting

    @classmethod
    def load(cls, dumped: Sequence[Mapping[Any, Any]]) -> "Trust":
        """Return the state that was dumped."""
        made = cls()
        watched_from, waiting = dumped
        made.watched_from = dict(watched_from)
        made.waiting = {minute: dict(users) for minute, users in waiting.items()}
        return made
