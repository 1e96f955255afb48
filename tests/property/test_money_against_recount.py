"""The programs against the recount: the same facts, told to both, give the same accounts and amounts."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

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
from streams.programs.facts import (
    Creator,
    FundVideo,
    OrderStep,
    Registration,
    RewardsVideo,
    Share,
)
from streams.programs.lines import Refusal, Result
from streams.programs.orders import orders_of
from streams.programs.sale import sale_lines
from streams.settlement import SettledEntry, entries_to_book
from streams.settlement import key_of as key_of_entry
from tests.oracle.logs import rules
from tests.property.market_facts import END_MS, Case, cases
from tests.property.money_facts import DAY, Facts
from tests.property.stories import chances
from tests.worked.ledger import Ledger
from tests.worked.world import DAY_MS, RATES

regions = st.sampled_from(("US", "DE", "ODD", "FACTOR", "TINY"))
SELLERS = {"s"}
FIELDS = ("views", "watch_ms", "completions", "search_views", "likes", "comments", "shares")


def plain_rules(region: str) -> Rules:
    """Return the recount's rules with the round rates."""
    return replace(rules(), rates=RATES, region=region)


# What the programs say


def lines_of(told: Facts, people: Mapping[str, Creator], region: str, end_ms: int) -> Result:
    """Return the lines of all programs as settlement asks for them, as of `end_ms`."""
    results = (
        fund_lines(DAY, told.fund, people, RATES, region),
        rewards_lines(told.rewards, RATES, region),
        order_lines(told, region, end_ms),
        dated_before(end_ms, deal_lines(told.deals, told.deal_views, told.splits)),
    )
    return joined(*results)


def order_lines(told: Facts, region: str, end_ms: int) -> Result:
    """Return the commissions and sales of orders."""
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
    sales = sale_lines(own, paid, RATES, region=region, as_of_ms=end_ms - 1)
    return joined(commissions, sales, Result([], found.refusals))


def joined(*results: Result) -> Result:
    return Result(
        [line for result in results for line in result.lines],
        [refusal for result in results for refusal in result.refusals],
    )


def dated_before(end_ms: int, result: Result) -> Result:
    return result._replace(lines=[line for line in result.lines if line.occurred_at_ms < end_ms])


# What the recount says


def targets_of(found: Case, region: str, end_ms: int) -> Targets:
    """Return the targets of the same facts, in the recount's words."""
    told, by = found.told, plain_rules(region)
    targets = fund_targets(told.fund, found.people, found.known, by)
    targets.add(rewards_targets(told.rewards, by))
    targets.add(order_targets(told, by, end_ms))
    targets.add(deal_targets(told, end_ms))
    return targets


def order_targets(told: Facts, by: Rules, end_ms: int) -> Targets:
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
    orders, unknown = plain_orders_of(plain_step(step, n) for n, step in enumerate(told.steps))
    targets = Targets(unknown={key_of(name, o) for o in unknown for name in ("affiliate", "sale")})
    commissions = affiliate(orders, market_of(clicks, views), shared(told), end_ms, by)
    targets.add(commissions)
    targets.add(sale(orders, commissions, SELLERS, end_ms, by))
    return targets


def deal_targets(told: Facts, end_ms: int) -> Targets:
    deals = [
        plain.Deal(
            event_id=f"e{n}",
            event_time_ms=deal.signed_ms,
            video_id=deal.video_id,
            deal_id=deal.deal_id,
            creator_id=deal.creator_id,
            brand_id=deal.brand_id,
            fee_micros=deal.fee_micros,
            currency=deal.currency,
            milestones=deal.milestones,
        )
        for n, deal in enumerate(told.deals)
    ]
    return brand_deal(deals, told.deal_views, shared(told), end_ms)


def shared(told: Facts) -> dict[str, Head]:
    return {video_id: Head("", shares=pairs(shares)) for video_id, shares in told.splits.items()}


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
        reason=step.reason,
    )


def fund_targets(
    videos: list[FundVideo],
    people: Mapping[str, Creator],
    known: Mapping[str, Registration],
    by: Rules,
) -> Targets:
    standing = Standing(
        {name: creator.followers for name, creator in people.items()},
        {name: creator.views_30d for name, creator in people.items()},
        {
            name: plain.Registration("e", 0, name, said.registered_ms, said.birth_date)
            for name, said in known.items()
        },
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


def assert_same(targets: Targets, result: Result) -> None:
    wanted = {account: tuple(target) for account, target in targets.accounts.items() if target[0]}
    assert wanted == as_targets(result)
    assert (targets.unknown, targets.unknown_pools) == keys(result.refusals)


@given(cases, regions)
def test_pools_are_the_same(found: Case, region: str) -> None:
    result = fund_lines(DAY, found.told.fund, found.people, RATES, region)
    targets = fund_targets(found.told.fund, found.people, found.known, plain_rules(region))
    assert_same(targets, result)


@given(cases, regions)
def test_rewards_are_the_same(found: Case, region: str) -> None:
    result = rewards_lines(found.told.rewards, RATES, region)
    assert_same(rewards_targets(found.told.rewards, plain_rules(region)), result)


@settings(max_examples=400)
@given(cases)
def test_commissions_and_sales_are_the_same(found: Case) -> None:
    result = order_lines(found.told, "US", found.end_ms)
    assert_same(order_targets(found.told, plain_rules("US"), found.end_ms), result)


@given(cases)
def test_deals_are_the_same(found: Case) -> None:
    told = found.told
    deals = deal_lines(told.deals, told.deal_views, told.splits)
    assert_same(deal_targets(told, found.end_ms), dated_before(found.end_ms, deals))


@given(st.lists(cases, min_size=1, max_size=3), regions, chances)
def test_the_audit_finds_nothing_after_a_settlement_and_everything_before(
    versions: list[Case], region: str, rng: Random
) -> None:
    """Whatever was booked for earlier facts: settled once more, every account has its target."""
    ledger = Ledger()
    for found in versions:
        result = lines_of(found.told, found.people, region, END_MS)
        new = entries_to_book(result.lines, ledger.booked(), refusals=result.refusals, restate=True)
        missed = rng.sample(new, rng.randrange(len(new) + 1))
        ledger.append(entry for entry in new if entry not in missed)
        targets = targets_of(found, region, END_MS)
        accounts = {(key_of_entry(one.entry_id), one.creator_id, one.currency) for one in missed}
        report = compare_accounts(as_read(ledger.entries).accounts, targets, plain_rules(region))
        listed = {note.key for notes in report.notes.values() for note in notes}
        differing = {difference.key for difference in report.differences}
        # a commission that stays as booked costs the seller: another amount than was settled above
        orders = {key.partition(":")[2] for key, *_ in accounts if key.startswith("affiliate:")}
        sellers = {
            account
            for account in map(tuple, (*ledger.booked(), *targets.accounts))
            if account[0].startswith("sale:") and account[0].partition(":")[2] in orders
        }
        assert differing <= accounts | sellers
        assert accounts - sellers <= differing | listed
        ledger.append(missed)
        report = compare_accounts(as_read(ledger.entries).accounts, targets, plain_rules(region))
        assert report.differences == []


def as_read(entries: Mapping[str, SettledEntry]) -> PlainLedger:
    """Return the ledger as the audit reads it: no entry may be of a kind that it does not know."""
    ledger = PlainLedger()
    rows = [tuple(entry[:9]) for entry in entries.values()]
    assert list(ledger.read(rows)) == []
    return ledger
