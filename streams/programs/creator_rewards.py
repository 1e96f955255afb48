"""Creator Rewards at settlement: qualified views x RPM (streams/rewards.py) x the four factors.

The factor is the weighted sum of originality, play duration, search value and engagement, each
from 0 to 1, held between the rate's bounds. The names are official, what they are made of and their
weights are not published: ours are said at `factor_ppm`.
"""

from collections.abc import Iterable
from fractions import Fraction

from schemas.entries import entry_id
from schemas.rate_rows import RewardsRate
from schemas.rates import Rates
from streams.programs.collaboration import split
from streams.programs.days import DAY_MS, utc_day_name
from streams.programs.facts import Quality, RewardsVideo
from streams.programs.lines import Line, Result, Step, collect, missing_rate
from streams.programs.money import ONE_PPM
from streams.rewards import daily_amounts, payable_views

SOURCE = "creator_rewards"


def rewards_lines(
    videos: Iterable[RewardsVideo], rates: Rates, region: str, day: int | None = None
) -> Result:
    """Return what each video earned on a UTC day, or on every day it has.

    `day` is the number of days since 1970. A day of qualified views without a rate is refused.
    Amounts are rounded down: the running total to the micro-unit, then its product with the factor.
    """
    facts = [
        (video, number, base_micros)
        for video in videos
        for number, (base_micros, _) in daily_amounts(
            video.qualified_by_day, video.published, rates, region
        ).items()
        if day is None or number == day
    ]
    return collect(facts, lambda fact: _lines(*fact, rates, region))


def factor_ppm(quality: Quality | None, duration_ms: int, rate: RewardsRate) -> int:
    """Return the factor of a video's day, rounded half-even.

    originality  1: only original videos earn at all
    play         mean of watched part (watch time / views / length, at most 1) and finish rate
    search       part of the views that came from search
    engagement   likes, comments and shares per view, 1 from `engagement_full_ppm` on
    """
    if rate.factor_min_ppm == rate.factor_max_ppm:
        return rate.factor_min_ppm
    play = search = engagement = Fraction(0)
    if quality is not None and quality.views > 0:
        watched = _up_to_one(quality.watch_ms, quality.views * duration_ms)
        play = (watched + _up_to_one(quality.completions, quality.views)) / 2
        search = _up_to_one(quality.search_views, quality.views)
        actions = max(0, quality.likes) + max(0, quality.comments) + max(0, quality.shares)
        engagement = _up_to_one(actions * ONE_PPM, quality.views * rate.engagement_full_ppm)
    factor = round(
        rate.originality_weight_ppm
        + rate.play_weight_ppm * play
        + rate.search_weight_ppm * search
        + rate.engagement_weight_ppm * engagement
    )
    return min(max(factor, rate.factor_min_ppm), rate.factor_max_ppm)


def _lines(
    video: RewardsVideo, day: int, base_micros: int, rates: Rates, region: str
) -> list[Line]:
    key = entry_id(SOURCE, video.video_id, utc_day_name(day))
    rate = rates.rewards(day * DAY_MS, region)
    if rate is None:
        raise missing_rate(key, f"creator_rewards row of region {region}")
    duration_ms = video.published.duration_ms if video.published else 0
    factor = factor_ppm(video.quality_by_day.get(day), duration_ms, rate)
    line = Line(
        key=key,
        occurred_at_ms=day * DAY_MS,
        creator_id=video.creator_id,
        source=SOURCE,
        amount_micros=base_micros * factor // ONE_PPM,
        currency=rate.currency,
        reference=f"video:{video.video_id}",
        rate_version=rate.version,
        explanation=_explanation(video, day, rate, base_micros, factor),
    )
    return split(line, video.collaborators)


def _explanation(
    video: RewardsVideo, day: int, rate: RewardsRate, base_micros: int, factor: int
) -> tuple[Step, ...]:
    before = sum(n for other, n in video.qualified_by_day.items() if other < day)
    after = before + video.qualified_by_day[day]
    paid = payable_views(after, rate) - payable_views(before, rate)
    return (
        Step("qualified views of the day", video.qualified_by_day[day], "views"),
        Step("qualified views so far", after, "views"),
        Step("threshold", rate.threshold_views, "views", rate.threshold_variant),
        Step("of these paid for the day", paid, "views"),
        Step("per 1,000 views", rate.rpm_micros_per_1000, rate.currency),
        Step("before the factor", base_micros, rate.currency, "0 unless the video may earn"),
        Step("factor", factor, "ppm"),
        Step("amount", base_micros * factor // ONE_PPM, rate.currency, "rounded down"),
    )


def _up_to_one(numerator: int, denominator: int) -> Fraction:
    if denominator <= 0:
        return Fraction(0)
    return min(Fraction(1), Fraction(max(0, numerator), denominator))
