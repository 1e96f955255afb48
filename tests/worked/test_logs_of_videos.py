"""Creator Fund and Creator Rewards, from events to the ledger.

The fund divides 1,000,000 a day. A reward is 1,000 a qualified view after the first two, from
3 March (day 2) on 2,000. A creator has a fan; views are of people of their own.
"""

from collections.abc import Callable

import pytest

from tests.oracle.events import DAY_MS, T0_MS, event, invalidated
from tests.worked.books import Books, Entries, Event, after, fan, published, views

END_MS = T0_MS + DAY_MS  # of the pay day
ADULT: Event = {"registered_at_ms": 1_700_000_000_000, "birth_date": "1990-05-17"}


def fund(*amounts: tuple[str, int]) -> Entries:
    return [("creator_fund", creator, "final", amount) for creator, amount in amounts]


def of(entries: Entries, source: str) -> Entries:
    return [entry for entry in entries if entry[0] == source]


def video(creator: str, number: int, *actions: str, days: float = 0) -> list[Event]:
    """A video `v of <creator>` of a creator with a fan, so many views and these actions."""
    about = {"video_id": f"v of {creator}", "creator_id": creator}
    return [
        event("video_published", **about, at=after(days)),
        fan(creator, about["video_id"], at=after(days)),
        *views(number, days, about["video_id"], creator),
        *(
            event(what, user_id=f"a{n}", **about, at=after(days, 2))
            for n, what in enumerate(actions)
        ),
    ]


FUND = [
    ("a single video has the whole pool", video("c", 2), [("c", 1_000_000)]),
    # 2 and 6 views: a quarter and three quarters
    ("views share it", [*video("c", 2), *video("d", 6)], [("c", 250_000), ("d", 750_000)]),
    # 3, 3 and 3 of 9: 333,333.3 each; the one that is left goes to the smaller video id
    (
        "three equal videos",
        [*video("c", 3), *video("d", 3), *video("e", 3)],
        [("c", 333_334), ("d", 333_333), ("e", 333_333)],
    ),
    # a like for 10 views is 10 %: twice the weight. 20 of 30 and 10 of 30
    (
        "likes weigh, on top of views",
        [*video("c", 10, "like"), *video("d", 10)],
        [("c", 666_667), ("d", 333_333)],
    ),
    # like, comment and share are 30 %, but 20 % is the cap: 30 of 40
    (
        "engagement is capped",
        [*video("c", 10, "like", "share", "like"), *video("d", 10)],
        [("c", 750_000), ("d", 250_000)],
    ),
    (
        "nobody's likes alone are worth anything",
        [*video("c", 0, "like", "like"), *video("d", 2)],
        [("d", 1_000_000)],
    ),
    ("one view in 30 days is too few", [*video("c", 1), *video("d", 2)], [("d", 1_000_000)]),
    ("nobody takes part: the pool stays", video("c", 1), []),
    ("no views, no pool", [event("video_published")], []),
    ("no followers", [*views(5), *video("d", 2)], [("d", 1_000_000)]),
    # a third each of an odd pool: 3,333, 3,333 and 3,334 bps
    (
        "a shared video",
        [published("v", "c", ("d", 3_333), ("e", 3_333)), fan(), *views(2)],
        [("c", 333_400), ("d", 333_300), ("e", 333_300)],
    ),
]


@pytest.mark.parametrize(("log", "expected"), [pytest.param(*c[1:], id=c[0]) for c in FUND])
def test_the_fund(books: Books, log: list[Event], expected: list[tuple[str, int]]) -> None:
    assert of(books.run(*log), "creator_fund") == fund(*expected)


AGES = [
    ("of age, and the account is old", ADULT, True),
    ("only the account is known", {"registered_at_ms": ADULT["registered_at_ms"]}, True),
    ("18 on the pay day", {**ADULT, "birth_date": "2006-03-01"}, True),
    ("18 the day after", {**ADULT, "birth_date": "2006-03-02"}, False),
    ("an account of 30 days", {"registered_at_ms": END_MS - 30 * DAY_MS}, True),
    ("a moment less", {"registered_at_ms": END_MS - 30 * DAY_MS + 1}, False),
]


@pytest.mark.parametrize(("known", "takes_part"), [pytest.param(*c[1:], id=c[0]) for c in AGES])
def test_the_fund_asks_for_ages(books: Books, known: Event, *, takes_part: bool) -> None:
    registered = event("creator_registered", user_id="c", **known)
    found = of(books.run(registered, *video("c", 2), *video("d", 2)), "creator_fund")
    assert found == fund(*([("c", 500_000), ("d", 500_000)] if takes_part else [("d", 1_000_000)]))


def test_a_correction_of_an_age_counts_from_its_own_day_on(books: Books) -> None:
    child = event(
        "creator_registered", user_id="c", at=after(0, 23), **ADULT | {"birth_date": "2010-01-01"}
    )
    grown = event("creator_registered", user_id="c", at=after(1, 1), **ADULT)
    log = [child, grown, *video("c", 2), *views(2, 1, "v of c", "c")]
    assert of(books.run(*log, until=2), "creator_fund") == fund(("c", 1_000_000))  # day one: nobody


def test_a_day_begins_where_the_pay_days_zone_says(
    open_books: Callable[..., Books], other_rates: Callable[..., str]
) -> None:
    """In Shanghai 2 March begins at 16:00 UTC on the 1st: each day has a video of its own then."""
    books = open_books(rates=other_rates(('zone = "UTC"', 'zone = "Asia/Shanghai"')))
    log = [*video("c", 2), *video("d", 2, days=0.625)]  # 01:00 and 16:00
    assert of(books.run(*log, until=3), "creator_fund") == fund(("c", 1_000_000), ("d", 1_000_000))


REWARDS = [
    ("up to the threshold", [published(), *views(2)], []),
    ("what is beyond it", [published(), *views(5)], [3_000]),
    # two on day 0, two on day 1: both of the second day are paid
    ("a threshold that a later day crosses", [published(), *views(2), *views(2, 1)], [2_000]),
    # 1 x 1,000 on day 1, 3 x 2,000 on day 2
    ("a rate of each day", [published(), *views(3, 1), *views(3, 2)], [1_000, 6_000]),
    ("the same person again", [published(), *views(3), *views(3)], [1_000]),
    (
        "five seconds are not enough",
        [published(), *views(2), *views(9, watch_ms=5_000, first=2)],
        [],
    ),
    ("another feed", [published(), *views(2), *views(9, feed="following", first=2)], []),
    ("a promoted view", [published(), *views(2), *views(9, is_promoted=True, first=2)], []),
    ("a short video", [published(duration_ms=59_999), *views(5)], []),
    ("not original", [published(is_original=False), *views(5)], []),
    ("a promoted video", [published(is_promoted=True), *views(5)], []),
    ("never published", views(5), []),
]


@pytest.mark.parametrize(("log", "expected"), [pytest.param(*c[1:], id=c[0]) for c in REWARDS])
def test_rewards(books: Books, log: list[Event], expected: list[int]) -> None:
    found = [amount for *_, amount in of(books.run(*log, until=3), "creator_rewards")]
    assert found == expected


def test_the_backlog_variant_pays_the_first_views_too(open_books: Callable[..., Books]) -> None:
    found = open_books(region="BACKLOG").run(published(), *views(2), *views(1, 1), until=2)
    assert of(found, "creator_rewards") == [("creator_rewards", "c", "final", 3_000)]


def test_views_are_rounded_down_once_not_each(open_books: Callable[..., Books]) -> None:
    """7 views x 3,333 / 1,000 = 23.331; each alone would be 3."""
    books = open_books(region="ODD")
    books.run(published(), *views(7))
    assert books.balances() == {"c EUR": 23}


def test_an_estimate_becomes_final_when_its_day_is_settled(books: Books) -> None:
    books.log(published(), *views(3), *views(1, 1), until=1)
    books.log(until=1)
    assert of(books.ledger(), "creator_rewards") == [
        ("creator_rewards", "c", "estimated", 1_000),
        ("creator_rewards", "c", "estimated", 1_000),
    ]
    books.settle()  # day 0 is over, day 1 is not
    assert of(books.ledger(), "creator_rewards") == [
        ("creator_rewards", "c", "final", 1_000),
        ("creator_rewards", "c", "estimated", 1_000),
    ]


def test_a_shared_video_is_split_before_and_after_settlement(books: Books) -> None:
    """1,000: 333.3, 333.3 and 333.4. The last micro-unit goes to the largest remainder, the owner's."""
    books.log(published("v", "c", ("d", 3_333), ("e", 3_333)), *views(3), until=0)
    parts = (("c", 334), ("d", 333), ("e", 333))
    shown = [("creator_rewards", creator, "estimated", part) for creator, part in parts]
    assert books.ledger() == shown
    books.log(until=1)
    books.settle()
    shown = [("creator_rewards", creator, "final", part) for creator, part in parts]
    assert books.ledger() == shown


def test_a_late_view_crosses_the_threshold_of_a_settled_day(books: Books) -> None:
    """Two views of day 0 pay nothing; a third one that comes the day after is worth 1,000."""
    assert of(books.run(published(), *views(2)), "creator_rewards") == []
    late = books.run(*views(1, first=2), until=1)
    assert of(late, "creator_rewards") == [("creator_rewards", "c", "final", 1_000)]


def test_views_that_were_bots_are_taken_back_after_settlement(books: Books) -> None:
    """Five views pay 3,000; two of them never were: 1,000 stays."""
    seen = views(5)
    assert of(books.run(published(), *seen), "creator_rewards")[0][3] == 3_000
    found = books.run(invalidated(*seen[:2], at=after(1)), until=1)
    assert of(found, "creator_rewards") == [
        ("creator_rewards", "c", "final", 3_000),
        ("creator_rewards", "c", "adjustment", -2_000),
    ]


def test_an_invalidation_after_the_payout_leaves_a_negative_balance(books: Books) -> None:
    """The fund's dollar is paid out up to the cap of 0.2; then all views are taken back."""
    seen = views(2)
    books.run(published(), fan(), *seen, until=4)
    assert books.pay("2024-03-04") == 1
    assert books.balances() == {"c": 800_000}
    books.run(invalidated(*seen, at=after(4)), until=4)
    assert books.balances() == {"c": -200_000}
    assert books.pay("2024-03-05") == 0
    assert books.reasons() == ["nothing supports it any more"]


def test_a_video_that_changes_hands_after_settlement(books: Books) -> None:
    """A later publication names d: what c had is taken back, d has it."""
    books.run(published(), *views(3))
    books.run(published("v", "d", at=after(0, 3)), until=1)
    assert books.balances() == {"c": 0, "d": 1_000}


def test_likes_alone_never_pay(books: Books) -> None:
    likes = [event("like", user_id=f"u{n}", at=after(0, 1)) for n in range(9)]
    assert books.run(published(), fan(), *likes) == []
