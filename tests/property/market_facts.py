"""Strategies for facts of money at the edges: of windows, locks, price changes and thresholds.

One buyer orders from two shops; the round rates (tests/worked/rates.toml) change what shop s pays
for product p on 1 March and on 1 May. Nearly every click and view is at an edge of the order's time.
"""

from typing import Any, NamedTuple

from hypothesis import strategies as st

from streams.programs.facts import (
    Click,
    Creator,
    FundVideo,
    OrderStep,
    ProductView,
    Quality,
    RewardsVideo,
)
from tests.property.money_facts import PUBLISHED, START_MS, Facts, deals, shares
from tests.worked.world import DAY_MS, at, day

MINUTE_MS = 60_000
ORDERED_MS = tuple(map(at, ("2024-02-20", "2024-03-05 10:00", "2024-04-15", "2024-05-02")))
WINDOWS_MS = (30 * MINUTE_MS, DAY_MS, 7 * DAY_MS)  # of clicks in lives, views, other clicks
BEFORE_MS = (0, *WINDOWS_MS, *(window + 1 for window in WINDOWS_MS), -1, 50 * DAY_MS)
END_MS = at("2024-06-01")

people = st.sampled_from("abc")
promoters = st.sampled_from(("c", "c", "d", "s", ""))
shops = st.sampled_from("ssa")
goods = st.sampled_from("ppq")
orders_ms = st.sampled_from(ORDERED_MS)
event_ids = st.integers(0, 30).map(str)


class Purchase(NamedTuple):
    """One order as it goes."""

    placed_ms: int
    seller_id: str
    product_id: str
    paid_micros: int
    settled: list[int]
    refunds: list[int | None]


creators = st.dictionaries(
    people, st.tuples(st.sampled_from((9, 10, 10, 11)), st.sampled_from((99, 100, 100, 101)))
).map(lambda found: {name: Creator(name, *numbers) for name, numbers in found.items()})
_qualities = st.builds(
    Quality,
    st.integers(-1, 5),
    st.integers(-1, 400_000),
    *(st.integers(-1, 6) for _ in range(5)),
)
fund_videos = st.lists(
    st.builds(
        FundVideo,
        st.sampled_from("vwxyz"),
        people,
        st.integers(0, 60),
        *(st.integers(0, 3),) * 3,
        shares,
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda video: video.video_id,
)
_published = st.sampled_from(
    (
        PUBLISHED,
        PUBLISHED,
        PUBLISHED._replace(duration_ms=59_999),
        PUBLISHED._replace(is_promoted=True),
        PUBLISHED._replace(is_original=False),
        None,
    )
)
_days = st.sampled_from([day("2024-02-28") + n for n in range(3)] + [day("2024-03-10")])
rewards_videos = st.lists(
    st.builds(
        RewardsVideo,
        st.sampled_from("vw"),
        people,
        _published,
        st.dictionaries(_days, st.sampled_from((0, 1, 400, 600, 999, 1_000, 1_001)), min_size=1),
        st.dictionaries(_days, _qualities),
        shares,
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda video: video.video_id,
)


def steps_of(order_id: str, bought: Purchase, odd: bool) -> list[OrderStep]:
    """Return the events of an order; an `odd` one is settled for another amount than was paid."""
    who = (order_id, "u", bought.seller_id, bought.product_id)

    def step(kind: str, number: int, at_ms: int, paid: int, back: int | None = None) -> OrderStep:
        name = f"{order_id}{kind}{number}"
        return OrderStep(kind, name, at_ms, *who, paid, "USD", back)  # type: ignore[arg-type]

    paid, placed_ms = bought.paid_micros, bought.placed_ms
    return [
        step("placed", 0, placed_ms, paid),
        *(step("settled", n, placed_ms + ms, paid + odd) for n, ms in enumerate(bought.settled)),
        *(step("refunded", n, placed_ms, paid, back) for n, back in enumerate(bought.refunds)),
    ]


def all_steps(bought: dict[str, Purchase], odd: str) -> list[OrderStep]:
    """Return the events of all orders."""
    return [s for name, order in bought.items() for s in steps_of(name, order, name == odd)]


def orders_at(placed_ms: int) -> dict[str, Any]:
    """Return strategies for orders placed at one time, and for what leads to them."""
    times_ms = st.sampled_from([placed_ms - before_ms for before_ms in BEFORE_MS])
    purchases = st.builds(
        Purchase,
        st.just(placed_ms),
        shops,
        goods,
        st.sampled_from((1_001, 1_005, 10_000_000)),
        st.lists(st.sampled_from((0, DAY_MS, 7 * DAY_MS, 9 * DAY_MS)), max_size=2),
        st.lists(st.one_of(st.none(), st.integers(0, 600)), max_size=2),
    )
    bought = st.dictionaries(st.sampled_from("opq"), purchases, min_size=1)
    live_ids = st.sampled_from(("", "", "l"))
    who, link = st.just("u"), st.just("k")
    click = st.builds(Click, event_ids, times_ms, who, promoters, shops, goods, link, live_ids)
    shown = st.sampled_from((("p",), ("q",), ("p", "q"), ("x",)))
    view = st.builds(ProductView, event_ids, times_ms, who, people, st.sampled_from("vw"), shown)
    return {
        "steps": st.builds(all_steps, bought, st.sampled_from(("", "", "o"))),
        "clicks": st.lists(click, max_size=4),
        "views": st.lists(view, max_size=4),
    }


def ends_at(placed_ms: int) -> st.SearchStrategy[int]:
    """Return a strategy for the end of what was settled, at the edges of orders placed then."""
    return st.sampled_from([END_MS, *(placed_ms + ms for ms in (0, 1, 7 * DAY_MS, 7 * DAY_MS + 1))])


splits = st.dictionaries(st.sampled_from("vw"), shares)
_days_ms = st.sampled_from([START_MS + n * DAY_MS for n in range(4)])
_deals: dict[str, Any] = {
    "deals": deals,
    "deal_views": st.dictionaries(
        st.sampled_from("vw"), st.dictionaries(_days_ms, st.integers(-6, 12), max_size=4)
    ),
}
_nothing: dict[str, Any] = dict.fromkeys(Facts._fields, st.just(())) | {"splits": splits}
markets = orders_ms.flatmap(
    lambda ms: st.tuples(st.builds(Facts, **(_nothing | orders_at(ms))), ends_at(ms))
)
deals_and_views = st.tuples(
    st.builds(Facts, **(_nothing | _deals)), st.one_of(st.just(END_MS), _days_ms)
)
everything = orders_ms.flatmap(
    lambda ms: st.builds(
        Facts, fund=fund_videos, rewards=rewards_videos, splits=splits, **_deals, **orders_at(ms)
    )
)
