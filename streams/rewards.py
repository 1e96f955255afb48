"""Creator Rewards: what a video's qualified views of each UTC day are estimated to earn.

Rule and figures: schemas/rates.toml. Only an original, unpromoted video of at least the minimum
length earns, and a video that was never published in the log is not known to be one. Views below
the threshold earn nothing; how the crossing is paid is a setting of the rate. Each day is the
difference of two running totals, so the days add up to the amount of the whole count.
"""

from collections.abc import Mapping

from schemas.rates import Rates, RewardsRate
from streams.subjects import Published

DAY_MS = 86_400_000


def daily_amounts(
    qualified_by_day: Mapping[int, int], published: Published | None, rates: Rates, region: str
) -> dict[int, tuple[int, str]]:
    """Return {day number: (amount in micro-USD, rate version)} for each day with views.

    Money is rounded down to the micro-unit on the running total, never per view. A day without a
    valid rate earns 0 under the version ''.
    """
    amounts: dict[int, tuple[int, str]] = {}
    total = 0
    for day in sorted(qualified_by_day):
        before, total = total, total + qualified_by_day[day]
        rate = rates.rewards(day * DAY_MS, region)
        if rate is None:
            amounts[day] = (0, "")
        elif not eligible(published, rate):
            amounts[day] = (0, rate.version)
        else:
            micros = money_micros(payable_views(total, rate), rate)
            amounts[day] = (micros - money_micros(payable_views(before, rate), rate), rate.version)
    return amounts


def eligible(published: Published | None, rate: RewardsRate) -> bool:
    """Return whether a video can earn at all."""
    return (
        published is not None
        and published.is_original
        and not published.is_promoted
        and published.duration_ms >= rate.min_duration_ms
    )


def payable_views(qualified: int, rate: RewardsRate) -> int:
    """Return how many of a video's qualified views so far are paid."""
    if qualified < rate.threshold_views:
        return 0
    return qualified if rate.threshold_variant == "backlog" else qualified - rate.threshold_views


def money_micros(views: int, rate: RewardsRate) -> int:
    """Return the micro-USD of paid views, rounded down."""
    return views * rate.rpm_micros_per_1000 // 1000
