"""Orders, put together from their events, whatever order these came in.

An order is what its first `order_placed` by (time, id) says. All its events must name the same
buyer, goods, amount and currency. It is settled at its first `order_settled`. Refunds add up, of one
event id the first; one without an amount gives everything back. Nothing is kept of an order that
is ineligible, or frozen: the last of frozen and released, by (time, id), says so (of two that share
both, the release). One whose events contradict each
other, or that gives back more than was paid, is unknown. One that was never placed is no order.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.currencies import CURRENCIES
from scripts.recount.facts import OrderStep
from scripts.recount.programs.targets import INT64_MAX


@dataclass(frozen=True, slots=True)
class Order:
    """An order with what became of it; `kept_micros` is what counts: paid, not given back.

    Of an order that is frozen or ineligible nothing counts.
    """

    order_id: str
    placed_ms: int
    settled_ms: int | None
    user_id: str
    seller_id: str
    product_id: str
    kept_micros: int
    currency: str


def orders_of(steps: Iterable[OrderStep]) -> tuple[list[Order], set[str]]:
    """Return the orders, and the ids of those that nobody can tell."""
    by_id: dict[str, list[OrderStep]] = {}
    for step in sorted(steps, key=lambda step: (step.event_time_ms, step.event_id)):
        by_id.setdefault(step.order_id, []).append(step)
    orders, unknown = [], set()
    for order_id, its_steps in by_id.items():
        placed = [step for step in its_steps if step.type == "order_placed"]
        if not placed:
            continue
        back = given_back(its_steps, placed[0].paid_micros)
        if all(map(_is_sound, its_steps)) and _agree(its_steps) and back <= placed[0].paid_micros:
            orders.append(_order(placed[0], its_steps, back))
        else:
            unknown.add(order_id)
    return orders, unknown


def given_back(steps: Iterable[OrderStep], paid_micros: int) -> int:
    """Return all that refunds gave back of an order."""
    refunds: dict[str, OrderStep] = {}
    for step in sorted(steps, key=_by_time):
        if step.type == "order_refunded":
            refunds.setdefault(step.event_id, step)
    amounts = [refund.refund_micros for refund in refunds.values()]
    return paid_micros if None in amounts else sum(amount or 0 for amount in amounts)


def _order(placed: OrderStep, steps: list[OrderStep], back_micros: int) -> Order:
    settled = [step.event_time_ms for step in steps if step.type == "order_settled"]
    return Order(
        placed.order_id,
        placed.event_time_ms,
        min(settled) if settled else None,
        placed.user_id,
        placed.seller_id,
        placed.product_id,
        0 if is_stopped(steps) else placed.paid_micros - back_micros,
        placed.currency,
    )


def is_stopped(steps: Iterable[OrderStep]) -> bool:
    """Tell whether an order pays nothing: it is ineligible, or frozen and not released since."""
    frozen = (-1, "", "")
    for step in steps:
        if step.type == "order_ineligible":
            return True
        if step.type in ("order_frozen", "order_released"):
            frozen = max(frozen, (step.event_time_ms, step.event_id, step.type))
    return frozen[2] == "order_frozen"


def _is_sound(step: OrderStep) -> bool:
    refund = step.refund_micros or 0
    return step.currency in CURRENCIES and 0 <= step.paid_micros <= INT64_MAX and refund >= 0


def _agree(steps: list[OrderStep]) -> bool:
    said = {
        (step.user_id, step.seller_id, step.product_id, step.paid_micros, step.currency)
        for step in steps
    }
    return len(said) == 1


def _by_time(step: OrderStep) -> tuple[int, str, str]:
    return (step.event_time_ms, step.event_id, str(step.refund_micros))
