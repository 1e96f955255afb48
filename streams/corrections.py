"""What changes minutes that are closed, or that close before the change is due.

An invalidation belongs to the minute of its own event time, like every event. It may arrive before
or after the minute of its target is closed; for a decision at that minute the two must be the same.
So what it takes back stays in its minute until its own minute closes:

- the target's minute is closed with what was taken out of it added again (`hidden`);
- the minute of the invalidation hands the change over as a correction (`due`).

An invalidation of its own or a later minute needs none of this: it is simply not in the sums. An
event that comes after its minute was closed is a correction of the first minute still open.

The state is one entry for each pair of minutes, gone when the later one is closed.
"""

from collections.abc import Sequence
from typing import Any

from streams.value_model import NOTHING, Sums, added, taken_back


class Corrections:
    """The pending corrections of one video."""

    __slots__ = ("pending",)

    def __init__(self) -> None:
        self.pending: dict[int, dict[int, tuple[int, ...]]] = {}  # minute due -> minute changed

    def note(self, due: int, minute: int, sums: Sums) -> None:
        """Note a change of a minute's sums (below zero: taken back), due when another one closes."""
        assert due > minute, "a change within its minute is no correction"
        changes = self.pending.setdefault(due, {})
        changes[minute] = added((changes.get(minute, NOTHING), sums))

    def hidden(self, minute: int) -> tuple[int, ...]:
        """Return what must be added again to a minute that is being closed."""
        later = (changes for due, changes in self.pending.items() if due > minute)
        return taken_back(added(changes[minute] for changes in later if minute in changes))

    def due(self, minute: int) -> list[tuple[int, tuple[int, ...]]]:
        """Return and forget what is due at the close of a minute, by the minute it changes."""
        found: dict[int, tuple[int, ...]] = {}
        for due in sorted(due for due in self.pending if due <= minute):
            for changed, sums in self.pending.pop(due).items():
                found[changed] = added((found.get(changed, NOTHING), sums))
        return sorted(found.items())

    def dump(self) -> list[Any]:
        """Return the state as plain values."""
        return [[due, sorted(changes.items())] for due, changes in sorted(self.pending.items())]

    @classmethod
    def load(cls, dumped: Sequence[Any]) -> "Corrections":
        """Return the state that was dumped."""
        made = cls()
        made.pending = {
            due: {minute: tuple(sums) for minute, sums in changes} for due, changes in dumped
        }
        return made
