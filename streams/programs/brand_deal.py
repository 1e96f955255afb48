"""Brand deals: a signed fee, paid in parts as the video's views reach the milestones.

A milestone pays its share of the fee once all views of the video, from the first on, have reached
it; one that is reached before the deal is signed pays at signing. The parts are divided by largest
remainder, so milestones of 10,000 bps in all pay the fee exactly; fewer leave the rest unpaid. Views
that are invalidated later may take a milestone back. Shared videos split each part.
"""

from collections.abc import Iterable, Mapping, Sequence

from schemas.entries import entry_id
from schemas.errors import SettlementError
from streams.programs.collaboration import split
from streams.programs.facts import Deal, Share
from streams.programs.lines import Line, Result, Step, collect
from streams.programs.money import ONE_BPS, largest_remainder

SOURCE = "brand_deal"
_UNPAID = ""


def deal_lines(
    deals: Iterable[Deal],
    views_by_day: Mapping[str, Mapping[int, int]],
    collaborators: Mapping[str, Sequence[Share]],
) -> Result:
    """Return the milestones reached, each at the start of the day that reached it.

    `views_by_day` is by video: {start of day in ms: views of the day}. Copies of a deal are one;
    two different deals of one id are refused.
    """
    by_id: dict[str, set[Deal]] = {}
    for deal in deals:
        by_id.setdefault(deal.deal_id, set()).add(deal)

    def lines_of(deal_id: str) -> list[Line]:
        deal, *others = by_id[deal_id]
        if others:
            key = entry_id(SOURCE, deal_id)
            raise SettlementError(key, "conflicting_facts", "two deals have this id")
        reached = reached_ms(views_by_day.get(deal.video_id, {}), _goals(deal))
        parts = parts_micros(deal)
        return [
            part
            for views, at_ms in sorted(reached.items())
            for part in split(
                _line(deal, views, max(at_ms, deal.signed_ms), parts[str(views)]),
                collaborators.get(deal.video_id, ()),
            )
        ]

    return collect(sorted(by_id), lines_of)


def parts_micros(deal: Deal) -> dict[str, int]:
    """Return what each milestone pays, by its views; milestones of the same views are one.

    Raises:
        SettlementError: the fee or a share is negative, or the shares are more than the whole.
    """
    key = entry_id(SOURCE, deal.deal_id)
    if deal.fee_micros < 0:
        raise SettlementError(key, "negative_amount", f"fee of {deal.fee_micros} micro-units")
    shares: dict[str, int] = {}
    for views, bps in deal.milestones:
        if bps < 0:
            raise SettlementError(key, "bad_shares", f"milestone {views} has a negative share")
        shares[str(views)] = shares.get(str(views), 0) + bps
    rest = ONE_BPS - sum(shares.values())
    if rest < 0:
        raise SettlementError(key, "bad_shares", "milestones are more than 10000 basis points")
    return largest_remainder(deal.fee_micros, shares | {_UNPAID: rest})


def reached_ms(views_by_day: Mapping[int, int], goals: Iterable[int]) -> dict[int, int]:
    """Return {goal: start of the first day that ended with this many views}, of those reached.

    A goal is reached if all views that stand today reach it; 0 is reached at time 0.
    """
    left = sorted(set(goals), reverse=True)
    found: dict[int, int] = {}
    total, total_max = 0, sum(views_by_day.values())
    while left and left[-1] <= 0:
        found[left.pop()] = 0
    for day_ms in sorted(views_by_day):
        total += views_by_day[day_ms]
        while left and left[-1] <= min(total, total_max):
            found[left.pop()] = day_ms
    return found


def _goals(deal: Deal) -> set[int]:
    return {views for views, _ in deal.milestones}


def _line(deal: Deal, views: int, at_ms: int, part_micros: int) -> Line:
    bps = sum(share for goal, share in deal.milestones if goal == views)
    return Line(
        key=entry_id(SOURCE, deal.deal_id, str(views)),
        occurred_at_ms=at_ms,
        creator_id=deal.creator_id,
        source=SOURCE,
        amount_micros=part_micros,
        currency=deal.currency,
        reference=f"video:{deal.video_id}",
        rate_version=f"deal:{deal.deal_id}",
        explanation=(
            Step("fee of the deal", deal.fee_micros, deal.currency, f"brand {deal.brand_id}"),
            Step("milestone reached", views, "views"),
            Step("share of the fee", bps, "bps"),
            Step("amount", part_micros, deal.currency, "largest remainder"),
        ),
    )
