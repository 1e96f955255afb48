"""Which hashtags, sounds and challenges burst: more than their own baseline explains.

Of every closed window the partial counts of all partitions are merged by user; then

    c = events, no user having more than a stated share of them        e = share of traffic x traffic
    z = (c - lambda) / sqrt(lambda + k)            lambda = max(e, floor)

as in the Poisson model of Gnip's "Trend detection in social data" (2015). z is judged after
merging, for it does not add up. The baseline is an entity's slowly decayed share of the exposure,
which is the window's whole traffic, or a cycle's rate at that hour (`cycle_exposure`): either way
the ups and downs of the day, a factor of eight in real logs, are no bursts.

Guard rails: enough different users, the cap on one user's share, hysteresis (enter at a high z,
leave below a low one), a dwell in which nothing is left, and a warm-up in which nothing is entered.
A window is judged against what was before it. Everything is a function of the closed windows.

The state is four numbers per entity and two in all.
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any, NamedTuple

from schemas.detection import BurstRules
from streams.trends import Entity

MINUTE_MS = 60_000
_ROUNDING = 1e-9  # where users meet the share exactly, a float must not decide against them
HOUR_MS = 3_600_000
FORGET_EVERY = 60  # windows
FORGET_BELOW = 1e-3  # events left of an entity's baseline

Users = Mapping[str, int]  # events of one entity in one window, by user


class Transition(NamedTuple):
    """An entity begins or ends to burst with the window [start, start + length)."""

    entity: Entity
    bursting: bool
    window: int
    z: float
    events: float
    expected: float


class _Kept:
    """What is kept of an entity: decayed events as of a window, since when it bursts (or -1)."""

    __slots__ = ("events", "since", "window")

    def __init__(self, window: int) -> None:
        self.events = 0.0
        self.window = window
        self.since = -1


def capped_count(users: Users, share_max: float) -> float:
    """Return how many events count when no user has more than a share of them, or one event.

    With the k most active users cut to the share, c = rest / (1 - k x share); fewer users than
    1 / share cannot meet it, then everybody counts once.
    """
    counts = sorted((number for number in users.values() if number > 0), reverse=True)
    rest = sum(counts)
    for cut, number in enumerate(counts):
        room = 1 - cut * share_max
        if room <= _ROUNDING:
            break
        if number <= share_max * rest / room * (1 + _ROUNDING):
            return max(rest / room, float(len(counts)))
        rest -= number
    return float(len(counts))


def poisson_z(count: float, expected: float, rules: BurstRules) -> float:
    """Return how many standard deviations a count is above what is expected."""
    rate = max(expected, rules.expected_min)
    return (count - rate) / sqrt(rate + rules.variance_extra)


def cycle_exposure(profile: Sequence[float], at_ms: int) -> float:
    """Return the usual traffic at an event time, from one figure an hour of the day or week.

    A profile of 168 begins on Thursday 00:00 UTC, as time itself does.
    """
    return profile[at_ms // HOUR_MS % len(profile)]


class Bursts:
    """Bursts of all entities; windows are closed in rising order."""

    __slots__ = ("exposure", "first", "kept", "rules", "window")

    def __init__(self, rules: BurstRules) -> None:
        self.rules = rules
        self.kept: dict[Entity, _Kept] = {}
        self.exposure = 0.0  # decayed, as of `window`
        self.window = -1
        self.first = -1

    def close(
        self, window: int, counts: Mapping[Entity, Users], exposure: float
    ) -> list[Transition]:
        """Take a closed window, merged over all partitions; return who begins and who ends.

        `window` numbers windows of equal length; `exposure` is its traffic (all events, or the
        cycle's figure), in the same unit every time.
        """
        assert window > self.window, "windows are closed in order"
        self._move_to(window)
        found: list[Transition] = []
        seen = {entity for entity, users in counts.items() if any(n > 0 for n in users.values())}
        bursting = {entity for entity, kept in self.kept.items() if kept.since >= 0}
        for entity in sorted(seen | bursting):
            transition = self._judge(entity, counts.get(entity, {}), exposure)
            if transition is not None:
                found.append(transition)
        self.exposure += exposure
        return found

    @property
    def active(self) -> bool:
        """Whether anything bursts."""
        return any(kept.since >= 0 for kept in self.kept.values())

    def expected(self, entity: Entity, exposure: float) -> float:
        """Return how many events the baseline explains."""
        kept = self.kept.get(entity)
        if kept is None or self.exposure <= 0:
            return 0.0
        return kept.events * self._decay(kept.window) / self.exposure * exposure

    def dump(self) -> tuple[Any, ...]:
        """Return the state as plain values."""
        kept = [(*entity, k.events, k.window, k.since) for entity, k in sorted(self.kept.items())]
        return self.window, self.first, self.exposure, kept

    @classmethod
    def load(cls, rules: BurstRules, dumped: Sequence[Any]) -> "Bursts":
        """Return the state that was dumped."""
        made = cls(rules)
        made.window, made.first, made.exposure, rows = dumped
        for kind, name, events, window, since in rows:
            kept = made.kept[kind, name] = _Kept(window)
            kept.events, kept.since = events, since
        return made

    def _judge(self, entity: Entity, users: Users, exposure: float) -> Transition | None:
        rules, window = self.rules, self.window
        count = capped_count(users, rules.user_share_max)
        expected = self.expected(entity, exposure)
        z = poisson_z(count, expected, rules)
        kept = self.kept.get(entity)
        if kept is None:
            kept = self.kept[entity] = _Kept(window)
        if count:  # what is not there leaves no trace, not even of rounding
            kept.events = kept.events * self._decay(kept.window) + count
            kept.window = window
        if kept.since < 0:
            active = sum(number > 0 for number in users.values())
            warm = window - self.first >= rules.warmup_windows
            if not (warm and z >= rules.z_enter and active >= rules.users_min):
                return None
            kept.since = window
        else:
            if z >= rules.z_leave or window - kept.since < rules.dwell_windows:
                return None
            kept.since = -1
        return Transition(entity, kept.since >= 0, window, z, count, expected)

    def _move_to(self, window: int) -> None:
        """Decay the exposure; now and then forget whom the baseline has forgotten."""
        if self.first < 0:
            self.first = self.window = window
        before, self.window = self.window, window
        self.exposure *= self._decay(before)
        if window // FORGET_EVERY != before // FORGET_EVERY:
            self.kept = {
                entity: kept
                for entity, kept in self.kept.items()
                if kept.since >= 0 or kept.events * self._decay(kept.window) >= FORGET_BELOW
            }

    def _decay(self, window: int) -> float:
        return float(2.0 ** ((window - self.window) / self.rules.baseline_half_life_windows))
