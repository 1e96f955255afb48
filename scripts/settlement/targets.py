"""What should be booked: each program asked for its part of a settlement.

A scope is a program with the span of event time in which its lines may be dated. What is booked
there and has no line any more is taken back; what is dated elsewhere is left alone, unless a line
of this scope is for its account.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from schemas.rates import Rates
from scripts.settlement.facts import Facts
from streams.programs import affiliate, brand_deal, creator_fund, creator_rewards, sale
from streams.programs.days import DAY_MS, PayDay, pay_day, pay_day_of
from streams.programs.facts import RewardsVideo
from streams.programs.lines import Line, Result
from streams.programs.orders import orders_of

EPOCH = date(1970, 1, 1)
DAILY = (creator_fund.SOURCE, creator_rewards.SOURCE)
AS_OF = (affiliate.SOURCE, sale.SOURCE, brand_deal.SOURCE)


@dataclass(frozen=True, slots=True)
class Scope:
    """One program's targets for one span of event time, [start_ms, end_ms)."""

    source: str
    day: date
    start_ms: int
    end_ms: int
    result: Result


def scopes(facts: Facts, rates: Rates, region: str, days: list[date]) -> Iterator[Scope]:
    """Yield the scopes of days that are over: their pools and rewards, then what is due by the last.

    One at a time, for the facts of a day may be many.
    """
    videos = facts.rewards_videos(rates.rewards_threshold_views_min)
    for day in days:
        yield _fund(facts, rates, region, day)
        yield _rewards(videos, rates, region, day)
    yield from _as_of(facts, rates, region, days[-1])


def days_through(facts: Facts, rates: Rates, last: date) -> list[date]:
    """Return every day from the first with an event of a video to the last; at least the last."""
    first_ms = facts.first_minute_ms()
    if first_ms is None:
        return [last]
    zone_day = date.fromisoformat(pay_day_of(first_ms, rates.pay_day_zone).name)
    first = min(zone_day, EPOCH + timedelta(days=first_ms // DAY_MS), last)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _fund(facts: Facts, rates: Rates, region: str, day: date) -> Scope:
    span = pay_day(day, rates.pay_day_zone)
    videos = facts.fund_videos(span)
    creators = facts.creators(span) if videos else {}
    result = creator_fund.fund_lines(span, videos, creators, rates, region)
    return Scope(creator_fund.SOURCE, day, span.start_ms, span.end_ms, result)


def _rewards(videos: list[RewardsVideo], rates: Rates, region: str, day: date) -> Scope:
    number = (day - EPOCH).days
    result = creator_rewards.rewards_lines(videos, rates, region, number)
    start_ms = number * DAY_MS
    return Scope(creator_rewards.SOURCE, day, start_ms, start_ms + DAY_MS, result)


def _as_of(facts: Facts, rates: Rates, region: str, day: date) -> Iterator[Scope]:
    end_ms = ((day - EPOCH).days + 1) * DAY_MS
    shared = facts.collaborators()
    found = orders_of(facts.order_steps())
    commissions = affiliate.affiliate_lines(
        found.orders,
        facts.interactions(),
        facts.promoting_since_ms(),
        shared,
        rates,
        region=region,
        as_of_ms=end_ms - 1,
    )
    sellers = facts.selling_creators()
    own = [order for order in found.orders if order.seller_id in sellers]
    paid = _by_order(commissions.lines)
    sales = sale.sale_lines(own, paid, rates, region=region, as_of_ms=end_ms - 1)
    deals = brand_deal.deal_lines(facts.deals(), facts.deal_views_by_day(), shared)
    for source, result in (
        (affiliate.SOURCE, commissions),
        (sale.SOURCE, sales),
        (brand_deal.SOURCE, deals),
    ):
        refusals = [*result.refusals, *(r for r in found.refusals if r.key.startswith(source))]
        lines = [line for line in result.lines if line.occurred_at_ms < end_ms]
        yield Scope(source, day, 0, end_ms, Result(lines, refusals))


def _by_order(lines: list[Line]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for line in lines:
        order_id = line.reference.removeprefix("order:")
        sums[order_id] = sums.get(order_id, 0) + line.amount_micros
    return sums


def is_over(day: date, rates: Rates, lowest_ms: int) -> bool:
    """Return whether a day is over everywhere: as a UTC day and as a pay day."""
    span: PayDay = pay_day(day, rates.pay_day_zone)
    return max(span.end_ms, ((day - EPOCH).days + 1) * DAY_MS) <= lowest_ms
