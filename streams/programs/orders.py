"""Orders, put together from their events: in any order, with copies, never one order twice.

- The order is its first `placed` by (time, id): that amount and those goods stand. A further one
  that names other goods, another buyer, amount or currency contradicts it and refuses the order.
- It is settled at its first `settled`.
- Refunds add up, of one event id the first; one without an amount gives everything back. More than
  was paid contradicts the order.
- It is frozen while the last of its `frozen` and `released` by (time, id) is `frozen`, whatever time
  it is settled as of (of two that share both, the release stands). It is ineligible for good, for the
  reason of the first that says so.
- Steps of an order that was never placed wait for it: nothing is known about when it was placed.
"""

from collections.abc import Iterable
from typing import NamedTuple

from schemas.entries import entry_id
from schemas.errors import SettlementError
from streams.programs.facts import Order, OrderStep
from streams.programs.lines import Refusal, check_currency, refusal_of
from streams.programs.money import within_int64

# An order pays through these; a broken order refuses whatever it would have paid.
SOURCES = ("affiliate", "sale")


class Orders(NamedTuple):
    """Orders that hold together, by id, and the refusals of those that do not."""

    orders: list[Order]
    refusals: list[Refusal]


def orders_of(steps: Iterable[OrderStep]) -> Orders:
    """Return the orders of these events; the order and the copies of the events do not matter."""
    by_order: dict[str, set[OrderStep]] = {}
    for step in steps:
        by_order.setdefault(step.order_id, set()).add(step)
    orders: list[Order] = []
    refusals: list[Refusal] = []
    for order_id in sorted(by_order):
        try:
            orders += _order(sorted(by_order[order_id], key=_by_time))
        except SettlementError as error:
            refusals += [
                refusal_of(error)._replace(key=entry_id(source, order_id)) for source in SOURCES
            ]
    return Orders(orders, refusals)


def _order(steps: list[OrderStep]) -> list[Order]:
    placed = next((step for step in steps if step.kind == "placed"), None)
    if placed is None:
        return []
    for step in steps:
        _check(step, placed)
    settled = [step.at_ms for step in steps if step.kind == "settled"]
    return [
        Order(
            order_id=placed.order_id,
            placed_ms=placed.at_ms,
            user_id=placed.user_id,
            seller_id=placed.seller_id,
            product_id=placed.product_id,
            paid_micros=placed.paid_micros,
            currency=placed.currency,
            settled_ms=min(settled) if settled else None,
            refunded_micros=_refunded_micros(steps, placed),
            frozen_by=_frozen_by(steps),
            ineligible_by=next((step.reason for step in steps if step.kind == "ineligible"), ""),
        )
    ]


def _check(step: OrderStep, placed: OrderStep) -> None:
    check_currency(step.currency, step.order_id)
    within_int64(step.paid_micros, step.order_id)
    if step.paid_micros < 0 or (step.refund_micros is not None and step.refund_micros < 0):
        raise SettlementError(step.order_id, "negative_amount", f"event {step.event_id}")
    if _identity(step) != _identity(placed):
        detail = f"events {placed.event_id} and {step.event_id} tell of different orders"
        raise SettlementError(step.order_id, "conflicting_facts", detail)


def _refunded_micros(steps: list[OrderStep], placed: OrderStep) -> int:
    refunds: dict[str, OrderStep] = {}
    for step in steps:
        if step.kind == "refunded":
            refunds.setdefault(step.event_id, step)
    if any(step.refund_micros is None for step in refunds.values()):
        return placed.paid_micros
    total = sum(step.refund_micros or 0 for step in refunds.values())
    if total > placed.paid_micros:
        detail = f"{total} micro-units given back of {placed.paid_micros}"
        raise SettlementError(placed.order_id, "refund_above_paid", detail)
    return total


def _frozen_by(steps: list[OrderStep]) -> str:
    holds = [step for step in steps if step.kind in ("frozen", "released")]
    last = max(
        holds, key=lambda step: (step.at_ms, step.event_id, step.kind, step.reason), default=None
    )
    return last.reason if last is not None and last.kind == "frozen" else ""


def _identity(step: OrderStep) -> tuple[str, str, str, int, str]:
    return (step.user_id, step.seller_id, step.product_id, step.paid_micros, step.currency)


def _by_time(step: OrderStep) -> tuple[int, str, str]:
    return (step.at_ms, step.event_id, repr(step))  # all of it: copies may differ
