"""Strategies for facts of money: few people, few goods and small numbers, so that they meet."""

from typing import NamedTuple

from hypothesis import strategies as st

from streams.programs.affiliate import affiliate_lines
from streams.programs.attribution import Interactions
from streams.programs.brand_deal import deal_lines
from streams.programs.creator_fund import fund_lines
from streams.programs.creator_rewards import rewards_lines
from streams.programs.days import PayDay
from streams.programs.facts import (
    Click,
    Creator,
    Deal,
    FundVideo,
    OrderStep,
    ProductView,
    RewardsVideo,
    Share,
)
from streams.programs.lines import Line, Refusal, Result
from streams.programs.orders import orders_of
from streams.programs.sale import sale_lines
from streams.subjects import Published
from tests.worked.world import DAY_MS, RATES, at

START_MS = at("2024-02-20")
DAY = PayDay("2024-02-20", START_MS, START_MS + DAY_MS)
AS_OF_MS = START_MS + 100 * DAY_MS
PUBLISHED = Published(0, "p", "c", 60_000, "", (), "", "", True, False, (), ())

people = st.sampled_from("abc")
counts = st.integers(0, 12)
_HOURS = (0, 1, 2, 25, 100, 150, 230, 300, 500)
times_ms = st.sampled_from(_HOURS).map(lambda hours: START_MS + hours * 3_600_000)
event_ids = st.integers(0, 999).map(str)
micros = st.one_of(st.integers(0, 40), st.integers(0, 1 << 60))
shares = st.lists(st.builds(Share, people, st.sampled_from((0, 1, 2_500, 3_333))), max_size=3).map(
    tuple
)


class Facts(NamedTuple):
    """What all programs are told."""

    fund: list[FundVideo]
    rewards: list[RewardsVideo]
    steps: list[OrderStep]
    clicks: list[Click]
    views: list[ProductView]
    deals: list[Deal]
    deal_views: dict[str, dict[int, int]]
    splits: dict[str, tuple[Share, ...]]


def _one_each(videos: list[FundVideo]) -> list[FundVideo]:
    return list({video.video_id: video for video in videos}.values())


fund_videos = st.lists(
    st.builds(FundVideo, st.sampled_from("uvwxyz"), people, counts, counts, counts, counts, shares),
    max_size=6,
).map(_one_each)
rewards_videos = st.lists(
    st.builds(
        RewardsVideo,
        st.sampled_from("vw"),
        people,
        st.one_of(st.none(), st.just(PUBLISHED)),
        st.dictionaries(st.integers(19_770, 19_791), st.integers(0, 1_500), max_size=4),
        st.just({}),
        shares,
    ),
    max_size=2,
    unique_by=lambda video: video.video_id,
)
steps = st.lists(
    st.builds(
        OrderStep,
        st.sampled_from(("placed", "placed", "settled", "settled", "refunded")),
        event_ids,
        times_ms,
        st.sampled_from("oop"),
        st.just("u"),
        st.just("a"),
        st.just("p"),
        st.just(1_001),
        st.just("USD"),
        st.one_of(st.none(), st.integers(0, 300)),
    ),
    min_size=2,
    max_size=8,
    unique_by=lambda step: step.event_id,
)
clicks = st.lists(
    st.builds(
        Click,
        event_ids,
        times_ms,
        st.just("u"),
        people,
        st.sampled_from("aas"),
        st.just("p"),
        st.just("k"),
        st.sampled_from(("", "", "l")),
    ),
    max_size=4,
)
product_views = st.lists(
    st.builds(
        ProductView,
        event_ids,
        times_ms,
        st.just("u"),
        people,
        st.sampled_from("vw"),
        st.just(("p",)),
    ),
    max_size=4,
)
deals = st.lists(
    st.builds(
        Deal,
        st.sampled_from("de"),
        st.just("b"),
        people,
        st.sampled_from("vw"),
        times_ms,
        micros,
        st.just("USD"),
        st.lists(st.tuples(counts, st.sampled_from((1_000, 2_500, 3_333, 5_000))), max_size=3)
        .filter(lambda milestones: sum(bps for _, bps in milestones) <= 10_000)
        .map(tuple),
    ),
    max_size=2,
    unique_by=lambda deal: deal.deal_id,
)
facts = st.builds(
    Facts,
    fund_videos,
    rewards_videos,
    steps,
    clicks,
    product_views,
    deals,
    st.dictionaries(st.sampled_from("vw"), st.dictionaries(times_ms, counts, max_size=3)),
    st.dictionaries(st.sampled_from("vw"), shares),
)


def fund_of(told: Facts) -> Result:
    members = {name: Creator(name, 10, 100) for name in "abc"}
    return fund_lines(DAY, told.fund, members, RATES, "US")


def commissions_of(told: Facts) -> Result:
    return affiliate_lines(
        orders_of(told.steps).orders,
        Interactions(told.clicks, told.views),
        {},
        told.splits,
        RATES,
        region="US",
        as_of_ms=AS_OF_MS,
    )


def sales_of(told: Facts) -> Result:
    paid: dict[str, int] = {}
    for line in commissions_of(told).lines:
        order_id = line.reference.removeprefix("order:")
        paid[order_id] = paid.get(order_id, 0) + line.amount_micros
    made = orders_of(told.steps).orders
    return sale_lines(made, paid, RATES, region="US", as_of_ms=AS_OF_MS)


def all_of(told: Facts) -> Result:
    """Return what every program says to these facts."""
    results = (
        fund_of(told),
        rewards_lines(told.rewards, RATES, "US"),
        commissions_of(told),
        sales_of(told),
        deal_lines(told.deals, told.deal_views, told.splits),
    )
    lines: list[Line] = [line for result in results for line in result.lines]
    refusals: list[Refusal] = [one for result in results for one in result.refusals]
    return Result(lines, [*refusals, *orders_of(told.steps).refusals])
