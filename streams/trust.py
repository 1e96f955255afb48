"""Which likes of a video count in its pool: those of users who had watched it by that minute.

A user has watched from the first minute on in which a view of some length was sent. A like is
trusted if its user has watched by the end of its minute; decided when the minute is closed, so that
it does not matter which of like and view arrives first. A view that comes after its minute was
closed counts from the first minute still open: what was decided stays. Whether a like was trusted
can therefore be asked again at any time, with the same answer; an un-like is asked like a like.

An invalidated view still counts as watched: who sends false views is found by other rules, and
then the likes go as well.

What is taken back later (streams/corrections.py) is asked when it is due, for then its minute is
closed and the answer stands.

The state is one number per user who watched, the users who liked in minutes still open, and those
whose likes change in a minute to come.
"""

from collections.abc import Mapping, Sequence
from typing import Any


class Trust:
    """Who watched one video, since when, and whose likes wait for their minute to close."""

    __slots__ = ("changes", "waiting", "watched_from")

    def __init__(self) -> None:
        self.watched_from: dict[str, int] = {}
        self.waiting: dict[int, dict[str, int]] = {}  # minute -> user -> likes less un-likes
        self.changes: dict[int, list[tuple[int, str, int]]] = {}  # due -> minute, user, change

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

    def change(self, due: int, minute: int, user: str, number: int) -> None:
        """Note that the likes of a minute change when another one closes."""
        self.changes.setdefault(due, []).append((minute, user, number))

    def due(self, minute: int) -> dict[int, int]:
        """Return and forget which part of the changes due at a close never counted, by minute."""
        found: dict[int, int] = {}
        for due in [due for due in self.changes if due <= minute]:
            for changed, user, number in self.changes.pop(due):
                if not self.trusted(user, changed):
                    found[changed] = found.get(changed, 0) + number
        return found

    def dump(self) -> tuple[Any, ...]:
        """Return the state as plain values."""
        return self.watched_from, self.waiting, self.changes

    @classmethod
    def load(cls, dumped: Sequence[Mapping[Any, Any]]) -> "Trust":
        """Return the state that was dumped."""
        made = cls()
        watched_from, waiting, changes = dumped
        made.watched_from = dict(watched_from)
        made.waiting = {minute: dict(users) for minute, users in waiting.items()}
        made.changes = {due: [(m, u, n) for m, u, n in rows] for due, rows in changes.items()}
        return made
