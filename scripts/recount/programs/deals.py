"""Brand deals: a milestone pays its share of the fee once all views of the video have reached it.

It is dated at the start of the first UTC day that ended with so many views, or at signing if that
was later; one of 0 views is reached at signing. It is reached only if all views that stand reach it,
for some may have been taken back. The fee is divided by largest remainder among the milestones (by
their views, as text) and the rest that none of them pays. Copies of a deal are one; two different
ones of one id are unknown.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from scripts.recount.facts import Deal
from scripts.recount.programs.targets import (
    WHOLE_BPS,
    Head,
    Targets,
    key_of,
    shared_out,
    split,
)

UNPAID = ""


def brand_deal(
    deals: Iterable[Deal],
    views_of_day: Mapping[str, Mapping[int, int]],
    heads: Mapping[str, Head],
    end_ms: int,
) -> Targets:
    """Return the milestones dated before `end_ms`; views are by video and start of the day in ms."""
    targets = Targets()
    by_id: dict[str, set[Deal]] = {}
    for deal in deals:
        by_id.setdefault(deal.deal_id, set()).add(replace(deal, event_id=""))
    for deal_id, versions in by_id.items():
        deal = next(iter(versions))
        parts = fee_parts(deal)
        if len(versions) > 1 or parts is None:
            targets.unknown.add(key_of("brand_deal", deal_id))
            continue
        head = heads.get(deal.video_id)
        for goal in {views for views, _ in deal.milestones}:
            reached_ms = when_reached(goal, views_of_day.get(deal.video_id, {}))
            if reached_ms is None or max(reached_ms, deal.event_time_ms) >= end_ms:
                continue
            shared = split(parts[str(goal)], deal.creator_id, head.shares if head else ())
            key = key_of("brand_deal", deal_id, str(goal))
            targets.book(key, shared, deal.currency, f"deal:{deal_id}")
    return targets


def fee_parts(deal: Deal) -> dict[str, int] | None:
    """Return what each milestone pays, by its views as text; None if that makes no sense."""
    shares: dict[str, int] = {UNPAID: WHOLE_BPS}
    for views, bps in deal.milestones:
        shares[str(views)] = shares.get(str(views), 0) + bps
        shares[UNPAID] -= bps
    if deal.fee_micros < 0 or min(shares.values()) < 0:
        return None
    return shared_out(deal.fee_micros, shares)


def when_reached(goal: int, views_of_day: Mapping[int, int]) -> int | None:
    """Return the start of the day that ended with so many views, 0 for no views, None for never."""
    if goal <= 0:
        return 0
    if sum(views_of_day.values()) < goal:
        return None
    total = 0
    for day_ms in sorted(views_of_day):
        total += views_of_day[day_ms]
        if total >= goal:
            return day_ms
    return None
