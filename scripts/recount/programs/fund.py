"""Creator Fund: the pool of a pay day, divided among the videos of those who take part.

A video weighs views x (1 + k x min(rate / reference, cap)), where views are those of the day that
were not invalidated, rate = (likes + comments + shares of the day) / views. Who takes part: enough
followers as of the day's end, enough views of all own videos in the 30 days that end with it, and old enough where that is known:
the last registration before the day's end, by (time, id), tells when the account was made (full days
up to the day's end) and the person born (full years on the day). The rate is the one valid at the
day's start.
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from fractions import Fraction
from typing import NamedTuple

from schemas.rate_rows import FundRate
from scripts.recount.facts import Registration
from scripts.recount.model import DAY_MS, Rules
from scripts.recount.programs.targets import Head, Targets, key_of, shared_out, split
from scripts.recount.videos import Counts

ONE_PPM = 1_000_000


class PayDay(NamedTuple):
    """A calendar day of the time zone of pay days: event times in [start, end)."""

    name: str
    start_ms: int
    end_ms: int


class Standing(NamedTuple):
    """What taking part depends on, as of the end of a day; who has neither followers nor views is
    not known.
    """

    followers: Mapping[str, int]
    views_30d: Mapping[str, int]
    registrations: Mapping[str, Registration]


def pay_day(day: date, zone: tzinfo) -> PayDay:
    """Return the span of a calendar day."""
    starts = [datetime.combine(day + timedelta(days=n), time(), zone) for n in (0, 1)]
    start_ms, end_ms = (round(start.timestamp()) * 1000 for start in starts)
    return PayDay(day.isoformat(), start_ms, end_ms)


def creator_fund(
    day: PayDay,
    counts: Mapping[str, Counts],
    heads: Mapping[str, Head],
    standing: Standing,
    rules: Rules,
) -> Targets:
    """Return what the pool of a day comes to; `counts` are those of the day by video."""
    targets = Targets()
    seen = {video_id for video_id, count in counts.items() if count.get("views", 0) > 0}
    if not seen:
        return targets
    rate = rules.rates.fund(day.start_ms, rules.region)
    if rate is None:
        targets.unknown_pools.add(day.name)
        return targets
    weights = {
        video_id: weight(counts[video_id], rate)
        for video_id in seen
        if takes_part(heads[video_id].creator_id, standing, rate)
        and is_old_enough(standing.registrations.get(heads[video_id].creator_id), day, rate)
    }
    if not weights:
        return targets
    for video_id, part in shared_out(rate.pool_micros_per_day, weights).items():
        head = heads[video_id]
        parts = split(part, head.creator_id, head.shares)
        targets.book(key_of("creator_fund", video_id, day.name), parts, rate.currency, rate.version)
    return targets


def weight(counts: Counts, rate: FundRate) -> Fraction:
    """Return views x quality of a video that was viewed, exact."""
    views = counts["views"]
    actions = sum(max(0, counts.get(name, 0)) for name in ("likes", "comments", "shares"))
    relative = Fraction(actions, views) / Fraction(rate.quality_reference_ppm, ONE_PPM)
    capped = min(relative, Fraction(rate.quality_cap_ppm, ONE_PPM))
    return views * (1 + Fraction(rate.quality_k_ppm, ONE_PPM) * capped)


def takes_part(creator_id: str, standing: Standing, rate: FundRate) -> bool:
    """Tell whether a creator shares in the pool."""
    followers, views = standing.followers, standing.views_30d
    return (
        (creator_id in followers or creator_id in views)
        and followers.get(creator_id, 0) >= rate.followers_min
        and views.get(creator_id, 0) >= rate.views_30d_min
    )


def is_old_enough(known: Registration | None, day: PayDay, rate: FundRate) -> bool:
    """Tell whether account and person are old enough, as far as anything is known of them."""
    if known is None:
        return True
    account_days = max(0, (day.end_ms - known.registered_at_ms) // DAY_MS)
    if account_days < rate.account_age_days_min:
        return False
    if not known.birth_date:
        return True
    year, month, date_ = map(int, day.name.split("-"))
    born_year, born_month, born_date = map(int, known.birth_date.split("-"))
    years = year - born_year - ((month, date_) < (born_month, born_date))
    return max(0, years) >= rate.person_age_years_min
