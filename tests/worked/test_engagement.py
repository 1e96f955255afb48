"""Engagement rates and quotes by hand: the last 3 posts, tiers at 0 and 10,000 followers."""

from fractions import Fraction

import pytest

from schemas.rate_rows import BrandTerms
from streams.programs.engagement import band_of, engagement_of, quote_of, tier_of
from streams.programs.facts import Post
from tests.worked.world import RATES, USD, at

FOUND = RATES.brand(at("2024-03-01"), "US")
assert FOUND is not None
TERMS: BrandTerms = FOUND


def post(number: int, views: int, likes: int = 0, comments: int = 0, favorites: int = 0) -> Post:
    return Post(f"v{number}", number, views, likes, comments, 0, favorites)


@pytest.mark.parametrize(
    ("posts", "followers", "by_views_ppm", "by_followers_ppm"),
    [
        pytest.param([], 1_000, None, None, id="no posts"),
        pytest.param([post(1, 100, 10)], 1_000, 100_000, 10_000, id="10 of 100, of 1,000"),
        pytest.param([post(1, 100, 4, comments=6)], 0, 100_000, None, id="no followers"),
        pytest.param([post(1, 0, 5)], 1_000, None, 5_000, id="no views"),
        pytest.param([post(1, 100, 10, favorites=50)], 0, 100_000, None, id="saves are left out"),
        pytest.param(
            [post(1, 100, 10), post(2, 100, 20), post(3, 100, 90)],
            1_000,
            200_000,
            20_000,
            id="the median: one viral post moves nothing",
        ),
        pytest.param(
            [post(4, 100, 30), post(1, 100, 90), post(2, 100, 10), post(3, 100, 20)],
            1_000,
            200_000,
            20_000,
            id="only the last three",
        ),
        pytest.param([post(1, 100, 10), post(2, 100, 20)], 0, 150_000, None, id="of two the mean"),
        pytest.param([post(1, 3, 1)], 0, 333_333, None, id="rounded for people only"),
        pytest.param([post(1, 100, -5, comments=5)], 0, 50_000, None, id="below zero is zero"),
    ],
)
def test_engagement_of_the_last_posts(
    posts: list[Post],
    followers: int,
    by_views_ppm: int | None,
    by_followers_ppm: int | None,
) -> None:
    found = engagement_of(posts, followers, TERMS)
    assert (found.by_views_ppm, found.by_followers_ppm) == (by_views_ppm, by_followers_ppm)


@pytest.mark.parametrize(
    ("percent", "followers", "band"),
    [
        (0, 0, "poor"),
        (4, 9_999, "poor"),
        (5, 9_999, "average"),
        (4, 10_000, "average"),
        (10, 0, "good"),
        (20, 0, "excellent"),
        (16, 10_000, "excellent"),
    ],
)
def test_bands_depend_on_the_creator_s_size(percent: int, followers: int, band: str) -> None:
    assert band_of(Fraction(percent, 100), followers, TERMS) == band


def test_without_a_rate_the_band_is_poor() -> None:
    assert band_of(None, 0, TERMS) == "poor"


def test_tiers_begin_at_their_followers() -> None:
    assert [tier_of(n, TERMS).name for n in (0, 9_999, 10_000)] == ["nano", "nano", "micro"]


@pytest.mark.parametrize(
    ("posts", "followers", "amount"),
    [
        # floor 5 USD x 0.7
        pytest.param([], 0, 3_500_000, id="unknown creators have the floor, at the poor multiple"),
        # 6 USD x 10 thousand = 60 USD > 25 USD; 10 % is good among micro creators: x 1.3
        pytest.param([post(1, 10_000, 1_000)], 20_000, 78 * USD, id="paid for the reach"),
        # 6 USD x 0.1 thousand = 0.6 USD < 25 USD; 20 %: excellent, x 1.7
        pytest.param([post(1, 100, 20)], 20_000, 42_500_000, id="paid for the followers"),
        # 6 micro-dollars x 1,500.5 median views: 9,003,000; 0 %: x 0.7
        pytest.param([post(1, 1_500), post(2, 1_501)], 0, 6_302_100, id="the median of two"),
    ],
)
def test_a_quote(posts: list[Post], followers: int, amount: int) -> None:
    quote = quote_of(engagement_of(posts, followers, TERMS), followers, TERMS)
    assert (quote.amount_micros, quote.currency, quote.rate_version) == (amount, "USD", "brand-1")
    assert quote.explanation[-1].value == amount
