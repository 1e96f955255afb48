"""How fast an entity moves, and who leads right now.

Velocity and acceleration come from two decayed sums of the same points. With the time constant
D = h / ln 2 of a half-life h, the velocity sum(w e^((t - T) / D)) / D is points per time, averaged
over about D; the difference of a short and a long one over the difference of their constants is the
acceleration (the sketch statistics of TopicSketch: Xie, Zhu, Jiang, Lim, Wang, ICDM 2013). Partial
sums of partitions are merged before either is read.

Hopping windows are sums of panes: an event is counted once, in the pane of its event time, and a
window of 60 s that ends every 5 s is twelve panes of 5 s.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from heapq import nsmallest
from math import log

from streams.scores import Decayed

HOUR_MS = 3_600_000

Entity = tuple[str, str]  # kind, id


def merged(parts: Iterable[Decayed], half_life_ms: int) -> Decayed:
    """Return the sum of partial sums, aligned to the latest of their times."""
    total = Decayed()
    for part in sorted(parts, key=lambda part: (part.at_ms, part.value)):
        total.add(part.value, part.at_ms, half_life_ms)
    return total


def velocity(score: Decayed, half_life_ms: int, at_ms: int) -> float:
    """Return points per hour at a reading time."""
    left: float = score.value * 2.0 ** ((score.at_ms - at_ms) / half_life_ms)
    return left / _constant_h(half_life_ms)


def acceleration(slow: Decayed, fast: Decayed, half_lives_ms: tuple[int, int], at_ms: int) -> float:
    """Return the change of points per hour, per hour; `half_lives_ms` are the slow and the fast one.

    Zero for points that come evenly, above zero when more come now than before.
    """
    slow_ms, fast_ms = half_lives_ms
    assert slow_ms > fast_ms, "the slow half-life is the longer one"
    gained = velocity(fast, fast_ms, at_ms) - velocity(slow, slow_ms, at_ms)
    return gained / (_constant_h(slow_ms) - _constant_h(fast_ms))


def entities_of(
    video_id: str,
    creator_id: str,
    hashtags: Iterable[str] = (),
    sound_id: str = "",
    challenge_id: str = "",
) -> list[Entity]:
    """Return everything that a video's points count for; a hashtag counts once."""
    named = [("video", video_id), ("creator", creator_id)]
    named += [("hashtag", tag) for tag in sorted(set(hashtags))]
    named += [("sound", sound_id), ("challenge", challenge_id)]
    return [(kind, name) for kind, name in named if name]


class HoppingPanes:
    """Counts by entity in panes, read as windows of `size_ms` that end every `step_ms`.

    Counts may be taken back at their own time. Panes of partitions are merged by adding.
    """

    __slots__ = ("panes", "size_ms", "step_ms")

    def __init__(self, size_ms: int = 60_000, step_ms: int = 5_000) -> None:
        assert size_ms % step_ms == 0, "a window is whole panes"
        self.size_ms = size_ms
        self.step_ms = step_ms
        self.panes: dict[int, Counter[Entity]] = {}

    def add(self, entity: Entity, at_ms: int, number: int = 1) -> None:
        """Count at an event time; a number below zero takes back."""
        pane = self.panes.setdefault(at_ms // self.step_ms, Counter())
        pane[entity] += number
        if not pane[entity]:
            del pane[entity]

    def merge(self, other: Mapping[int, Mapping[Entity, int]]) -> None:
        """Add the panes of another partition."""
        for place, counts in other.items():
            for entity, number in counts.items():
                self.add(entity, place * self.step_ms, number)

    def window(self, end_ms: int) -> dict[Entity, int]:
        """Return the counts of [end - size, end); the end is a multiple of the step."""
        assert end_ms % self.step_ms == 0, "windows end with a pane"
        last = end_ms // self.step_ms
        total: Counter[Entity] = Counter()
        for place in range(last - self.size_ms // self.step_ms, last):
            total.update(self.panes.get(place, {}))
        return {entity: number for entity, number in total.items() if number}

    def top(self, end_ms: int, kind: str, size: int) -> list[tuple[str, int]]:
        """Return the leaders of a kind in the window that ends there: most first, then by id."""
        counts = self.window(end_ms).items()
        leaders = ((-number, name) for (its, name), number in counts if its == kind and number > 0)
        return [(name, -number) for number, name in nsmallest(size, leaders)]

    def forget(self, before_ms: int) -> None:
        """Drop the panes that no window ending after this time needs."""
        first = (before_ms - self.size_ms) // self.step_ms
        for place in [place for place in self.panes if place < first]:
            del self.panes[place]


def _constant_h(half_life_ms: int) -> float:
    return half_life_ms / HOUR_MS / log(2)
