"""Facts of money at the edges: of windows, locks, price changes, thresholds, equal remainders.

Made by a seeded chance, not drawn by hypothesis, which prefers small and plain examples: here nearly
every order is settled, credited to somebody, and has a click or view at the edge of a window. The
round rates (tests/worked/rates.toml) change what shop s pays for product p on 1 March and on 1 May.
"""

from collections.abc import Callable
from random import Random
from typing import Literal, NamedTuple, TypeVar

from hypothesis import strategies as st

from streams.programs.ages import account_age_days, person_age_years
from streams.programs.facts import (
    Click,
    Creator,
    Deal,
    FundVideo,
    OrderStep,
    ProductView,
    Quality,
    Registration,
    RewardsVideo,
    Share,
)
from tests.property.money_facts import DAY, PUBLISHED, START_MS, Facts
from tests.worked.world import DAY_MS, at, day

Made = TypeVar("Made")
MINUTE_MS = 60_000
ORDERED_MS = tuple(map(at, ("2024-02-20", "2024-03-05 10:00", "2024-04-15", "2024-05-02")))
WINDOWS_MS = (30 * MINUTE_MS, DAY_MS, 7 * DAY_MS)  # of clicks in lives, views, other clicks
BEFORE_MS = (0, *WINDOWS_MS, *(window + 1 for window in WINDOWS_MS), -1, 50 * DAY_MS)
SETTLED_AFTER_MS = (0, DAY_MS, 7 * DAY_MS, 9 * DAY_MS)
AGE_DAYS = 30
BORN = ("2006-02-20", "2006-02-21", "2004-02-29")  # 18 years on the pay day, a day less, older
HOLDS: tuple[tuple[Literal["frozen", "released", "ineligible"], ...], ...] = (
    *((), (), (), ("frozen",), ("frozen", "released"), ("ineligible",)),
)
END_MS = at("2024-06-01")
REWARDS_DAYS = (*range(day("2024-02-28"), day("2024-03-02")), day("2024-03-10"))
PUBLICATIONS = (
    *[PUBLISHED] * 4,
    *(PUBLISHED._replace(duration_ms=59_999), PUBLISHED._replace(is_promoted=True)),
    *(PUBLISHED._replace(is_original=False), None),
)


class Case(NamedTuple):
    """Facts of all programs, who the creators are, and the end of what was settled."""

    told: Facts
    people: dict[str, Creator]
    known: dict[str, Registration]
    end_ms: int


def case(chance: Random) -> Case:
    """Return facts of all programs; orders are of one time."""
    placed_ms = chance.choice(ORDERED_MS)
    told = Facts(
        fund=some(chance, fund_video, 5, "video_id"),
        rewards=some(chance, rewards_video, 2, "video_id"),
        steps=[step for name in "op" for step in order_steps(chance, name, placed_ms)],
        clicks=[click(chance, placed_ms) for _ in range(chance.randrange(5))],
        views=[product_view(chance, placed_ms) for _ in range(chance.randrange(5))],
        deals=[deal(chance) for _ in range(chance.randrange(4))],  # two of an id contradict
        deal_views={video_id: deal_days(chance) for video_id in "vw"},
        splits={video_id: shares(chance) for video_id in "vw"},
    )
    end_ms = placed_ms + chance.choice((0, 1, 7 * DAY_MS, 7 * DAY_MS + 1))
    ends_ms = (END_MS, END_MS, end_ms, START_MS + DAY_MS, START_MS + 2 * DAY_MS)
    known = registrations(chance)
    return Case(told, with_ages(people(chance), known), known, chance.choice(ends_ms))


cases = st.integers(0, (1 << 32) - 1).map(lambda seed: case(Random(seed)))


def some(chance: Random, make: Callable[[Random], Made], number_max: int, name: str) -> list[Made]:
    """Return a few of a kind, no two of one name."""
    made = [make(chance) for _ in range(chance.randint(1, number_max))]
    return list({getattr(one, name): one for one in made}.values())


def people(chance: Random) -> dict[str, Creator]:
    """Return the creators that are known, most of whom may share in a pool."""
    return {
        name: Creator(name, chance.choice((9, 10, 10, 11)), chance.choice((99, 100, 100, 101)))
        for name in "abc"
        if chance.random() < 0.8
    }


def with_ages(people: dict[str, Creator], known: dict[str, Registration]) -> dict[str, Creator]:
    """Return the creators with the ages that follow from what is known of them."""
    return {
        name: creator._replace(
            person_age_years=person_age_years(known.get(name), DAY),
            account_age_days=account_age_days(known.get(name), DAY),
        )
        for name, creator in people.items()
    }


def registrations(chance: Random) -> dict[str, Registration]:
    """Return what is known of some: accounts and people at the edges of the ages asked for."""
    return {
        name: Registration(
            DAY.end_ms - chance.choice((0, AGE_DAYS * DAY_MS - 1, AGE_DAYS * DAY_MS)),
            chance.choice(("", *BORN)),
        )
        for name in "abc"
        if chance.random() < 0.5
    }


def shares(chance: Random) -> tuple[Share, ...]:
    """Return collaborators, of whom one may be named twice, or be the owner."""
    return tuple(
        Share(chance.choice("abc"), chance.choice((0, 1, 2_500, 3_333)))
        for _ in range(chance.choice((0, 0, 1, 2, 3)))
    )


def fund_video(chance: Random) -> FundVideo:
    return FundVideo(
        chance.choice("vwxyz"),
        chance.choice("abc"),
        authentic_views=chance.choice((0, 1, 7, 30, 30, 60, 60)),
        likes=chance.choice((0, 0, 1, 2, 9)),
        comments=chance.choice((0, 0, 1, 2)),
        shares=chance.choice((0, 0, 1)),
        collaborators=shares(chance),
    )


def rewards_video(chance: Random) -> RewardsVideo:
    views = (0, 1, 400, 600, 999, 1_000, 1_001)
    days = chance.sample(REWARDS_DAYS, chance.randint(1, len(REWARDS_DAYS)))
    return RewardsVideo(
        chance.choice("vw"),
        chance.choice("abc"),
        chance.choice(PUBLICATIONS),
        {number: chance.choice(views) for number in days},
        {number: quality(chance) for number in days if chance.random() < 0.8},
        shares(chance),
    )


def quality(chance: Random) -> Quality:
    numbers = [chance.randint(-1, 6) for _ in range(5)]
    return Quality(chance.randint(-1, 9), chance.randrange(-1, 400_000), *numbers)


def order_steps(chance: Random, order_id: str, placed_ms: int) -> list[OrderStep]:
    """Return the events of an order; few contradict each other or give back too much."""
    goods = ("u", chance.choice("ssa"), chance.choice("ppq"))
    paid = chance.choice((1_001, 1_005, 10_000_000))
    placed = OrderStep("placed", f"{order_id}0", placed_ms, order_id, *goods, paid, "USD")
    steps = [placed]
    for name in "12"[: chance.choice((0, 1, 1, 2))]:
        said = paid + (chance.random() < 0.05)
        at_ms = placed_ms + chance.choice(SETTLED_AFTER_MS)
        steps.append(placed._replace(kind="settled", event_id=name, at_ms=at_ms, paid_micros=said))
    for at_ms in (1, 2)[: chance.choice((0, 0, 1, 2))]:  # an id twice is one refund
        back = chance.choice((None, 0, 300, 550, 701))
        name = chance.choice(("3", "3", "4"))
        steps.append(
            placed._replace(
                kind="refunded", event_id=name, at_ms=placed_ms + at_ms, refund_micros=back
            )
        )
    for kind in chance.choice(HOLDS):
        at_ms = placed_ms + chance.choice((3, 3, 4))
        name = chance.choice("56")
        steps.append(placed._replace(kind=kind, event_id=name, at_ms=at_ms, reason="risk"))
    return chance.sample(steps, len(steps))


def click(chance: Random, placed_ms: int) -> Click:
    return Click(
        str(chance.randrange(30)),
        placed_ms - chance.choice(BEFORE_MS),
        "u",
        chance.choice(("c", "c", "d", "s", "")),
        chance.choice("ssa"),
        chance.choice("ppqy"),
        live_id=chance.choice(("", "", "l")),
    )


def product_view(chance: Random, placed_ms: int) -> ProductView:
    return ProductView(
        str(chance.randrange(30)),
        placed_ms - chance.choice(BEFORE_MS),
        "u",
        chance.choice("abc"),
        chance.choice("vw"),
        chance.choice((("p",), ("q",), ("p", "q"), ("x",), ("x", "y"))),
    )


def deal(chance: Random) -> Deal:
    bps = (1_000, 2_500, 3_333)
    goals = [chance.randrange(13) for _ in range(chance.randrange(4))]
    return Deal(
        chance.choice("de"),
        "b",
        chance.choice("abc"),
        chance.choice("vw"),
        START_MS + chance.choice((0, DAY_MS, 2 * DAY_MS)),
        chance.choice((1, 5, 99, 1 << 60)),
        "USD",
        tuple((views, chance.choice(bps)) for views in goals),
    )


def deal_days(chance: Random) -> dict[int, int]:
    """Return views by day, of which some were taken back later."""
    return {
        START_MS + number * DAY_MS: chance.randint(-4, 9) for number in chance.sample(range(4), 3)
    }
