"""Rule 17: bursts, minute by minute, from the engagements of the log and the metadata that stands.

    c = events of the minute, no user having more than the share of them (or one event)
    expected = events so far / traffic so far x traffic now, older ones halved with the half-life
    z = (c - lambda) / sqrt(lambda + variance), lambda = expected, at least `expected_min`

Begins: z >= z_enter, users_min users, not in the first warmup_windows minutes. Ends: z < z_leave, not in
the first dwell_windows minutes. What a minute brings counts for later minutes only. At each full hour an
entity that does not burst and has less than a thousandth of an event left is forgotten.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import sqrt

from schemas.detection import BurstRules
from scripts.recount.facts import Engagement
from scripts.recount.model import MINUTE_MS

Entity = tuple[str, str]
BurstKey = tuple[str, str, int]  # kind, id, when it began
KINDS = ("hashtag", "sound", "challenge")
FORGOTTEN = 1e-3
MINUTES_OF_HOUR = 60


@dataclass(slots=True)
class Burst:
    """One burst; `ended_ms` is None while it lasts."""

    ended_ms: int | None
    z: float
    events: float
    expected: float
    rules_version: str


@dataclass(slots=True)
class BurstInput:
    """What bursts are found in."""

    rules: tuple[BurstRules, ...] = ()
    engagements: Iterable[Engagement] = ()
    entities_of: Mapping[str, set[Entity]] = field(default_factory=dict)

    def through(self, end_ms: int) -> dict[BurstKey, Burst]:
        """Return all bursts of the minutes before a time."""
        users: dict[int, dict[Entity, dict[str, int]]] = {}
        traffic: dict[int, int] = {}
        for event in self.engagements:
            minute = event.event_time_ms // MINUTE_MS
            if event.type == "reply" or event.event_time_ms >= end_ms:
                continue
            traffic[minute] = traffic.get(minute, 0) + 1
            for entity in self.entities_of[event.video_id]:
                if entity[0] in KINDS and entity[1]:
                    of_entity = users.setdefault(minute, {}).setdefault(entity, {})
                    of_entity[event.user_id] = of_entity.get(event.user_id, 0) + 1
        return self._judge(users, traffic, end_ms // MINUTE_MS)

    def _judge(
        self,
        users: Mapping[int, Mapping[Entity, Mapping[str, int]]],
        traffic: Mapping[int, int],
        end: int,
    ) -> dict[BurstKey, Burst]:
        found: dict[BurstKey, Burst] = {}
        since: dict[Entity, int] = {}
        seen: dict[Entity, float] = {}  # halved every half-life, as of `last`
        all_seen, first, last = 0.0, None, 0
        for minute in range(min(traffic, default=end), end):
            rules = self._rules_at(minute * MINUTE_MS)
            if rules is None or not (minute in traffic or since):
                continue
            first = minute if first is None else first
            left = 0.5 ** ((minute - last) / rules.baseline_half_life_windows) if last else 1.0
            all_seen *= left
            seen = {entity: events * left for entity, events in seen.items()}
            if minute // MINUTES_OF_HOUR != last // MINUTES_OF_HOUR:
                seen = {e: n for e, n in seen.items() if e in since or n >= FORGOTTEN}
            last, now = minute, users.get(minute, {})
            for entity in now.keys() | since.keys():
                count = capped(now.get(entity, {}), rules.user_share_max)
                expected = 0.0
                if all_seen > 0:
                    expected = seen.get(entity, 0.0) / all_seen * traffic.get(minute, 0)
                rate = max(expected, rules.expected_min)
                z = (count - rate) / sqrt(rate + rules.variance_extra)
                if entity in since:
                    if z < rules.z_leave and minute - since[entity] >= rules.dwell_windows:
                        found[*entity, since.pop(entity) * MINUTE_MS].ended_ms = minute * MINUTE_MS
                elif (
                    z >= rules.z_enter
                    and len(now[entity]) >= rules.users_min
                    and minute - first >= rules.warmup_windows
                ):
                    since[entity] = minute
                    burst = Burst(None, z, count, expected, rules.version)
                    found[*entity, minute * MINUTE_MS] = burst
                seen[entity] = seen.get(entity, 0.0) + count
            all_seen += traffic.get(minute, 0)
        return found

    def _rules_at(self, at_ms: int) -> BurstRules | None:
        for rules in self.rules:
            begins = rules.valid_from.timestamp() * 1000 <= at_ms
            if begins and (rules.valid_to is None or at_ms < rules.valid_to.timestamp() * 1000):
                return rules
        return None


def capped(users: Mapping[str, int], share: float) -> float:
    """Return the largest number of which nobody has more than a share, but everybody one event."""
    numbers = sorted(users.values())
    for cut in range(len(numbers)):
        kept = numbers[: len(numbers) - cut]
        room = 1 - cut * share
        if room <= 1e-9:
            break
        if kept[-1] <= share * sum(kept) / room * (1 + 1e-9):
            return max(sum(kept) / room, float(len(numbers)))
    return float(len(numbers))
