"""What changes minutes that are closed, or that close before the change is due.

An invalidation belongs to the minute of its own event time, like every event. It may arrive before
or after the minute of its target is closed; for a decision at that minute the two must be the same.
So what it takes back stays in its minute until its own minute closes:

- the target's minute is closed with what was taken out of it added again (`hidden`);
- the minute of the invalidation hands the change over as a correction (`due`).

An invalidation of its own or an earlier minute needs none of this: it is simply not in the sums. An
event that comes after its minute was closed is a correction of the first minute still open.

Several invalidations may name one target: the earliest minute due stands, whichever arrives first.
`Namings` knows of each target named whether it came and when its change is due.

What creators do with their own videos is in the panes, and in no sums of pools: it is kept here as due
at the close of no minute (`NEVER`), so that each minute is closed without it.

The state is one entry for each pair of minutes, and one for each target, gone when the minute due
is closed.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from streams.value_model import NOTHING, Sums, added, taken_back

NEVER = 1 << 40  # a minute due that does not come
AWAITED, STANDING, DONE = range(3)  # not come yet; in its minute until due; nothing is due of it


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

    def leave_out(self, minute: int, sums: Sums) -> None:
        """Note what a minute is to be closed without (below zero: no longer)."""
        self.note(NEVER, minute, sums)
        if not any(self.pending[NEVER][minute]):
            self.take_left_out(minute)

    def take_left_out(self, minute: int) -> Sums:
        """Return and forget what a minute is closed without."""
        left_out = self.pending.get(NEVER, {})
        sums: Sums = left_out.pop(minute, NOTHING)
        if not left_out:
            self.pending.pop(NEVER, None)
        return sums

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
        return [(changed, sums) for changed, sums in sorted(found.items()) if any(sums)]

    def of_closed(self, before: int) -> tuple[int, ...]:
        """Return what is still to change in minutes before one."""
        return added(
            sums
            for changes in self.pending.values()
            for changed, sums in changes.items()
            if changed < before
        )

    def dump(self) -> list[Any]:
        """Return the state as plain values."""
        return [[due, sorted(changes.items())] for due, changes in sorted(self.pending.items())]

    @classmethod
    def load(cls, dumped: Sequence[Any], first_open: int = 0) -> "Corrections":
        """Return the state that was dumped, less what was due before a minute."""
        made = cls()
        made.pending = {
            due: {minute: tuple(sums) for minute, sums in changes}
            for due, changes in dumped
            if due >= first_open
        }
        return made

    def __bool__(self) -> bool:
        return bool(self.pending)


class Namings:
    """Targets of invalidations whose minute is not closed: when they are due, and what they wait for."""

    __slots__ = ("by_target", "changed", "minutes")

    def __init__(self) -> None:
        self.by_target: dict[int, tuple[int, int]] = {}  # id hash -> (minute due, what of it)
        self.minutes: dict[int, set[int]] = {}  # minute due -> id hashes
        self.changed: dict[int, None] = {}  # id hashes, since the last checkpoint

    def put(self, target: int, due: int, state: int) -> None:
        """Set what is known of a target."""
        before = self.by_target.get(target)
        if before is not None and before[0] != due:
            self.minutes[before[0]].discard(target)
        self.by_target[target] = (due, state)
        self.minutes.setdefault(due, set()).add(target)
        self.changed[target] = None

    def forget_before(self, minute: int) -> None:
        """Forget targets whose minute due is closed."""
        for due in [due for due in self.minutes if due < minute]:
            for target in self.minutes.pop(due):
                del self.by_target[target]

    def take_changed(self) -> list[int]:
        """Return the targets changed since the last call that are still known."""
        changed, self.changed = self.changed, {}
        return [target for target in changed if target in self.by_target]

    def entries(self, targets: Sequence[int]) -> Iterator[tuple[int, int, int]]:
        """Yield (target, due, state) of those that are still known."""
        for target in targets:
            known = self.by_target.get(target)
            if known is not None:
                yield (target, *known)
