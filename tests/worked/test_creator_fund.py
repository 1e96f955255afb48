"""Creator Fund by hand: a pool of 1 USD a day, 2 x the views at 10 % engagement, at most 3 x."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streams.programs.creator_fund import fund_lines
from streams.programs.days import PayDay, pay_day
from streams.programs.facts import Creator, FundVideo, Share
from streams.programs.lines import Result
from streams.settlement import RECOUNTED, UNSUPPORTED
from tests.worked.ledger import Ledger
from tests.worked.world import RATES, amounts, at, reasons

DAY = PayDay("2024-03-01", at("2024-03-01"), at("2024-03-02"))
MEMBER = Creator("", 10, 100, 18, 30)


def video(name: str, views: int, likes: int = 0, **more: Any) -> FundVideo:
    """Return a video of the creator with the capital of its name."""
    counts = {"comments": 0, "shares": 0} | more
    return FundVideo(name, name.upper(), views, likes, **counts)


def fund(*videos: FundVideo, region: str = "US", day: PayDay = DAY, **members: Creator) -> Result:
    creators = dict.fromkeys("ABC", MEMBER) | members
    return fund_lines(day, videos, creators, RATES, region)


@pytest.mark.parametrize(
    ("videos", "expected"),
    [
        pytest.param((), {}, id="a pool with none pays nothing"),
        pytest.param((video("a", 1),), {"A": 1_000_000}, id="a single video has all of it"),
        pytest.param(
            (video("a", 100), video("b", 300)), {"A": 250_000, "B": 750_000}, id="by views"
        ),
        pytest.param(
            (video("c", 7), video("b", 7), video("a", 7)),
            {"A": 333_334, "B": 333_333, "C": 333_333},
            id="three equal videos: the odd micro-unit goes to the smallest name",
        ),
        pytest.param(
            (video("a", 100), video("b", 100, likes=10)),
            {"A": 333_333, "B": 666_667},
            id="10 % engagement doubles a view",
        ),
        pytest.param(
            (video("a", 100), video("b", 100, likes=4, comments=3, shares=3)),
            {"A": 333_333, "B": 666_667},
            id="likes, comments and shares count alike",
        ),
        pytest.param(
            (video("a", 100), video("b", 100, likes=90)),
            {"A": 250_000, "B": 750_000},
            id="quality is capped at three views for one",
        ),
        pytest.param(
            (video("a", 1), video("b", 0, likes=50)),
            {"A": 1_000_000},
            id="likes without views weigh nothing",
        ),
        pytest.param((video("a", 0, likes=50),), {}, id="likes alone book nothing"),
        pytest.param(
            (video("a", 1), video("b", -3, likes=-5)),
            {"A": 1_000_000},
            id="a count below zero is zero",
        ),
        pytest.param(
            (video("a", 100), video("b", 100), video("b", 100)),
            {"A": 500_000, "B": 500_000},
            id="a video that is told twice counts once",
        ),
    ],
)
def test_a_pool_is_divided(videos: tuple[FundVideo, ...], expected: dict[str, int]) -> None:
    assert amounts(fund(*videos).lines) == expected


@pytest.mark.parametrize(
    ("creator", "takes_part"),
    [
        (MEMBER, True),
        (MEMBER._replace(followers=9), False),
        (MEMBER._replace(views_30d=99), False),
        (MEMBER._replace(person_age_years=17), False),
        (MEMBER._replace(person_age_years=None, account_age_days=None), True),
        (MEMBER._replace(account_age_days=29), False),
    ],
)
def test_who_takes_part(creator: Creator, takes_part: bool) -> None:
    found = amounts(fund(video("a", 1), video("b", 1), B=creator).lines)
    assert found == ({"A": 500_000, "B": 500_000} if takes_part else {"A": 1_000_000})


def test_a_creator_of_whom_nothing_is_known_takes_no_part() -> None:
    assert amounts(fund(video("a", 1), video("x", 1)).lines) == {"A": 1_000_000}


def test_a_pool_smaller_than_its_videos_gives_some_of_them_nothing() -> None:
    lines = fund(video("a", 5), video("b", 5), video("c", 5), region="TINY").lines
    assert [line.amount_micros for line in lines] == [1, 1, 0]


def test_a_late_view_moves_everybody_s_share() -> None:
    ledger = Ledger()
    first = fund(video("a", 100), video("b", 100))
    assert ledger.settle(first.lines) == [
        ("A", "final", 500_000, ""),
        ("B", "final", 500_000, ""),
    ]
    late = fund(video("a", 300), video("b", 100))
    assert ledger.settle(late.lines) == [
        ("A", "adjustment", 250_000, RECOUNTED),
        ("B", "adjustment", -250_000, RECOUNTED),
    ]
    assert ledger.settle(late.lines) == []


def test_a_video_whose_views_were_invalidated_gives_its_share_back() -> None:
    ledger = Ledger()
    ledger.settle(fund(video("a", 100), video("b", 100)).lines)
    assert ledger.settle(fund(video("a", 0), video("b", 100)).lines) == [
        ("A", "adjustment", -500_000, UNSUPPORTED),
        ("B", "adjustment", 500_000, RECOUNTED),
    ]


def test_a_day_without_a_rate_is_refused_whole_and_nothing_is_taken_back() -> None:
    ledger = Ledger()
    ledger.settle(fund(video("a", 100)).lines)
    early = PayDay("2019-12-31", at("2019-12-31"), at("2020-01-01"))
    result = fund(video("a", 100), day=early)
    assert reasons(result.refusals) == [("creator_fund:2019-12-31", "missing_rate")]
    assert ledger.settle(result.lines, result.refusals) == []


def test_a_video_with_two_counts_makes_the_day_unknown() -> None:
    result = fund(video("a", 100), video("a", 200), video("b", 1))
    assert result.lines == []
    assert reasons(result.refusals) == [("creator_fund:a:2024-03-01", "conflicting_facts")]


def test_a_shared_video_splits_its_part() -> None:
    shared = video("a", 9)._replace(collaborators=(Share("X", 3_333), Share("Y", 3_333)))
    assert amounts(fund(shared).lines) == {"A": 333_400, "X": 333_300, "Y": 333_300}


def test_the_day_begins_where_the_pay_day_s_time_zone_says() -> None:
    shanghai = pay_day(date(2024, 3, 2), ZoneInfo("Asia/Shanghai"))
    assert (shanghai.start_ms, shanghai.end_ms) == (at("2024-03-01 16:00"), at("2024-03-02 16:00"))
    (line,) = fund(video("a", 1), day=shanghai).lines
    assert line.key == "creator_fund:a:2024-03-02"
    assert line.occurred_at_ms == at("2024-03-01 16:00")


def test_the_arithmetic_is_told() -> None:
    line = fund(video("a", 100), video("b", 100, likes=10)).lines[1]
    assert [(s.label, s.value, s.unit) for s in line.explanation] == [
        ("authentic views of the day", 100, "views"),
        ("likes, comments and shares", 10, "actions"),
        ("engagement rate", 100_000, "ppm"),
        ("reference rate", 100_000, "ppm"),
        ("quality", 2_000_000, "ppm"),
        ("pool of the day", 1_000_000, "USD"),
        ("share of the pool", 666_667, "ppm"),
        ("amount", 666_667, "USD"),
    ]
