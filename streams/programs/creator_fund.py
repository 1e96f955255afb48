"""Creator Fund: a day's pool, divided among the videos of eligible creators.

A video weighs authentic views x quality, quality = 1 + k x min(engagement rate / reference, cap),
engagement = likes + comments + shares of the day. So likes count, but only on top of views: a video
that nobody saw weighs nothing. Shares are by largest remainder: the parts add up to the pool.
Rule: the platform divides a daily total by views and their quality; formula and k are ours.
"""

from collections.abc import Iterable, Mapping

from schemas.entries import entry_id
from schemas.errors import SettlementError
from schemas.rate_rows import FundRate
from schemas.rates import Rates
from streams.programs.collaboration import split
from streams.programs.days import PayDay
from streams.programs.facts import Creator, FundVideo
from streams.programs.lines import Line, Result, Step, collect, missing_rate, ordered, refusal_of
from streams.programs.money import ONE_PPM, half_even, largest_remainder

SOURCE = "creator_fund"


def fund_lines(
    day: PayDay,
    videos: Iterable[FundVideo],
    creators: Mapping[str, Creator],
    rates: Rates,
    region: str,
) -> Result:
    """Return what each video's creators get of one pay day's pool; nothing when nobody takes part.

    The rate is the one valid at the day's start. Without one, or where a video has two counts for
    the day, all is refused.
    """
    try:
        seen = _by_video(videos, day)
        if not seen:
            return Result([], [])
        rate = _rate(day, rates, region)
    except SettlementError as error:  # a pool cannot be divided in part
        return ordered([], [refusal_of(error, is_whole=True)])
    weights = {
        video.video_id: weight
        for video in seen.values()
        if eligible(creators.get(video.creator_id), rate) and (weight := weight_of(video, rate))
    }
    if not weights:
        return Result([], [])
    parts = largest_remainder(rate.pool_micros_per_day, weights)
    whole = sum(weights.values())

    def lines_of(video_id: str) -> list[Line]:
        video = seen[video_id]
        share_ppm = half_even(weights[video_id] * ONE_PPM, whole)
        explanation = _explanation(video, rate, share_ppm, parts[video_id])
        return split(_line(video, day, rate, parts[video_id], explanation), video.collaborators)

    return collect(sorted(weights), lines_of)


def eligible(creator: Creator | None, rate: FundRate) -> bool:
    """Return whether a creator takes part: who is not known does not, an unknown age is no bar."""
    return (
        creator is not None
        and creator.followers >= rate.followers_min
        and creator.views_30d >= rate.views_30d_min
        and (
            creator.person_age_years is None
            or creator.person_age_years >= rate.person_age_years_min
        )
        and (
            creator.account_age_days is None
            or creator.account_age_days >= rate.account_age_days_min
        )
    )


def engagement_of(video: FundVideo) -> int:
    """Return likes, comments and shares together."""
    return max(0, video.likes) + max(0, video.comments) + max(0, video.shares)


def weight_of(video: FundVideo, rate: FundRate) -> int:
    """Return views x quality, times 10^12 x reference_ppm: so it is an integer, and exact.

    With k, reference and cap in ppm: views + k x min(engagement / reference, cap x views).
    """
    views, reference = max(0, video.authentic_views), rate.quality_reference_ppm
    engagement = min(
        engagement_of(video) * ONE_PPM * ONE_PPM, rate.quality_cap_ppm * views * reference
    )
    return views * reference * ONE_PPM * ONE_PPM + rate.quality_k_ppm * engagement


def _rate(day: PayDay, rates: Rates, region: str) -> FundRate:
    rate = rates.fund(day.start_ms, region)
    if rate is None:
        raise missing_rate(entry_id(SOURCE, day.name), f"creator_fund row of region {region}")
    return rate


def _by_video(videos: Iterable[FundVideo], day: PayDay) -> dict[str, FundVideo]:
    seen: dict[str, FundVideo] = {}
    for video in videos:
        if seen.setdefault(video.video_id, video) != video:
            key = entry_id(SOURCE, video.video_id, day.name)
            raise SettlementError(key, "conflicting_facts", "the video has two counts for the day")
    return seen


def _explanation(
    video: FundVideo, rate: FundRate, share_ppm: int, part_micros: int
) -> tuple[Step, ...]:
    views, engagement = video.authentic_views, engagement_of(video)
    quality_ppm = half_even(weight_of(video, rate), views * rate.quality_reference_ppm * ONE_PPM)
    return (
        Step("authentic views of the day", views, "views"),
        Step("likes, comments and shares", engagement, "actions"),
        Step("engagement rate", half_even(engagement * ONE_PPM, views), "ppm", "actions / views"),
        Step("reference rate", rate.quality_reference_ppm, "ppm"),
        Step("quality", quality_ppm, "ppm", "1 + k x min(rate / reference, cap)"),
        Step("pool of the day", rate.pool_micros_per_day, rate.currency),
        Step("share of the pool", share_ppm, "ppm", "views x quality, of all videos"),
        Step("amount", part_micros, rate.currency, "largest remainder"),
    )


def _line(
    video: FundVideo, day: PayDay, rate: FundRate, part_micros: int, explanation: tuple[Step, ...]
) -> Line:
    return Line(
        key=entry_id(SOURCE, video.video_id, day.name),
        occurred_at_ms=day.start_ms,
        creator_id=video.creator_id,
        source=SOURCE,
        amount_micros=part_micros,
        currency=rate.currency,
        reference=f"video:{video.video_id}",
        rate_version=rate.version,
        explanation=explanation,
    )
