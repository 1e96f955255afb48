"""Affiliate, own sales, brand deals and payouts, from events to the ledger.

An order is 10 USD; the common commission is 10 %, of product q of shop s 20 % until 2 March. It is
due seven days after the order. Fees of own sales: 1, 2 and 6 %. Day 0 is 1 March 2024.
"""

from collections.abc import Callable

import pytest

from tests.oracle.events import event
from tests.worked.books import (
    RATES,
    USD,
    Books,
    Entries,
    Event,
    after,
    click,
    deal,
    fan,
    order,
    published,
    views,
)

FINAL, ADJUSTED = "final", "adjustment"
BOUGHT = [order("placed", 0, 2), order("settled", 3)]


def affiliate(*amounts: tuple[str, str, int]) -> Entries:
    return [("affiliate", *amount) for amount in amounts]


def showing(days: float = 0, hours: float = 0, creator: str = "d") -> list[Event]:
    """u's view of a video of d that shows product p of shop s."""
    about: Event = {"video_id": f"shop of {creator}", "creator_id": creator}
    view = event("view", user_id="u", feed="following", at=after(days, hours), **about)
    return [event("video_published", product_ids=["p"], **about), view]


CREDITED = [
    ("a click", [click(), *BOUGHT], [("c", FINAL, USD)]),
    ("nobody", BOUGHT, []),
    ("no settlement, no commission", [click(), BOUGHT[0]], []),
    ("a view", [*showing(), *BOUGHT], [("d", FINAL, USD)]),
    ("a click beats a later view", [click(), *showing(0, 1), *BOUGHT], [("c", FINAL, USD)]),
    ("the later click", [click(), click(0, 1, "d"), *BOUGHT], [("d", FINAL, USD)]),
    ("a click after the order", [BOUGHT[0], click(0, 3), BOUGHT[1]], []),
    (
        "a click of seven days",
        [click(), order("placed", 7), order("settled", 8)],
        [("c", FINAL, USD)],
    ),
    ("a moment more", [click(), order("placed", 7, 0.001), order("settled", 8)], []),
    (
        "a view of one day",
        [*showing(), order("placed", 1), order("settled", 3)],
        [("d", FINAL, USD)],
    ),
    ("a view a moment older", [*showing(), order("placed", 1, 0.001), order("settled", 3)], []),
    (
        "a click in a live, half an hour",
        [click(live_id="l"), order("placed", 0, 0.5), order("settled", 3)],
        [("c", FINAL, USD)],
    ),
    (
        "a click in a live, later",
        [click(live_id="l"), order("placed", 0, 0.51), order("settled", 3)],
        [],
    ),
    (
        "a click on another product of the shop",
        [click(product_id="x"), *BOUGHT],
        [("c", FINAL, USD)],
    ),
    ("a click on another shop", [click(seller_id="z"), *BOUGHT], []),
    ("somebody else's click", [click(user_id="w"), *BOUGHT], []),
    ("the shop's own click", [click(creator="s"), *BOUGHT], []),
    ("an order that comes twice", [click(), *BOUGHT, *BOUGHT], [("c", FINAL, USD)]),
    ("settled before it was placed", [click(), BOUGHT[1], BOUGHT[0]], [("c", FINAL, USD)]),
    # 4 of 10 USD go back before it is due: 10 % of 6
    (
        "a partial refund",
        [click(), *BOUGHT, order("refunded", 4, refund_micros=4 * USD)],
        [("c", FINAL, 600_000)],
    ),
    ("a full refund", [click(), *BOUGHT, order("refunded", 4)], []),
    ("frozen", [click(), *BOUGHT, order("frozen", 4)], []),
    (
        "frozen and released",
        [click(), *BOUGHT, order("frozen", 4), order("released", 5)],
        [("c", FINAL, USD)],
    ),
    (
        "released before it was frozen",
        [click(), *BOUGHT, order("released", 4), order("frozen", 5)],
        [],
    ),
    ("ineligible", [click(), *BOUGHT, order("ineligible", 4), order("released", 5)], []),
    # 10 % of 0.000025 USD are 2.5 micro-units, of 35 they are 3.5: to the even one
    (
        "half to even, down",
        [click(), *(one | {"paid_micros": 25} for one in BOUGHT)],
        [("c", FINAL, 2)],
    ),
    (
        "half to even, up",
        [click(), *(one | {"paid_micros": 35} for one in BOUGHT)],
        [("c", FINAL, 4)],
    ),
]


@pytest.mark.parametrize(("log", "expected"), [pytest.param(*c[1:], id=c[0]) for c in CREDITED])
def test_commissions(books: Books, log: list[Event], expected: list[tuple[str, str, int]]) -> None:
    assert books.run(*log, until=15) == affiliate(*expected)


def q(days: float, settled: float) -> list[Event]:
    """An order of product q."""
    return [order("placed", days, product_id="q"), order("settled", settled, product_id="q")]


LOCKED = [
    # placed on 1 March: 20 %
    ("before the cut", [click(product_id="q"), *q(0.5, 3)], 2 * USD),
    # c promotes it since 1 March, so 20 % hold until 30 days after the cut of 2 March
    ("a cut inside the lock", [click(product_id="q"), *q(5, 8)], 2 * USD),
    # c began after the cut: 10 %
    ("a cut before the promotion", [click(3, product_id="q"), *q(5, 8)], USD),
    # 31 days after the cut the last 30 days know only 10 %
    (
        "a cut after the lock",
        [click(product_id="q"), click(31, product_id="q"), *q(32, 34)],
        USD,
    ),
    # the raise of 10 April (day 40) applies at once
    ("a raise", [click(39, product_id="q"), *q(41, 43)], 2_500_000),
]


@pytest.mark.parametrize(("log", "expected"), [pytest.param(*c[1:], id=c[0]) for c in LOCKED])
def test_the_rate_of_a_commission(books: Books, log: list[Event], expected: int) -> None:
    assert books.run(*log, until=55) == affiliate(("c", FINAL, expected))


def test_a_late_fact_may_change_the_rate_of_a_settled_commission(books: Books) -> None:
    """c seems to promote q since day 3, at 10 %; a click of day 0 that comes late tells of 20 %."""
    books.run(click(3, product_id="q"), *q(5, 8), until=15)
    late = click(product_id="q", user_id="w")
    assert books.run(late, until=15) == affiliate(("c", FINAL, USD), ("c", ADJUSTED, USD))
    assert books.reasons() == ["recounted after settlement"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("commission_bps = 1_000\ncut", "commission_bps = 500\ncut", id="another rate"),
        pytest.param(
            "click_window_ms = 604_800_000", "click_window_ms = 1", id="nobody is credited"
        ),
    ],
)
def test_other_rates_do_not_rewrite_the_past(
    books: Books, other_rates: Callable[..., str], old: str, new: str
) -> None:
    """The row of the order ends before it, but is kept; another one of other terms takes its place."""
    text = RATES.read_text(encoding="utf-8")
    row = text[text.index("[[affiliate]]") : text.index("# Product q")]
    later = row.replace('"affiliate"', '"affiliate-2"').replace(old, new)
    ended = ('version = "affiliate"', 'version = "affiliate"\nvalid_to = 2024-01-02T00:00:00Z')
    rates = other_rates(ended, more="\n" + later.replace("2024-01-01", "2024-01-02"))
    before = books.run(click(), *BOUGHT, until=15)
    assert before == affiliate(("c", FINAL, USD))
    held = books.settle(rates=rates).held
    assert [(line.creator_id, line.amount_micros) for line in held] == [
        ("c", 500_000 if "500" in new else 0)
    ]
    assert books.ledger() == before


def test_an_order_is_not_paid_to_two_by_two_rate_cards(
    books: Books, other_rates: Callable[..., str]
) -> None:
    """By windows of a moment the click of c counts no more, and the view of d would win: it waits."""
    log = [*showing(0, 1.9), click(), order("placed", 0, 2), order("settled", 3)]
    before = books.run(*log, until=15)
    assert before == affiliate(("c", FINAL, USD))
    changed = ('version = "affiliate"', 'version = "affiliate-2"')
    rates = other_rates(changed, ("click_window_ms = 604_800_000", "click_window_ms = 1"))
    held = books.settle(rates=rates).held
    assert [(line.creator_id, line.amount_micros) for line in held] == [("c", 0), ("d", USD)]
    assert books.ledger() == before


def test_a_commission_is_due_after_seven_days(books: Books) -> None:
    assert books.run(click(), *BOUGHT, until=7) == []  # ordered at 02:00 on day 0: due on day 7
    assert books.run(until=8) == affiliate(("c", FINAL, USD))


AFTERWARDS = [
    # 4 of 10 USD back: 10 % of 4
    (order("refunded", 20, refund_micros=4 * USD), -400_000, "refund"),
    (order("refunded", 20), -USD, "refund"),
    (order("frozen", 20), -USD, "risk"),
    (order("ineligible", 20), -USD, "canceled"),
]


@pytest.mark.parametrize(("step", "amount", "reason"), AFTERWARDS)
def test_what_happens_after_settlement_is_an_adjustment(
    books: Books, step: Event, amount: int, reason: str
) -> None:
    books.run(click(), *BOUGHT, until=15)
    found = books.run(step, until=21)
    assert found == affiliate(("c", FINAL, USD), ("c", ADJUSTED, amount))
    assert books.reasons() == [reason]


def test_a_released_order_pays_again(books: Books) -> None:
    books.run(click(), *BOUGHT, until=15)
    books.run(order("frozen", 20), until=21)
    assert books.balances() == {"c": 0}
    books.run(order("released", 22), until=23)
    assert books.balances() == {"c": USD}


def test_a_view_of_a_shared_video_pays_all_who_made_it(books: Books) -> None:
    """A commission of 1 USD: 3,333 bps each for e and f, the rest for d."""
    shares = [{"creator_id": name, "share_bps": 3_333} for name in "ef"]
    show, view = showing()
    found = books.run(show | {"collaborators": shares}, view, *BOUGHT, until=15)
    assert found == affiliate(("d", FINAL, 333_400), ("e", FINAL, 333_300), ("f", FINAL, 333_300))


def test_orders_that_contradict_themselves_pay_nothing_and_are_named(books: Books) -> None:
    books.log(click(), BOUGHT[0], BOUGHT[1] | {"paid_micros": 9 * USD}, until=15)
    done = books.settle()
    assert [(one.key, one.reason) for one in done.refusals] == [
        ("affiliate:o", "conflicting_facts"),
        ("sale:o", "conflicting_facts"),
    ]
    assert books.ledger() == []


def test_a_currency_that_is_none_is_named(books: Books) -> None:
    books.log(click(), *(one | {"currency": "QQQ"} for one in BOUGHT), until=15)
    assert {one.reason for one in books.settle().refusals} == {"unknown_currency"}
    assert books.ledger() == []


def test_more_given_back_than_paid_is_named(books: Books) -> None:
    books.log(click(), *BOUGHT, order("refunded", 4, refund_micros=11 * USD), until=15)
    assert {one.reason for one in books.settle().refusals} == {"refund_above_paid"}
    assert books.ledger() == []


def test_another_currency_has_a_balance_of_its_own(books: Books) -> None:
    books.run(click(), *(one | {"currency": "EUR"} for one in BOUGHT), until=15)
    assert books.balances() == {"c EUR": USD}


# Own sales: s is a creator who has a video


SHOP = published("video of s", "s")
SOLD = [
    # 10 - 0.1 - 0.2 - 0.6
    ("fees", BOUGHT, {"s": 9_100_000}),
    # and 1 USD for c
    ("fees and a commission", [click(), *BOUGHT], {"s": 8_100_000, "c": USD}),
    # 9 % of 6 USD are 0.54
    ("a partial refund", [*BOUGHT, order("refunded", 4, refund_micros=4 * USD)], {"s": 5_460_000}),
    ("a full refund", [*BOUGHT, order("refunded", 4)], {}),
    ("not settled", BOUGHT[:1], {}),
    ("frozen", [*BOUGHT, order("frozen", 4)], {}),
    ("ineligible", [click(), *BOUGHT, order("ineligible", 4)], {}),
]


@pytest.mark.parametrize(("log", "expected"), [pytest.param(*c[1:], id=c[0]) for c in SOLD])
def test_own_sales(books: Books, log: list[Event], expected: dict[str, int]) -> None:
    books.run(SHOP, *log, until=15)
    assert books.balances() == expected


def test_the_commission_comes_a_week_later_and_is_the_sellers_to_pay(books: Books) -> None:
    books.run(SHOP, click(), *BOUGHT, until=5)
    assert books.balances() == {"s": 9_100_000}
    books.run(until=15)
    assert books.balances() == {"s": 8_100_000, "c": USD}


# Brand deals of 100 USD


DEALS = [
    ("signed, nothing asked for", [published(), deal((0, 10_000))], {"c": 100 * USD}),
    ("reached", [published(), deal((3, 4_000)), *views(3)], {"c": 40 * USD}),
    ("one view too few", [published(), deal((4, 4_000)), *views(3)], {}),
    (
        "any view counts",
        [published(), deal((3, 4_000)), *views(3, feed="profile", watch_ms=1)],
        {"c": 40 * USD},
    ),
    (
        "two of three",
        [published(), deal((1, 2_000), (2, 3_000), (9, 5_000)), *views(2)],
        {"c": 50 * USD},
    ),
    (
        "shared by two",
        [published("v", "c", ("d", 2_500)), deal((1, 10_000)), *views(1)],
        {"c": 75 * USD, "d": 25 * USD},
    ),
    # of 101 micro-units a half is 50.5, a third 33.7: each milestone's part, then the split of both
    (
        "an odd micro-unit",
        [published("v", "c", ("d", 5_000)), deal((1, 10_000), fee_micros=101), *views(1)],
        {"c": 51, "d": 50},
    ),
]


@pytest.mark.parametrize(("log", "expected"), [pytest.param(*c[1:], id=c[0]) for c in DEALS])
def test_deals(books: Books, log: list[Event], expected: dict[str, int]) -> None:
    sums: dict[str, int] = {}
    for source, creator, _, amount in books.run(*log):
        if source == "brand_deal":
            sums[creator] = sums.get(creator, 0) + amount
    assert sums == expected


# Payouts: at least 0.05, at most 0.2 USD a day, nothing younger than two days


def test_a_payout_waits_for_the_hold_and_keeps_to_the_cap(books: Books) -> None:
    """The fund's dollar is of day 0: held until day 2, then 0.2 a day."""
    books.run(published(), fan(), *views(2), until=6)
    assert [books.pay(f"2024-03-0{day}") for day in (2, 3, 3, 4)] == [0, 1, 0, 1]
    assert books.balances() == {"c": 600_000}


def test_less_than_the_minimum_stays(books: Books) -> None:
    books.run(published(), *views(22), until=6)  # 20 x 1,000
    assert books.pay("2024-03-05") == 0
    assert books.balances() == {"c": 20_000}


def test_settling_again_changes_nothing(open_books: Callable[..., Books]) -> None:
    books = open_books()
    log = [SHOP, published(), fan(), *views(5), deal((1, 5_000)), click(), *BOUGHT]
    before = books.run(*log, until=15)
    assert len(before) == 5
    assert books.run(until=16) == before
