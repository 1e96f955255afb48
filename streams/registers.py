"""Last-writer-wins registers with history.

One register per user: the last of an action and its un-action, by (event_time_ms, id), stands.
The history is kept, because an action may be invalidated later and then the one before it stands
again. Order of arrival does not matter; putting the same action twice does nothing.
"""

from bisect import bisect_left

HISTORY_MAX = 256  # actions kept of one register; an older one can no longer be taken back

Action = tuple[int, str, bool]  # event_time_ms, event id, on


class Registers:
    """Registers of one video (likes, favorites) or one partition (follows)."""

    __slots__ = ("by_key", "changed", "on")

    def __init__(self) -> None:
        self.by_key: dict[str, tuple[Action, ...]] = {}
        self.on = 0  # registers that are on
        self.changed: set[str] = set()

    def put(self, key: str, action: Action) -> None:
        """Add an action."""
        history = self.by_key.get(key, ())
        place = bisect_left(history, action[:2], key=_order)
        if place < len(history) and history[place][:2] == action[:2]:
            return
        self._set(key, (*history[:place], action, *history[place:])[-HISTORY_MAX:])

    def remove(self, key: str, event_time_ms: int, event_id: str) -> None:
        """Take an action out, as if it had never been sent."""
        history = self.by_key.get(key, ())
        self._set(key, tuple(a for a in history if a[:2] != (event_time_ms, event_id)))

    def last(self, key: str) -> Action | None:
        """Return the action that stands, if any."""
        history = self.by_key.get(key)
        return history[-1] if history else None

    def load(self, key: str, history: tuple[Action, ...]) -> None:
        """Set a whole history, read from a checkpoint."""
        self._set(key, history)
        self.changed.discard(key)

    def _set(self, key: str, history: tuple[Action, ...]) -> None:
        before = self.by_key.get(key)
        was = bool(before and before[-1][2])
        if history:
            self.by_key[key] = history
            self.on += history[-1][2] - was
        else:
            self.by_key.pop(key, None)
            self.on -= was
        self.changed.add(key)


def _order(action: Action) -> tuple[int, str]:
    return action[:2]
