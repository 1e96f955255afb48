"""Affiliate: who an order is credited to, by which rate, and the commission on what was kept.

- Credited is the newest click on a link of the order's seller in the click window (one inside a
  live: in the live window); without any, the newest view, in the view window, of a video that showed
  the product or another product of the seller. Of equal times the greater event id. A product is a
  seller's if any click says so. Windows begin at the interaction and include both ends; terms are
  those of the order's time. Nobody is paid where the seller's own click or view wins.
- The rate is the highest in force from the lock's or the promotion's begin (what came later) to the
  order; of equal ones the one at the order, then the earliest. A creator promotes a product since
  the first click on a link of theirs, or the interaction that won.
- Due is it when the order is settled, at the earliest the delay after it was placed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from schemas.rate_rows import AffiliateTerms
from scripts.recount.facts import Click, ProductView
from scripts.recount.model import DAY_MS, Rules
from scripts.recount.programs.orders import Order
from scripts.recount.programs.targets import Head, Targets, key_of, part_of, split


@dataclass(slots=True)
class Market:
    """All clicks and product views, as an order looks at them."""

    clicks: dict[str, list[Click]] = field(default_factory=dict)  # by buyer
    views: dict[str, list[ProductView]] = field(default_factory=dict)
    goods: set[tuple[str, str]] = field(default_factory=set)  # seller, product
    since_ms: dict[tuple[str, str, str], int] = field(default_factory=dict)  # creator and goods


def market_of(clicks: Iterable[Click], views: Iterable[ProductView]) -> Market:
    """Return clicks and views, found by buyer."""
    market = Market()
    for click in clicks:
        market.clicks.setdefault(click.user_id, []).append(click)
        market.goods.add((click.seller_id, click.product_id))
        if click.creator_id:
            promotion = (click.creator_id, click.seller_id, click.product_id)
            first_ms = market.since_ms.get(promotion, click.event_time_ms)
            market.since_ms[promotion] = min(first_ms, click.event_time_ms)
    for view in views:
        market.views.setdefault(view.user_id, []).append(view)
    return market


def affiliate(
    orders: Iterable[Order],
    market: Market,
    heads: Mapping[str, Head],
    end_ms: int,
    rules: Rules,
) -> Targets:
    """Return the commissions that are due before `end_ms`."""
    targets = Targets()
    for order in orders:
        key = key_of("affiliate", order.order_id)
        terms = rules.rates.affiliate(order.placed_ms, rules.region)
        if terms is None:
            targets.unknown.add(key)
            continue
        targets.cards[key] = card_of(order, terms, rules)
        due_ms = _due_ms(order, terms)
        winner = credited(order, market, terms)
        if due_ms is None or due_ms >= end_ms or winner is None:
            continue
        if winner.creator_id == order.seller_id:
            continue
        bps, version = commission(order, winner, market, terms, rules)
        shared = heads.get(winner.video_id) if isinstance(winner, ProductView) else None
        parts = split(
            part_of(order.kept_micros, bps), winner.creator_id, shared.shares if shared else ()
        )
        targets.book(key, parts, order.currency, version)
    return targets


def credited(order: Order, market: Market, terms: AffiliateTerms) -> Click | ProductView | None:
    """Return the click or view that the order is credited to, if any."""
    clicks = [
        click
        for click in market.clicks.get(order.user_id, [])
        if click.seller_id == order.seller_id
        and click.creator_id
        and 0 <= order.placed_ms - click.event_time_ms <= _window_ms(click, terms)
    ]
    if clicks:
        return max(
            clicks, key=lambda click: (click.event_time_ms, click.event_id, click.creator_id)
        )
    views = [
        view
        for view in market.views.get(order.user_id, [])
        if 0 <= order.placed_ms - view.event_time_ms <= terms.view_window_ms
        and any(
            product_id == order.product_id or (order.seller_id, product_id) in market.goods
            for product_id in view.product_ids
        )
    ]
    return max(
        views,
        key=lambda view: (view.event_time_ms, view.event_id, view.creator_id, view.video_id),
        default=None,
    )


def commission(
    order: Order,
    winner: Click | ProductView,
    market: Market,
    terms: AffiliateTerms,
    rules: Rules,
) -> tuple[int, str]:
    """Return the rate of an order in bps, and the version of its row."""
    goods = (order.seller_id, order.product_id)
    since_ms = winner.event_time_ms
    since_ms = min(since_ms, market.since_ms.get((winner.creator_id, *goods), since_ms))
    lock_ms = order.placed_ms - terms.cut_lock_days * DAY_MS
    first_ms = max(lock_ms, since_ms)
    changes_ms = rules.rates.commission_changes_ms(*goods, rules.region, first_ms, order.placed_ms)
    offers = [
        offer
        for at_ms in (order.placed_ms, first_ms, *changes_ms)
        if (offer := _in_force(goods, at_ms, rules)) is not None
    ]
    return max(offers, key=lambda offer: offer[0])  # of equal ones the first


def card_of(order: Order, terms: AffiliateTerms, rules: Rules) -> str:
    """Return the names of all rates that might apply to an order, with the instants of changes."""
    goods = (order.seller_id, order.product_id)
    lock_ms = order.placed_ms - terms.cut_lock_days * DAY_MS
    offer = _in_force(goods, lock_ms, rules)
    words = [terms.version, offer[1] if offer else "-"]
    changes_ms = rules.rates.commission_changes_ms(*goods, rules.region, lock_ms, order.placed_ms)
    for at_ms in changes_ms:
        if at_ms != lock_ms:
            offer = _in_force(goods, at_ms, rules)
            words.append(f"{at_ms}:{offer[1] if offer else '-'}")
    return " ".join(words)


def _in_force(goods: tuple[str, str], at_ms: int, rules: Rules) -> tuple[int, str] | None:
    """What the seller pays for the product then, else the common rate."""
    row = rules.rates.commission(*goods, at_ms) or rules.rates.affiliate(at_ms, rules.region)
    return (row.commission_bps, row.version) if row else None


def _window_ms(click: Click, terms: AffiliateTerms) -> int:
    return terms.live_click_window_ms if click.live_id else terms.click_window_ms


def _due_ms(order: Order, terms: AffiliateTerms) -> int | None:
    if order.settled_ms is None:
        return None
    return max(order.settled_ms, order.placed_ms + terms.settlement_delay_days * DAY_MS)
