"""Which likes of a video count in its pool: those of users who had watched it by that minute.

A user has watched from the first minute on in which a view of some length was sent. A like is
trusted if its user has watched by the end of its minute; decided when the minute is closed, so that
it does not matter which of like and view arrives first. A view that comes after its minute was
closed counts from the first minute still open: what was decided stays. Whether a like of a closed
minute was trusted can therefore be asked at any time, with the same answer; an un-like is asked like
a like.

An invalidated view still counts as watched: who sends false views is found by other rules, and
then the likes go as well.

The state is one number per user who watched, and the users whose likes are of minutes still open:
how many they gave, and how many will change when a later minute closes (streams/corrections.py).
"""

from collections.abc import Iterable, Mapping


def trusted(watched_from: Mapping[str, int], user: str, minute: int) -> bool:
    """Return whether a user's likes of a minute count; asked of closed minutes only."""
    known = watched_from.get(user)
    return known is not None and known <= minute


class Trust:
    """Who watched one video, since when, and whose likes wait for their minute to close."""

    __slots__ = ("changes", "waiting", "watched_from")

    def __init__(self, watched_from: dict[str, int]) -> None:
        self.watched_from = watched_from
        self.waiting: dict[int, dict[str, int]] = {}  # minute -> user -> likes less un-likes
        self.changes: dict[int, dict[str, dict[int, int]]] = {}  # minute -> user -> due -> change

    def like(self, user: str, minute: int, number: int) -> None:
        """Note a like (or with -1 an un-like, or a like taken back) of a minute still open."""
        users = self.waiting.setdefault(minute, {})
        users[user] = users.get(user, 0) + number

    def change(self, due: int, minute: int, user: str, number: int) -> None:
        """Note that a user's likes of a minute still open change when a later one closes."""
        changes = self.changes.setdefault(minute, {}).setdefault(user, {})
        changes[due] = changes.get(due, 0) + number

    def close(self, minute: int) -> tuple[int, dict[int, int]]:
        """Return how many likes of a minute do not count, and of its changes by when they are due.

        Who made them is forgotten.
        """
        users, changes = self.waiting.pop(minute, {}), self.changes.pop(minute, {})
        untrusted = sum(
            n for user, n in users.items() if not trusted(self.watched_from, user, minute)
        )
        later: dict[int, int] = {}
        for user, by_due in changes.items():
            if not trusted(self.watched_from, user, minute):
                for due, number in by_due.items():
                    later[due] = later.get(due, 0) + number
        return untrusted, later

    def users(self) -> set[str]:
        """Return everybody whose likes wait."""
        parts: Iterable[Mapping[str, object]] = (*self.waiting.values(), *self.changes.values())
        return {user for part in parts for user in part}

    def entry(self, user: str) -> tuple[list[tuple[int, int]], list[tuple[int, int, int]]]:
        """Return what waits of one user: (minute, likes), and (minute, due, change)."""
        waiting = [(minute, of[user]) for minute, of in self.waiting.items() if user in of]
        changes = [
            (minute, due, number)
            for minute, of in self.changes.items()
            for due, number in of.get(user, {}).items()
        ]
        return waiting, changes

    def load(
        self, user: str, waiting: Iterable[Iterable[int]], changes: Iterable[Iterable[int]]
    ) -> None:
        """Set what waits of one user, read from a checkpoint."""
        for minute, number in waiting:
            self.waiting.setdefault(minute, {})[user] = number
        for minute, due, number in changes:
            self.changes.setdefault(minute, {}).setdefault(user, {})[due] = number

    def forget_before(self, minute: int) -> None:
        """Forget what waits of minutes that were closed before the state was written."""
        self.waiting = {at: of for at, of in self.waiting.items() if at >= minute}
        self.changes = {at: of for at, of in self.changes.items() if at >= minute}

    def __bool__(self) -> bool:
        return bool(self.waiting or self.changes)
