"""The programs against the recount: the same facts, told to both, give the same accounts and amounts."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from schemas.rates import Rates
from scripts.recount import facts as plain
from scripts.recount.ledger import Ledger as PlainLedger
from scripts.recount.model import Rules
from scripts.recount.programs.affiliate import affiliate, market_of
from scripts.recount.programs.deals import brand_deal
from scripts.recount.programs.fund import PayDay, Standing, creator_fund
from scripts.recount.programs.orders import orders_of as plain_orders_of
from scripts.recount.programs.rewards import creator_rewards
from scripts.recount.programs.sale import sale
from scripts.recount.programs.targets import Account, Head, Targets, key_of
from scripts.recount.settled import compare_accounts
from streams.programs.affiliate import Promotion, affiliate_lines
from streams.programs.attribution import Interactions
from streams.programs.brand_deal import deal_lines
from streams.programs.creator_fund import fund_lines
from streams.programs.creator_rewards import rewards_lines
from streams.programs.facts import Creator, FundVideo, OrderStep, Quality, RewardsVideo, Share
from streams.programs.lines import Line, Refusal, Result
from streams.programs.orders import orders_of
from streams.programs.sale import sale_lines
from streams.settlement import SettledEntry, entries_to_book
from tests.oracle.logs import rules
from tests.property.money_facts import AS_OF_MS, DAY, START_MS, Facts, facts
from tests.property.stories import chances
from tests.worked.ledger import Ledger
from tests.worked.world import DAY_MS, RATES

regions = st.sampled_from(("US", "DE", "ODD", "FACTOR", "TINY"))
ends_ms = st.sampled_from((START_MS, START_MS + 7 * DAY_MS, START_MS + 9 * DAY_MS, AS_OF_MS))
SELLERS = {"a"}
FIELDS = ("views", "watch_ms", "completions", "search_views", "likes", "comments", "shares")


def plain_rules(rates: Rates, region: str) -> Rules:
    return replace(rules(), rates=rates, region=region)


# What the programs say


def lines_of(told: Facts, people: Mapping[str, Creator], region: str, end_ms: int) -> Result:
    """Return the lines of all programs as settlement asks for them, as of `end_ms`."""
    found = orders_of(told.steps)
    since: dict[Promotion, int] = {}
    for click in told.clicks:
        promotion = Promotion(click.creator_id, click.seller_id, click.product_id)
        since[promotion] = min(click.at_ms, since.get(promotion, click.at_ms))
    commissions = affiliate_lines(
        found.orders,
        Interactions(told.clicks, told.views),
        since,
        told.splits,
        RATES,
        region=region,
        as_of_ms=end_ms - 1,
    )
    paid: dict[str, int] = {}
    for line in commissions.lines:
        order_id = line.reference.removeprefix("order:")
        paid[order_id] = paid.get(order_id, 0) + line.amount_micros
    own = [order for order in found.orders if order.seller_id in SELLERS]
    results = [
        fund_lines(DAY, told.fund, people, RATES, region),
        rewards_lines(told.rewards, RATES, region),
        commissions,
        sale_lines(own, paid, RATES, region=region, as_of_ms=end_ms - 1),
        deal_lines(told.deals, told.deal_views, told.splits),
    ]
    lines = [line for result in results for line in result.lines]
    refusals = [one for result in results for one in result.refusals]
    dated = [line for line in lines if line.occurred_at_ms < end_ms or not _is_as_of(line)]
    return Result(dated, [*refusals, *found.refusals])


def _is_as_of(line: Line) -> bool:
    return line.source in ("affiliate", "sale", "brand_deal")


# What the recount says


def targets_of(told: Facts, people: Mapping[str, Creator], region: str, end_ms: int) -> Targets:
    """Return the targets of the same facts, in the recount's words."""
    by = plain_rules(RATES, region)
    shared = {video: Head("", shares=pairs(shares)) for video, shares in told.splits.items()}
    steps = [plain_step(step, n) for n, step in enumerate(told.steps)]
    clicks = [
        plain.Click(
            c.event_id, c.at_ms, c.user_id, c.creator_id, c.seller_id, c.product_id, "", c.live_id
        )
        for c in told.clicks
    ]
    views = [
        plain.ProductView(v.event_id, v.at_ms, v.user_id, v.video_id, v.creator_id, v.product_ids)
        for v in told.views
    ]
    deals = [
        plain.Deal(
            f"e{n}",
            d.signed_ms,
            d.video_id,
            d.deal_id,
            d.creator_id,
            d.brand_id,
            d.fee_micros,
            d.currency,
            d.milestones,
        )
        for n, d in enumerate(told.deals)
    ]
    orders, unknown = plain_orders_of(steps)
    commissions = affiliate(orders, market_of(clicks, views), shared, end_ms, by)
    targets = Targets(unknown={key_of(name, o) for o in unknown for name in ("affiliate", "sale")})
    for part in (
        fund_targets(told.fund, people, by),
        rewards_targets(told.rewards, by),
        commissions,
        sale(orders, commissions, SELLERS, end_ms, by),
        brand_deal(deals, told.deal_views, shared, end_ms),
    ):
        targets.add(part)
    return targets


def pairs(shares: tuple[Share, ...]) -> tuple[tuple[str, int], ...]:
    return tuple((share.creator_id, share.share_bps) for share in shares)


def plain_step(step: OrderStep, number: int) -> plain.OrderStep:
    """Return a step as the recount's facts have it; what programs do not look at differs."""
    return plain.OrderStep(
        type=f"order_{step.kind}",
        event_id=step.event_id,
        event_time_ms=step.at_ms,
        user_id=step.user_id,
        order_id=step.order_id,
        creator_id=f"c{number}",
        seller_id=step.seller_id,
        product_id=step.product_id,
        link_id=f"k{number}",
        quantity=number,
        paid_micros=step.paid_micros,
        currency=step.currency,
        refund_micros=step.refund_micros,
    )


def fund_targets(videos: list[FundVideo], people: Mapping[str, Creator], by: Rules) -> Targets:
    standing = Standing(
        {name: creator.followers for name, creator in people.items()},
        {name: creator.views_30d for name, creator in people.items()},
    )
    counts = {
        v.video_id: {
            "views": v.authentic_views,
            "likes": v.likes,
            "comments": v.comments,
            "shares": v.shares,
        }
        for v in videos
    }
    heads = {v.video_id: Head(v.creator_id, shares=pairs(v.collaborators)) for v in videos}
    return creator_fund(PayDay(*DAY), counts, heads, standing, by)


def rewards_targets(videos: list[RewardsVideo], by: Rules) -> Targets:
    days, heads = {}, {}
    for video in videos:
        days[video.video_id] = {
            day * DAY_MS: {"qualified_views": video.qualified_by_day.get(day, 0)}
            | dict(zip(FIELDS, video.quality_by_day.get(day, ()), strict=False))
            for day in {*video.qualified_by_day, *video.quality_by_day}
        }
        published = video.published
        heads[video.video_id] = Head(
            video.creator_id,
            published.duration_ms if published else 0,
            bool(published and published.is_original),
            bool(published and published.is_promoted),
            pairs(video.collaborators),
        )
    settled = {day for video in days.values() for day in video}
    return creator_rewards(days, heads, settled, by)


# Agreement

creators = st.dictionaries(
    st.sampled_from("abc"),
    st.tuples(st.integers(8, 12), st.integers(98, 102)),
).map(lambda found: {name: Creator(name, *numbers) for name, numbers in found.items()})
qualities = st.builds(
    Quality,
    st.integers(-1, 5),
    st.integers(-1, 400_000),
    *(st.integers(-1, 6) for _ in range(5)),
)


@st.composite
def facts_with_quality(draw: st.DrawFn) -> Facts:
    """Facts whose videos have the counts that the factor of Creator Rewards is made of."""
    told = draw(facts)
    videos = [
        video._replace(
            quality_by_day={
                day: draw(qualities) for day in video.qualified_by_day if draw(st.booleans())
            }
        )
        for video in told.rewards
    ]
    return told._replace(rewards=videos)


def as_targets(result: Result) -> dict[Account, tuple[int, str]]:
    return {
        Account(line.key, line.creator_id, line.currency): (line.amount_micros, line.rate_version)
        for line in result.lines
        if line.amount_micros
    }


def keys(refusals: list[Refusal]) -> tuple[set[str], set[str]]:
    """Return the keys refused, and the days whose whole pool is."""
    pools = {refusal.key.split(":")[-1] for refusal in refusals if refusal.is_whole}
    return {refusal.key for refusal in refusals if not refusal.is_whole}, pools


@given(facts_with_quality(), creators, regions, ends_ms)
def test_both_sides_want_the_same_on_every_account(
    told: Facts, people: dict[str, Creator], region: str, end_ms: int
) -> None:
    result = lines_of(told, people, region, end_ms)
    targets = targets_of(told, people, region, end_ms)
    wanted = {account: tuple(target) for account, target in targets.accounts.items() if target[0]}
    assert wanted == as_targets(result)
    assert (targets.unknown, targets.unknown_pools) == keys(result.refusals)


@given(st.lists(facts_with_quality(), min_size=1, max_size=3), creators, regions, chances)
def test_the_audit_finds_nothing_after_a_settlement_and_everything_before(
    versions: list[Facts], people: dict[str, Creator], region: str, rng: Random
) -> None:
    """Whatever was booked for earlier facts: settled once more, every account has its target."""
    ledger = Ledger()
    for told in versions:
        result = lines_of(told, people, region, AS_OF_MS)
        before = ledger.booked()
        new = entries_to_book(result.lines, before, refusals=result.refusals, restate=True)
        missed = rng.sample(new, rng.randrange(len(new) + 1))
        ledger.append(entry for entry in new if entry not in missed)
        targets = targets_of(told, people, region, AS_OF_MS)
        accounts = {
            (one.entry_id.rpartition(":")[0], one.creator_id, one.currency) for one in missed
        }
        report = compare_accounts(
            as_read(ledger.entries).accounts, targets, plain_rules(RATES, region)
        )
        noted = [note for notes in report.notes.values() for note in notes]
        found = {note.key for note in (*report.differences, *noted)}
        # a commission that stays as booked costs the seller: another amount than was settled above
        orders = {key.partition(":")[2] for key, *_ in accounts if key.startswith("affiliate:")}
        sellers = {
            account
            for account in map(tuple, (*ledger.booked(), *targets.accounts))
            if account[0].startswith("sale:") and account[0].partition(":")[2] in orders
        }
        assert {difference.key for difference in report.differences} <= accounts | sellers
        assert accounts - sellers <= found
        ledger.append(missed)
        report = compare_accounts(
            as_read(ledger.entries).accounts, targets, plain_rules(RATES, region)
        )
        assert report.differences == []


def as_read(entries: Mapping[str, SettledEntry]) -> PlainLedger:
    """Return the ledger as the audit reads it: no entry may be of a kind that it does not know."""
    ledger = PlainLedger()
    rows = [tuple(entry[:9]) for entry in entries.values()]
    assert list(ledger.read(rows)) == []
    return ledger
