"""How fast an entity moves.

Velocity and acceleration come from two decayed sums of the same points. With the time constant
D = h / ln 2 of a half-life h, the velocity sum(w e^((t - T) / D)) / D is points per time, averaged
over about D; the difference of a short and a long one over the difference of their constants is the
acceleration (the sketch statistics of TopicSketch: Xie, Zhu, Jiang, Lim, Wang, ICDM 2013). Partial
sums of partitions are merged before either is read.
"""

from collections.abc import Iterable
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


def _constant_h(half_life_ms: int) -> float:
    return half_life_ms / HOUR_MS / log(2)
