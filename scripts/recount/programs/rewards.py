"""Creator Rewards when a day is settled: rule 12 times the factor of the video's day, rounded down.

factor = weights x (originality, play, search, engagement), rounded to the nearest millionth (ties
to even) and held between the rate's bounds. Originality is 1, for only originals earn; play is the
mean of watched part and finish rate; search is the part of the views that came from search;
engagement is actions per view over what gives full marks. Each is at most 1; without views the last
three are 0. Where the bounds are one number it is the factor.
"""

from collections.abc import Collection, Mapping
from fractions import Fraction

from schemas.rate_rows import RewardsRate
from scripts.recount.model import Rules
from scripts.recount.programs.targets import Head, Targets, key_of, split
from scripts.recount.rewards import day_name, money
from scripts.recount.videos import Counts

ONE_PPM = 1_000_000


def creator_rewards(
    days_of_video: Mapping[str, Mapping[int, Counts]],
    heads: Mapping[str, Head],
    settled_days: Collection[int],
    rules: Rules,
) -> Targets:
    """Return what settled days come to; a day is named by its start in ms (UTC).

    The counts of a day are the counters of the video, and `search_views`.
    """
    targets = Targets()
    for video_id, days in days_of_video.items():
        before = 0
        for day_ms in sorted(days):
            qualified = days[day_ms].get("qualified_views", 0)
            if qualified and day_ms in settled_days:
                _day(targets, video_id, heads[video_id], day_ms, days[day_ms], before, rules)
            before += qualified
    return targets


def _day(
    targets: Targets,
    video_id: str,
    head: Head,
    day_ms: int,
    counts: Counts,
    before: int,
    rules: Rules,
) -> None:
    key = key_of("creator_rewards", video_id, day_name(day_ms))
    rate = rules.rates.rewards(day_ms, rules.region)
    if rate is None:
        targets.unknown.add(key)
        return
    base = 0
    if head.is_original and not head.is_promoted and head.duration_ms >= rate.min_duration_ms:
        base = money(before + counts["qualified_views"], rate) - money(before, rate)
    amount = base * factor_ppm(counts, head.duration_ms, rate) // ONE_PPM
    targets.book(key, split(amount, head.creator_id, head.shares), rate.currency, rate.version)


def factor_ppm(counts: Counts, duration_ms: int, rate: RewardsRate) -> int:
    """Return the factor of a video's day in millionths."""
    low, high = rate.factor_min_ppm, rate.factor_max_ppm
    if low == high:
        return low
    views = counts.get("views", 0)
    actions = sum(max(0, counts.get(name, 0)) for name in ("likes", "comments", "shares"))
    watched = part(counts.get("watch_ms", 0), views * duration_ms)
    finished = part(counts.get("completions", 0), views)
    searched = part(counts.get("search_views", 0), views)
    engaged = part(actions * ONE_PPM, views * rate.engagement_full_ppm)
    total = (
        rate.originality_weight_ppm
        + rate.play_weight_ppm * (watched + finished) / 2
        + rate.search_weight_ppm * searched
        + rate.engagement_weight_ppm * engaged
    )
    return max(low, min(high, round(total)))


def part(number: int, of: int) -> Fraction:
    """Return a part from 0 to 1; of nothing it is 0."""
    return max(Fraction(0), min(Fraction(1), Fraction(number, of))) if of > 0 else Fraction(0)
