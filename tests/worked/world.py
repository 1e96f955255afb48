"""Words that worked examples are written in: times, the round rates, and facts with defaults."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schemas.rates import load_rates
from streams.programs.affiliate import Promotion, affiliate_lines
from streams.programs.attribution import Interactions
from streams.programs.facts import Click, Order, OrderStep, ProductView, Share
from streams.programs.lines import Line, Refusal, Result
from streams.programs.orders import orders_of

RATES = load_rates(Path(__file__).with_name("rates.toml"))
DAY_MS = 86_400_000
USD = 1_000_000


def at(text: str) -> int:
    """Return the milliseconds of a UTC time like `2024-03-01` or `2024-03-01 12:30:00.001`."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def day(text: str) -> int:
    """Return a UTC day's number since 1970."""
    return at(text) // DAY_MS


def amounts(lines: Iterable[Line]) -> dict[str, int]:
    """Return {creator: sum} of lines."""
    sums: dict[str, int] = {}
    for line in lines:
        sums[line.creator_id] = sums.get(line.creator_id, 0) + line.amount_micros
    return sums


def reasons(refusals: Iterable[Refusal]) -> list[tuple[str, str]]:
    """Return (key, reason) of refusals."""
    return [(refusal.key, refusal.reason) for refusal in refusals]


ORDERED = "2024-02-10 12:00"


def step(kind: Any, when: str, **changes: Any) -> OrderStep:
    """Return an event of order o: user u buys p of s for 10 USD."""
    defaults: dict[str, Any] = {
        "event_id": f"{kind} {when}",
        "order_id": "o",
        "user_id": "u",
        "seller_id": "s",
        "product_id": "p",
        "paid_micros": 10 * USD,
        "currency": "USD",
    }
    return OrderStep(kind=kind, at_ms=at(when), **(defaults | changes))


def placed(when: str = ORDERED, **changes: Any) -> OrderStep:
    return step("placed", when, **changes)


def settled(when: str = "2024-02-20", **changes: Any) -> OrderStep:
    return step("settled", when, **changes)


def refunded(when: str, refund_micros: int | None, **changes: Any) -> OrderStep:
    return step("refunded", when, refund_micros=refund_micros, **changes)


def click(when: str = "2024-02-10 11:00", creator_id: str = "c", **changes: Any) -> Click:
    """Return a click of u on a link to p of s."""
    defaults: dict[str, Any] = {
        "event_id": f"click {when}",
        "user_id": "u",
        "seller_id": "s",
        "product_id": "p",
    }
    return Click(at_ms=at(when), creator_id=creator_id, **(defaults | changes))


def product_view(when: str, creator_id: str = "d", **changes: Any) -> ProductView:
    """Return a view by u of a video that shows p."""
    defaults: dict[str, Any] = {
        "event_id": f"view {when}",
        "user_id": "u",
        "video_id": "v",
        "product_ids": ("p",),
    }
    return ProductView(at_ms=at(when), creator_id=creator_id, **(defaults | changes))


def order(**changes: Any) -> Order:
    """Return a settled order of 10 USD."""
    (made,) = orders_of([placed(), settled()]).orders
    return made._replace(**changes)


def commissions(
    *steps: OrderStep,
    orders: Iterable[Order] = (),
    clicks: Iterable[Click] = (click(),),
    views: Iterable[ProductView] = (),
    since: dict[Promotion, int] | None = None,
    shares: dict[str, tuple[Share, ...]] | None = None,
    as_of_ms: int = 4_000_000_000_000,
) -> Result:
    """Return the affiliate lines of these events, or of orders put together already."""
    made = orders_of(steps)
    result = affiliate_lines(
        [*made.orders, *orders],
        Interactions(clicks, views),
        since or {},
        shares or {},
        RATES,
        region="US",
        as_of_ms=as_of_ms,
    )
    broken = [refusal for refusal in made.refusals if refusal.key.startswith("affiliate:")]
    return Result(result.lines, [*broken, *result.refusals])
