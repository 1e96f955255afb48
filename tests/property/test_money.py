"""What holds of all money: parts equal wholes, no order matters, settling again changes nothing."""

from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from streams.programs.affiliate import affiliate_lines
from streams.programs.attribution import Interactions
from streams.programs.brand_deal import deal_lines
from streams.programs.collaboration import shares_bps, split
from streams.programs.creator_fund import fund_lines
from streams.programs.creator_rewards import rewards_lines
from streams.programs.days import pay_day_of
from streams.programs.facts import Balance, Creator, FundVideo
from streams.programs.lines import Line, explain
from streams.programs.money import INT64_MAX, half_even, largest_remainder
from streams.programs.orders import orders_of
from streams.programs.payout import payout_lines
from streams.programs.sale import fees_micros
from streams.settlement import entries_to_book
from tests.property.money_facts import (
    AS_OF_MS,
    DAY,
    PUBLISHED,
    Facts,
    all_of,
    commissions_of,
    deals,
    facts,
    fund_of,
    micros,
    sales_of,
    shares,
)
from tests.property.stories import chances
from tests.worked.ledger import Ledger
from tests.worked.world import RATES, click, order

names = st.text("abcxyz", min_size=1, max_size=2)
weights = st.dictionaries(names, st.integers(0, 1 << 70), min_size=1).filter(
    lambda found: sum(found.values()) > 0
)
totals = st.integers(-INT64_MAX, INT64_MAX)


def shuffled(told: Facts, rng: Random) -> Facts:
    """Return the same facts in another order, some of the events twice."""

    def turned(rows: list[Any], *, again: bool = True) -> list[Any]:
        more = [*rows, *(row for row in rows if again and rng.random() < 0.3)]
        return rng.sample(more, len(more))

    return told._replace(
        fund=turned(told.fund),
        rewards=turned(told.rewards, again=False),
        steps=turned(told.steps),
        clicks=turned(told.clicks),
        views=turned(told.views),
        deals=turned(told.deals),
        deal_views={
            video: dict(turned(list(days.items()))) for video, days in told.deal_views.items()
        },
    )


def sums(lines: list[Line]) -> dict[str, int]:
    """Return what each key pays, to all who share it."""
    found: dict[str, int] = {}
    for line in lines:
        found[line.key] = found.get(line.key, 0) + line.amount_micros
    return found


# Parts equal wholes


@given(totals, weights, chances)
def test_largest_remainder_loses_nothing_and_favours_nobody(
    total: int, found: dict[str, int], rng: Random
) -> None:
    parts = largest_remainder(total, found)
    assert sum(parts.values()) == total
    whole = sum(found.values())
    assert all(abs(parts[name] * whole - total * found[name]) < whole for name in found)
    other = rng.sample(list(found.items()), len(found))
    assert largest_remainder(total, dict(other)) == parts
    assert largest_remainder(-total, found) == {name: -part for name, part in parts.items()}


@given(st.integers(-(1 << 80), 1 << 80), st.integers(1, 1 << 40))
def test_half_even_is_the_nearest_and_of_two_the_even(numerator: int, denominator: int) -> None:
    found = half_even(numerator, denominator)
    distance = abs(2 * (found * denominator - numerator))
    assert distance < denominator or (distance == denominator and found % 2 == 0)


@given(totals, shares)
def test_a_split_adds_up_to_the_amount(amount: int, found: tuple[Any, ...]) -> None:
    line = Line("k", 0, "c", "sale", amount, "USD", "r", "v")
    parts = split(line, found)
    assert sum(part.amount_micros for part in parts) == amount
    assert sum(shares_bps("c", found, "k").values()) == 10_000
    assert len({part.creator_id for part in parts}) == len(parts)


@given(facts)
def test_a_pool_is_paid_whole_or_not_at_all(told: Facts) -> None:
    lines = fund_of(told).lines
    seen = any(video.authentic_views for video in told.fund)
    assert sum(line.amount_micros for line in lines) == (1_000_000 if seen else 0)
    assert all(line.amount_micros >= 0 for line in lines)


@given(facts)
def test_days_of_rewards_add_up_to_the_views_beyond_the_threshold(told: Facts) -> None:
    """All days are before the rate changes, so the whole count has one price."""
    paid = sums(rewards_lines(told.rewards, RATES, "US").lines)
    expected = 0
    for video in told.rewards:
        beyond = max(0, sum(video.qualified_by_day.values()) - 1_000)
        expected += 1_000 * beyond if video.published == PUBLISHED else 0
    assert sum(paid.values()) == expected


@given(facts)
def test_an_order_is_shared_out_whole_between_seller_promoter_and_platform(told: Facts) -> None:
    sales, paid = sums(sales_of(told).lines), sums(commissions_of(told).lines)
    for made in orders_of(told.steps).orders:
        if f"sale:{made.order_id}" in sales:
            fees = RATES.sale_fees(made.placed_ms, "US")
            assert fees is not None
            parts = (
                sales[f"sale:{made.order_id}"],
                paid.get(f"affiliate:{made.order_id}", 0),
                *fees_micros(made.kept_micros, fees),
            )
            assert sum(parts) == made.kept_micros


@given(deals)
def test_a_deal_whose_views_reach_everything_pays_the_shares_of_its_fee(found: list[Any]) -> None:
    views = {name: {0: 1_000} for name in "vw"}
    result = deal_lines(found, views, {})
    refused = {refusal.key.split(":")[1] for refusal in result.refusals}
    for deal in found:
        if deal.deal_id not in refused:
            paid = sum(
                line.amount_micros
                for line in result.lines
                if line.rate_version == f"deal:{deal.deal_id}"
            )
            bps = sum(share for _, share in deal.milestones)
            assert abs(paid * 10_000 - deal.fee_micros * bps) < 10_000 * 4
            assert bps < 10_000 or paid == deal.fee_micros


@given(st.integers(-(1 << 50), 1 << 50), st.integers(0, 1 << 50), st.integers(0, 1 << 32))
def test_a_payout_stays_within_its_bounds(balance: int, held: int, paid_today: int) -> None:
    lines = payout_lines(DAY, [Balance("c", "USD", balance, held, paid_today)], RATES).lines
    paid = -sum(line.amount_micros for line in lines)
    assert paid >= paid_today
    if paid > paid_today:
        assert 50_000_000 <= paid <= min(balance - held, 1_000_000_000)


@given(facts)
def test_the_arithmetic_of_a_line_ends_at_its_amount(told: Facts) -> None:
    for line in all_of(told).lines:
        assert line.explanation[-1].value == line.amount_micros
        assert line.explanation[-1].unit == line.currency
        assert explain(line).count("\n") == len(line.explanation) + 1


# The order of facts does not matter, nor how often they are told


@given(facts, chances)
def test_any_order_of_facts_gives_the_same(told: Facts, rng: Random) -> None:
    assert sorted(all_of(shuffled(told, rng)).lines) == sorted(all_of(told).lines)
    again = {refusal[:2] for refusal in all_of(shuffled(told, rng)).refusals}
    assert again == {refusal[:2] for refusal in all_of(told).refusals}


# Settlements


@given(st.lists(facts, min_size=1, max_size=4), chances)
def test_any_number_of_settlements_gives_the_same_balances(
    versions: list[Facts], rng: Random
) -> None:
    """Settled at every version, or at some, twice, or at once with others: only the last counts.

    `Ledger.append` fails when an entry would change.
    """
    often, seldom = Ledger(), Ledger()
    for told in versions:
        result = all_of(told)
        if rng.random() < 0.7:
            meanwhile = entries_to_book(result.lines, often.booked(), refusals=result.refusals)
            often.append(rng.sample(meanwhile, rng.randrange(len(meanwhile) + 1)))  # killed
        stale = entries_to_book(result.lines, seldom.booked(), refusals=result.refusals)
        often.append(entries_to_book(result.lines, often.booked(), refusals=result.refusals))
        if rng.random() < 0.3:
            seldom.append(stale)
            other = all_of(rng.choice(versions))
            seldom.append(entries_to_book(other.lines, {}))  # saw nothing of what is booked
    last = all_of(versions[-1])
    if last.refusals:
        return  # what is refused keeps what it had
    for ledger in (often, seldom):
        ledger.append(entries_to_book(last.lines, ledger.booked(), restate=True))
        assert entries_to_book(last.lines, ledger.booked(), restate=True) == []
    expected: dict[tuple[str, str], int] = {}
    for line in last.lines:
        owner = (line.creator_id, line.currency)
        expected[owner] = expected.get(owner, 0) + line.amount_micros
    for ledger in (often, seldom):
        found = {owner: amount for owner, amount in ledger.balances().items() if amount}
        assert found == {owner: amount for owner, amount in expected.items() if amount}


@given(facts, facts)
def test_entries_are_appended_and_never_changed_or_removed(before: Facts, after: Facts) -> None:
    ledger = Ledger()
    first = all_of(before)
    ledger.append(entries_to_book(first.lines, {}, refusals=first.refusals))
    stood = dict(ledger.entries)
    second = all_of(after)
    new = entries_to_book(second.lines, ledger.booked(), refusals=second.refusals)
    assert not {entry.entry_id for entry in new} & stood.keys()
    ledger.append(new)
    assert stood.items() <= ledger.entries.items()


# Likes


@given(st.lists(st.integers(0, 10**9), max_size=5))
def test_likes_alone_never_book_anything(likes: list[int]) -> None:
    videos = [FundVideo(f"v{n}", "a", 0, count, 0, 0) for n, count in enumerate(likes)]
    result = fund_lines(DAY, videos, {"a": Creator("a", 10, 100)}, RATES, "US")
    assert (result.lines, result.refusals) == ([], [])


@given(st.integers(0, 4_102_444_800_000), st.sampled_from(("UTC", "Asia/Shanghai", "America/Lima")))
def test_every_instant_is_in_one_pay_day(at_ms: int, zone: str) -> None:
    found = pay_day_of(at_ms, ZoneInfo(zone))
    assert found.start_ms <= at_ms < found.end_ms


@given(micros, st.integers(0, 10_000))
def test_a_commission_never_exceeds_what_was_paid(paid_micros: int, refund_bps: int) -> None:
    made = order(paid_micros=paid_micros, refunded_micros=paid_micros * refund_bps // 10_000)
    result = affiliate_lines(
        [made], Interactions([click()], []), {}, {}, RATES, region="US", as_of_ms=AS_OF_MS
    )
    (line,) = result.lines
    assert 0 <= line.amount_micros <= made.kept_micros
