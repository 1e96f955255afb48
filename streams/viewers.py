"""Who viewed a video, and whose view qualifies.

A view qualifies once per (user, video): the first in the log that is not invalidated. Further
qualifying views of the same user wait in log order, so that the next one can stand up when the
first is taken back.
"""

WAITING_MAX = 256  # views of one user that may stand in when earlier ones are taken back


class Viewers:
    """The viewers of one video.

    A view is added by the effect itself (streams/effects.py), the hottest line of all: one more in
    `views`, the user in `changed`.

    `views` counts the views of each user (below zero when one was taken back that had come too
    late to be counted), `unique` the users with at least one; `qualified` holds the id hash of the view that stands;
    `waiting` the later qualifying views as (minute, id hash).
    """

    __slots__ = ("changed", "qualified", "unique", "views", "waiting")

    def __init__(self) -> None:
        self.views: dict[str, int] = {}
        self.unique = 0
        self.qualified: dict[str, int] = {}
        self.waiting: dict[str, list[tuple[int, int]]] = {}
        self.changed: set[str] = set()

    def remove(self, user: str) -> None:
        """Take a view back."""
        self._set_views(user, self.views.get(user, 0) - 1)
        self.changed.add(user)

    def qualify(self, user: str, minute: int, hashed: int) -> bool:
        """Offer a view that may qualify; return True if it stands."""
        if user not in self.qualified:
            self.qualified[user] = hashed
            return True
        waiting = self.waiting.setdefault(user, [])
        if len(waiting) < WAITING_MAX:
            waiting.append((minute, hashed))
        return False

    def disqualify(self, user: str, minute: int, hashed: int) -> list[tuple[int, int]]:
        """Take a qualifying view back; return the changes as (minute, -1 or +1)."""
        waiting = self.waiting.get(user, [])
        self.changed.add(user)
        if self.qualified.get(user) != hashed:
            self._wait(user, [w for w in waiting if w[1] != hashed])
            return []
        if not waiting:
            del self.qualified[user]
            return [(minute, -1)]
        (next_minute, self.qualified[user]), *rest = waiting
        self._wait(user, rest)
        return [(minute, -1), (next_minute, 1)]

    def load(
        self, user: str, views: int, qualified: int | None, waiting: list[tuple[int, int]]
    ) -> None:
        """Set one user's entry, read from a checkpoint; no views and nothing else removes it."""
        self._set_views(user, views)
        if qualified is None:
            self.qualified.pop(user, None)
        else:
            self.qualified[user] = qualified
        self._wait(user, waiting)

    def users(self) -> list[str]:
        """Return everybody of whom anything is kept."""
        return [*self.views, *(user for user in self.qualified if user not in self.views)]

    def _set_views(self, user: str, views: int) -> None:
        self.unique += (views > 0) - (self.views.get(user, 0) > 0)
        if views:
            self.views[user] = views
        else:
            self.views.pop(user, None)

    def _wait(self, user: str, waiting: list[tuple[int, int]]) -> None:
        if waiting:
            self.waiting[user] = waiting
        else:
            self.waiting.pop(user, None)
