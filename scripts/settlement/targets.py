"""What should be booked: each program asked for its part of a settlement.

A scope is a program with all it says of a day, or of all orders and deals as of a day's end, beside
all that is booked for the same. What is booked there and has no line any more is taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from schemas.rates import DatedRate, Rates
from scripts.settlement.booked import booked_accounts, booked_on
from scripts.settlement.facts import Facts
from streams.programs import affiliate, brand_deal, creator_fund, creator_rewards, sale
from streams.programs.days import DAY_MS, PayDay, pay_day
from streams.programs.facts import Order, RewardsVideo, Share
from streams.programs.lines import Line, Refusal, Result
from streams.programs.orders import orders_of
from streams.settlement import (
    Account,
    Booked,
    InForce,
    SettledEntry,
    always,
    entries_to_book,
    held_lines,
    is_of_card,
)

EPOCH = date(1970, 1, 1)
DAILY = (creator_fund.SOURCE, creator_rewards.SOURCE)
AS_OF = (affiliate.SOURCE, sale.SOURCE, brand_deal.SOURCE)


@dataclass(frozen=True, slots=True)
class Scope:
    """What one program says, and what it has booked.

    `in_force` tells of something booked that has no line whether it was booked at a rate that still
    is the one of its time.
    """

    source: str
    day: date
    result: Result
    booked: dict[Account, Booked]
    in_force: InForce

    def missing(self, *, restate: bool) -> list[SettledEntry]:
        """Return the entries that are missing."""
        lines, refusals = self.result
        return entries_to_book(
            lines, self.booked, refusals=refusals, restate=restate, in_force=self.in_force
        )

    def held(self) -> list[Line]:
        """Return what only a restatement would book."""
        lines, refusals = self.result
        return held_lines(lines, self.booked, refusals=refusals, in_force=self.in_force)


class Targets:
    """Asks the programs, over one ClickHouse client and one set of rates."""

    def __init__(self, client: Any, rates: Rates, region: str) -> None:  # clickhouse_connect client
        self._client = client
        self._facts = Facts(client)
        self._rates = rates
        self._region = region

    def scopes(self, days: list[date], *, restate: bool) -> Iterator[Scope]:
        """Yield the scopes of days that are over: their pools and rewards, then orders and deals.

        One at a time, for the facts of a day may be many. Orders and deals are as of the end of the
        last day that is or was settled: an earlier day settled again takes nothing back.
        """
        videos = self._facts.rewards_videos(self._rates.rewards_threshold_views_min)
        for day in days:
            yield self._fund(day)
            yield self._rewards(videos, day)
        yield from self._as_of(max([*days, *self._facts.settled_days(AS_OF)]), restate=restate)

    def _fund(self, day: date) -> Scope:
        source = creator_fund.SOURCE
        span = pay_day(day, self._rates.pay_day_zone)
        videos = self._facts.fund_videos(span)
        creators = self._facts.creators(span) if videos else {}
        result = creator_fund.fund_lines(span, videos, creators, self._rates, self._region)
        booked = booked_on(self._client, source, span.name, span.start_ms)
        return Scope(source, day, result, booked, self._by_time(self._rates.fund))

    def _rewards(self, videos: list[RewardsVideo], day: date) -> Scope:
        source, number = creator_rewards.SOURCE, (day - EPOCH).days
        seen = [video for video in videos if number in video.qualified_by_day]
        result = creator_rewards.rewards_lines(seen, self._rates, self._region, number)
        booked = booked_on(self._client, source, day.isoformat(), number * DAY_MS)
        return Scope(source, day, result, booked, self._by_time(self._rates.rewards))

    def _as_of(self, day: date, *, restate: bool) -> Iterator[Scope]:
        end_ms = ((day - EPOCH).days + 1) * DAY_MS
        shared = self._facts.collaborators()
        orders, refusals = orders_of(self._facts.order_steps())
        commissions = self._due(
            day,
            affiliate.SOURCE,
            self._commissions(orders, shared, end_ms),
            refusals,
            end_ms,
            self._by_card(affiliate.rate_cards(orders, self._rates, self._region)),
        )
        yield commissions
        sellers = self._facts.selling_creators()
        sales = sale.sale_lines(
            [order for order in orders if order.seller_id in sellers],
            commissions_after(commissions, restate=restate),
            self._rates,
            region=self._region,
            as_of_ms=end_ms - 1,
        )
        yield self._due(day, sale.SOURCE, sales, refusals, end_ms, self._by_card({}))
        deals = brand_deal.deal_lines(self._facts.deals(), self._facts.deal_views_by_day(), shared)
        yield self._due(day, brand_deal.SOURCE, deals, [], end_ms, always)

    def _commissions(
        self, orders: list[Order], shared: Mapping[str, tuple[Share, ...]], end_ms: int
    ) -> Result:
        return affiliate.affiliate_lines(
            orders,
            self._facts.interactions(),
            self._facts.promoting_since_ms(),
            shared,
            self._rates,
            region=self._region,
            as_of_ms=end_ms - 1,
        )

    def _due(
        self,
        day: date,
        source: str,
        result: Result,
        broken: list[Refusal],
        end_ms: int,
        in_force: InForce,
    ) -> Scope:
        """Return the scope of what is dated before the end; broken orders are refused as well."""
        refusals = [*result.refusals, *(one for one in broken if one.key.startswith(f"{source}:"))]
        lines = [line for line in result.lines if line.occurred_at_ms < end_ms]
        booked = booked_accounts(self._client, source)
        return Scope(source, day, Result(lines, refusals), booked, in_force)

    def _by_time(self, rate_at: Callable[[int, str], DatedRate | None]) -> InForce:
        """Return whether something booked has the rate that is valid at its time."""

        def in_force(_: Account, booked: Booked) -> bool:
            rate = rate_at(booked.occurred_at_ms, self._region)
            return rate is not None and rate.version == booked.rate_version

        return in_force

    def _by_card(self, cards: Mapping[str, str]) -> InForce:
        """Return whether something booked has the rate card of its order, or any rate of the file."""

        def in_force(account: Account, booked: Booked) -> bool:
            known = is_of_card(account, booked, cards)
            return self._rates.has(booked.rate_version) if known is None else known

        return in_force


def commissions_after(scope: Scope, *, restate: bool) -> dict[str, int]:
    """Return the commission of each order once the scope is settled.

    It is what its accounts then have: one that stays at another rate, or that nobody can compute,
    costs the seller what was booked.
    """
    sums: dict[str, int] = {}
    moved: list[Booked | SettledEntry] = [*scope.booked.values(), *scope.missing(restate=restate)]
    for one in moved:
        order_id = one.reference.removeprefix("order:")
        sums[order_id] = sums.get(order_id, 0) + one.amount_micros
    return sums


def days_through(facts: Facts, rates: Rates, last: date) -> list[date]:
    """Return every day with an event of a video up to the last, and the last.

    On other days there is nothing to book. (So an event dated decades ago costs one day, not all.)
    """
    days = facts.days_with_minutes(rates.pay_day_time_zone)
    return [*(day for day in days if day < last), last]


def is_over(day: date, rates: Rates, lowest_ms: int) -> bool:
    """Return whether a day is over everywhere: as a UTC day and as a pay day."""
    span: PayDay = pay_day(day, rates.pay_day_zone)
    return max(span.end_ms, ((day - EPOCH).days + 1) * DAY_MS) <= lowest_ms
