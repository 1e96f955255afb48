"""Affiliate marketing: a commission on what the buyer paid and kept, for one creator per order.

- Base: the price actually paid, less refunds, so a partial refund takes its part of the commission
  and a full one all of it (seller-vn.tiktok.com 6837840205842177, seller-us 6077860360177451).
- Rate: as of the order. A raise applies at once; a cut reaches a creator who promoted the product
  before it only `cut_lock_days` later. So the rate is the highest of the last `cut_lock_days`, not
  looking further back than the creator has promoted.
- Paid once the order is settled, not before `settlement_delay_days` after it was placed. A frozen or
  ineligible order pays nothing; if it was paid, it is taken back.
Rounded half-even.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from schemas.entries import entry_id
from schemas.errors import SettlementError
from schemas.rate_rows import AffiliateTerms
from schemas.rates import Rates
from streams.programs.attribution import Interaction, Interactions
from streams.programs.collaboration import split
from streams.programs.days import DAY_MS
from streams.programs.facts import Order, Share
from streams.programs.lines import Line, Result, Step, collect, missing_rate
from streams.programs.money import part_bps

SOURCE = "affiliate"
MINUTE_MS = 60_000

State = Literal["pending", "settled", "ineligible", "frozen"]


class Promotion(NamedTuple):
    """Who has promoted what; since when: the lock of the rate goes back no further."""

    creator_id: str
    seller_id: str
    product_id: str


class Commission(NamedTuple):
    """A rate with the row that gave it."""

    bps: int
    version: str
    locked: bool = False


def affiliate_lines(
    orders: Iterable[Order],
    interactions: Interactions,
    promoting_since_ms: Mapping[Promotion, int],
    collaborators: Mapping[str, Sequence[Share]],
    rates: Rates,
    *,
    region: str,
    as_of_ms: int,
) -> Result:
    """Return the commission of each order that is settled by `as_of_ms` and credited to somebody.

    `collaborators` are by video: a commission that a shared video's view earned is split. A creator
    of whom `promoting_since_ms` says nothing has promoted since the winning interaction.
    """

    def lines_of(order: Order) -> list[Line]:
        key = entry_id(SOURCE, order.order_id)
        terms = rates.affiliate(order.placed_ms, region)
        if terms is None:
            raise missing_rate(key, f"affiliate row of region {region}")
        due_ms = due_at_ms(order, terms)
        winner = interactions.winner(order, terms)
        if winner is None or winner.creator_id == order.seller_id:
            return []
        if due_ms is None or due_ms > as_of_ms:
            return []
        who = Promotion(winner.creator_id, order.seller_id, order.product_id)
        since_ms = min(promoting_since_ms.get(who, winner.at_ms), winner.at_ms)
        rate = commission_at(order, since_ms, terms, rates, region)
        line = _line(order, winner, rate, due_ms)
        line = line._replace(rate_card=rate_card(order, terms, rates, region))
        return split(line, collaborators.get(winner.video_id, ()))

    return collect(orders, lines_of)


def state_of(order: Order, terms: AffiliateTerms, as_of_ms: int) -> State:
    """Return how an order stands at an instant, for lists; frozen goes before all else."""
    if order.frozen_by:
        return "frozen"
    if order.ineligible_by or (order.refunded_micros and order.kept_micros == 0):
        return "ineligible"
    due_ms = due_at_ms(order, terms)
    return "settled" if due_ms is not None and due_ms <= as_of_ms else "pending"


def due_at_ms(order: Order, terms: AffiliateTerms) -> int | None:
    """Return when an order's commission is due: settled, and the delay is over; None = not yet."""
    if order.settled_ms is None:
        return None
    return max(order.settled_ms, order.placed_ms + terms.settlement_delay_days * DAY_MS)


def commission_at(
    order: Order, promoting_since_ms: int, terms: AffiliateTerms, rates: Rates, region: str
) -> Commission:
    """Return the rate of an order: the highest in force since the lock or the promotion began."""
    at_ms = order.placed_ms
    first_ms = min(at_ms, max(promoting_since_ms, at_ms - terms.cut_lock_days * DAY_MS))
    goods = (order.seller_id, order.product_id)
    changes_ms = rates.commission_changes_ms(*goods, region, first_ms, at_ms)
    current = _in_force(order, at_ms, rates, region)
    best = Commission(*(current or (terms.commission_bps, terms.version)))
    for then_ms in (first_ms, *changes_ms):
        offered = _in_force(order, then_ms, rates, region)
        if offered is not None and offered[0] > best.bps:
            best = Commission(*offered, locked=True)
    return best


def rate_card(order: Order, terms: AffiliateTerms, rates: Rates, region: str) -> str:
    """Return all that rates say of an order, whoever promoted it and since when.

    The version of the terms, of the rate in force where the lock begins, and of each later one with
    its instant: `affiliate-1 p-20 1709251200000:p-10`.
    """
    at_ms = order.placed_ms
    first_ms = at_ms - terms.cut_lock_days * DAY_MS
    goods = (order.seller_id, order.product_id)
    changes_ms = rates.commission_changes_ms(*goods, region, first_ms, at_ms)
    later = [then_ms for then_ms in changes_ms if then_ms > first_ms]
    names = [
        offered[1] if (offered := _in_force(order, then_ms, rates, region)) else "-"
        for then_ms in (first_ms, *later)
    ]
    changes = [f"{then_ms}:{name}" for then_ms, name in zip(later, names[1:], strict=True)]
    return " ".join([terms.version, names[0], *changes])


def rate_cards(orders: Iterable[Order], rates: Rates, region: str) -> dict[str, str]:
    """Return the rate card of each order with terms, by its key."""
    return {
        entry_id(SOURCE, order.order_id): rate_card(order, terms, rates, region)
        for order in orders
        if (terms := rates.affiliate(order.placed_ms, region)) is not None
    }


def _in_force(order: Order, at_ms: int, rates: Rates, region: str) -> tuple[int, str] | None:
    row = rates.commission(order.seller_id, order.product_id, at_ms)
    if row is not None:
        return row.commission_bps, row.version
    terms = rates.affiliate(at_ms, region)
    return None if terms is None else (terms.commission_bps, terms.version)


def _line(order: Order, winner: Interaction, rate: Commission, due_ms: int) -> Line:
    check_amounts(order, entry_id(SOURCE, order.order_id))
    stopped_by = order.frozen_by or order.ineligible_by
    base_micros = 0 if stopped_by else order.kept_micros
    amount_micros = part_bps(base_micros, rate.bps)
    return Line(
        key=entry_id(SOURCE, order.order_id),
        occurred_at_ms=due_ms,
        creator_id=winner.creator_id,
        source=SOURCE,
        amount_micros=amount_micros,
        currency=order.currency,
        reference=f"order:{order.order_id}",
        rate_version=rate.version,
        explanation=(
            Step("paid for the order", order.paid_micros, order.currency),
            Step("given back", order.refunded_micros, order.currency),
            Step("commission is on", base_micros, order.currency, stopped_by),
            Step(
                "rate", rate.bps, "bps", "locked: a cut comes later" if rate.locked else "in force"
            ),
            Step(
                f"credited for a {winner.kind}",
                (order.placed_ms - winner.at_ms) // MINUTE_MS,
                "minutes before the order",
            ),
            Step("amount", amount_micros, order.currency, "rounded half-even"),
        ),
        cause=stopped_by or ("refund" if order.refunded_micros else ""),
    )


def check_amounts(order: Order, key: str) -> None:
    """Refuse an order whose amounts contradict each other.

    Raises:
        SettlementError: an amount is negative, or more was given back than paid; names the key.
    """
    if order.paid_micros < 0 or order.refunded_micros < 0:
        raise SettlementError(key, "negative_amount", f"order {order.order_id}")
    if order.refunded_micros > order.paid_micros:
        raise SettlementError(key, "refund_above_paid", f"order {order.order_id}")
