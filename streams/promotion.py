"""All that decides about one video's pools, put together: minutes in, decisions out.

The worker counts minutes in its panes anyway; it hands over a pane's sums when the minute is
closed, once the partition's newest event time less the allowed disorder has passed its end. Beside
that it tells, event by event (streams/for_you.py),

    watch, like     who watches for long enough; who likes or un-likes in a minute still open
    late            what comes for a minute already closed
    take_back       what is invalidated, when it had been counted
    suppress        what arrives and is suppressed, for it was invalidated before
    leave_out       what a creator does with the own video: panes count it, pools never do
    move            what is invalidated again, by an earlier minute than before

`due` is the minute of the invalidation's own event time, or the first one still open if that is
closed. Whatever the order of arrival within the disorder, the decisions are the same.

Until the first quota is reached nothing is kept of closed minutes but the impressions and plays in
them, the likes in them that nobody trusts and what was left out of them: their sums are what was counted
in all, less these, what is in open minutes and what is still to change (`Counted`). Most videos stay there.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from schemas import wire
from streams.corrections import DONE, NEVER, STANDING, Corrections
from streams.pools import Boosting, Decision, Rankings
from streams.trust import Trust, trusted
from streams.value_model import (
    FIELDS,
    IMPRESSIONS,
    LIKE,
    NOTHING,
    PLAY,
    Sums,
    added,
    taken_back,
)

MINUTE_MS = 60_000
_AFTER_PLAYS = FIELDS.index("completion") + 1

Counted = Callable[[], Sums]  # the sums of all that was counted, less that of open minutes


def _only(name: str, number: int = 1) -> tuple[int, ...]:
    return tuple(number if field == name else 0 for field in FIELDS)


_ADDS: dict[type, tuple[int, ...]] = {
    wire.Impression: _only("impressions"),
    wire.Like: _only("like"),
    wire.Unlike: _only("like", -1),
    wire.Comment: _only("comment"),
    wire.Reply: _only("reply"),
    wire.Share: _only("share"),
    wire.Favorite: _only("favorite"),
    wire.Follow: _only("follow"),
    wire.ProfileView: _only("profile_view"),
    wire.NotInterested: _only("not_interested"),
    wire.Report: _only("report"),
}


class Act(NamedTuple):
    """One event as pools see it."""

    minute: int
    user_id: str
    sums: tuple[int, ...]


def act_of(event: wire.VideoEvent) -> Act:
    """Return what an event adds to its minute: of a creator's own, but for replies, nothing."""
    act = counted_act(event)
    if any(act.sums) and act.user_id == event.creator_id and not isinstance(event, wire.Reply):
        return act._replace(sums=NOTHING)
    return act


def counted_act(event: wire.VideoEvent) -> Act:
    """Return what an event adds to its minute, as the window's counters say."""
    sums = _ADDS.get(event.__class__, NOTHING)
    if isinstance(event, wire.View):
        completed = event.watch_ms >= event.duration_ms > 0
        sums = (0, event.watch_ms, 1, int(completed), *NOTHING[_AFTER_PLAYS:])
    return Act(event.event_time_ms // MINUTE_MS, event.user_id, sums)


class Promotion:
    """One video: its pools, what corrects them, and whom they trust.

    `pool` is the pool that the last decision left the video in, "" before the first.
    """

    __slots__ = (
        "boosting",
        "corrections",
        "left_out",
        "played",
        "pool",
        "shown",
        "suppressed",
        "trust",
        "untrusted",
        "video_id",
        "watched_from",
    )

    def __init__(self, video_id: str) -> None:
        self.video_id = video_id
        self.watched_from: dict[str, int] = {}  # user -> the first minute that trusts them
        self.pool = ""
        self.shown = 0  # impressions and plays in closed minutes, until pools begin
        self.played = 0
        self.untrusted = 0  # likes that closed minutes do not count, until pools begin
        # what panes of closed minutes count and pools do not, until they begin
        self.left_out = NOTHING
        self.boosting: Boosting | None = None
        # what follows is None, or empty, while there is nothing in it
        self.corrections: Corrections | None = None
        self.trust: Trust | None = None
        self.suppressed: tuple[int, ...] = ()  # open minutes in which suppressed events stand

    # ---------------------------------------------------------------- event by event

    def watch(self, user: str, minute: int, first_open: int) -> None:
        """Note a view that is long enough; `first_open` is the first minute not closed."""
        minute = max(minute, first_open)
        known = self.watched_from.get(user)
        if known is None or minute < known:
            self.watched_from[user] = minute

    def like(self, user: str, minute: int, number: int) -> None:
        """Note likes less un-likes of a minute still open."""
        self._trust().like(user, minute, number)

    def late(self, act: Act, first_open: int) -> None:
        """Take an event whose minute is closed."""
        self._change(first_open, act, 1, first_open)

    def take_back(self, act: Act, due: int, first_open: int) -> int:
        """Take back an event that was counted; the pane of its minute has lost it already."""
        if due > act.minute:
            self._change(due, act, -1, first_open)
            return STANDING
        if act.sums[LIKE]:
            self.like(act.user_id, act.minute, -act.sums[LIKE])
        return DONE

    def suppress(self, act: Act, due: int, first_open: int) -> int:
        """Take an event that no pane has counted: in its minute it stands, later it is taken back."""
        if not due > act.minute >= first_open:
            return DONE
        if act.minute not in self.suppressed:
            self.suppressed = tuple(sorted((*self.suppressed, act.minute)))
        self._change(due, act, -1, first_open)
        if act.sums[LIKE]:
            self.like(act.user_id, act.minute, act.sums[LIKE])
        return STANDING

    def move(self, act: Act, due: int, earlier: int, first_open: int) -> int:
        """Take what stands in its minute until one minute back in an earlier one."""
        if due <= act.minute:
            return STANDING  # another minute was named before: it is not moved
        self._change(due, act, 1, first_open)
        return self.take_back(act, earlier, first_open)

    def leave_out(self, act: Act, number: int, first_open: int) -> None:
        """Let an act that was counted (or with -1 taken back) be in no sums of its minute.

        Of a closed minute nobody asks again, but once, when pools begin.
        """
        sums: Sums = act.sums if number > 0 else taken_back(act.sums)
        if act.minute < first_open:
            if self.boosting is None:
                self.left_out = added((self.left_out, sums))
            return
        if self.corrections is None:
            self.corrections = Corrections()
        self.corrections.leave_out(act.minute, sums)
        if not self.corrections:
            self.corrections = None

    def _change(self, due: int, act: Act, sign: int, first_open: int) -> None:
        """Note that an act's minute changes when another one closes.

        Whose minute is closed is trusted or not, once for all; that of the others is asked then.
        """
        sums: Sums = act.sums if sign > 0 else taken_back(act.sums)
        likes = sums[LIKE]
        if likes and act.minute >= first_open:
            self._trust().change(due, act.minute, act.user_id, likes)
        elif likes and not trusted(self.watched_from, act.user_id, act.minute):
            sums = self._distrust(sums, likes)
        if any(sums):
            if self.corrections is None:
                self.corrections = Corrections()
            self.corrections.note(due, act.minute, sums)

    def _trust(self) -> Trust:
        if self.trust is None:
            self.trust = Trust(self.watched_from)
        return self.trust

    def _distrust(self, sums: Sums, likes: int) -> Sums:
        """Return sums without likes that nobody trusts; until pools begin they are counted here."""
        if not likes:
            return sums
        if self.boosting is None:
            self.untrusted += likes
        return (*sums[:LIKE], sums[LIKE] - likes, *sums[LIKE + 1 :])

    # ---------------------------------------------------------------- minute by minute

    @property
    def plain(self) -> bool:
        """Return whether a closing minute adds its pane to what is closed, and nothing else."""
        return (
            self.boosting is None
            and self.trust is None
            and self.corrections is None
            and not self.suppressed
        )

    def close(
        self, minute: int, pane: Sums, counted: Counted, rankings: Rankings
    ) -> list[Decision]:
        """Take a closed minute with its pane's sums as they are now; return what is decided.

        To be called in rising order for each minute in which something came or is `due`.
        """
        sums, changes = self._closed(minute, pane)
        if self.boosting is not None:
            if any(sums) or changes:
                return self._moved(self.boosting.close(minute, sums, changes, rankings))
            return self._moved(self.boosting.expire(minute, rankings))
        for change in (sums, *(fewer for _, fewer in changes)):
            self.shown += change[IMPRESSIONS]
            self.played += change[PLAY]
        ranking = rankings.ranking((minute + 1) * MINUTE_MS)
        nothing_came = not (any(sums) or changes)
        if ranking is None or nothing_came or self.exposures < ranking.model.pools[0].impressions:
            return []
        self.boosting = Boosting(self.video_id)
        whole = self._closed_sums(minute + 1, counted)
        self.shown = self.played = self.untrusted = 0
        self.left_out = NOTHING
        return self._moved(self.boosting.close(minute, whole, (), rankings))

    def _closed(self, minute: int, pane: Sums) -> tuple[Sums, list[tuple[int, Sums]]]:
        """Return what a minute says at its close, and what it changes of earlier ones."""
        sums = pane
        if self.suppressed:
            self.suppressed = tuple(m for m in self.suppressed if m > minute)
        if self.corrections is not None:
            sums = added((sums, self.corrections.hidden(minute)))
            left_out = self.corrections.take_left_out(minute)
            if self.boosting is None:
                self.left_out = added((self.left_out, left_out))
        if self.trust is not None:
            untrusted, later = self.trust.close(minute)
            sums = self._distrust(sums, untrusted)
            for due, number in later.items():
                assert self.corrections is not None, "a like that changes is a correction"
                self.corrections.note(due, minute, self._distrust(NOTHING, number))
            if not self.trust:
                self.trust = None
        changes: list[tuple[int, Sums]] = []
        if self.corrections is not None:
            changes += self.corrections.due(minute)
            if not self.corrections:
                self.corrections = None
        return sums, changes

    def _closed_sums(self, first_open: int, counted: Counted) -> Sums:
        """Return the sums of all closed minutes."""
        sums = list(counted())
        sums[LIKE] -= self.untrusted
        pending = NOTHING if self.corrections is None else self.corrections.of_closed(first_open)
        return added((sums, taken_back(pending), taken_back(self.left_out)))

    def _moved(self, decisions: list[Decision]) -> list[Decision]:
        if decisions:
            self.pool = decisions[-1].pool_after
        return decisions

    @property
    def exposures(self) -> int:
        """Return to how many people the video was shown in closed minutes, until pools begin."""
        return max(0, self.shown, self.played)

    def due(self, first_open: int) -> int | None:
        """Return the next open minute that must be closed even if its pane is missing.

        At the close of the minute after a hold's last one the video is stopped.
        """
        ends = list(self.suppressed)
        if self.corrections is not None:
            ends += (minute for minute in self.corrections.pending if minute != NEVER)
        held = None if self.boosting is None else self.boosting.deadline
        if held is not None:
            ends.append(held + 1)
        return min((minute for minute in ends if minute >= first_open), default=None)

    # ---------------------------------------------------------------- checkpoints

    def dump(self) -> tuple[Any, ...]:
        """Return the state as plain values, apart from what is kept by user."""
        boosting = None if self.boosting is None else self.boosting.dump()
        corrections = None if self.corrections is None else self.corrections.dump()
        left_out = self.left_out if any(self.left_out) else None
        return self.pool, self.untrusted, boosting, corrections, self.suppressed, left_out

    def load(self, dumped: Sequence[Any], first_open: int) -> None:
        """Set the state that was dumped; minutes before `first_open` are closed."""
        self.pool, self.untrusted, boosting, corrections, suppressed, left_out = dumped
        self.left_out = tuple(left_out or NOTHING)
        self.boosting = None if boosting is None else Boosting.load(self.video_id, boosting)
        self.corrections = Corrections.load(corrections or (), first_open) or None
        self.suppressed = tuple(minute for minute in suppressed if minute >= first_open)

    def load_user(
        self, user: str, waiting: Sequence[Sequence[int]], changes: Sequence[Sequence[int]]
    ) -> None:
        """Set what waits of one user's likes (Trust.entry)."""
        if waiting or changes:
            self._trust().load(user, waiting, changes)

    def settle(self, first_open: int, counted: Counted) -> None:
        """Derive what is not in a checkpoint, when all of it is read."""
        if self.trust is not None:
            self.trust.forget_before(first_open)
            if not self.trust:
                self.trust = None
        if self.boosting is None:
            sums = self._closed_sums(first_open, counted)
            self.shown, self.played = sums[IMPRESSIONS], sums[PLAY]
