"""Engagement rates, tiers and quotes: what a brand looks at before it signs.

Engagement rate of a post = numerator / views, or / followers; of a creator the median over its last
N posts, which one viral post does not move. Quote = max(floor of the follower tier, CPM x median
views / 1,000) x multiplier of the engagement band. Formula and figures: rates.toml, `brand_deal`.
Nothing here is booked.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from statistics import median
from typing import NamedTuple

from schemas.rate_rows import BrandTerms, EngagementBands, PriceTier
from streams.programs.facts import Post
from streams.programs.lines import Step
from streams.programs.money import ONE_PPM

BANDS = ("poor", "average", "good", "excellent")


class Engagement(NamedTuple):
    """A creator's last posts in figures; None = nothing to divide by."""

    posts: int
    median_views: Fraction
    by_views: Fraction | None
    by_followers: Fraction | None

    @property
    def by_views_ppm(self) -> int | None:
        """Return the rate by views, rounded half-even."""
        return None if self.by_views is None else round(self.by_views * ONE_PPM)

    @property
    def by_followers_ppm(self) -> int | None:
        """Return the rate by followers, rounded half-even."""
        return None if self.by_followers is None else round(self.by_followers * ONE_PPM)


class Quote(NamedTuple):
    """What one post of a creator is suggested to cost."""

    amount_micros: int
    currency: str
    tier: str
    band: str
    rate_version: str
    explanation: tuple[Step, ...]


def engagement_of(posts: Iterable[Post], followers: int, terms: BrandTerms) -> Engagement:
    """Return a creator's engagement over the last posts, by (time of publication, id).

    A post that nobody viewed has no rate by views; it counts among the last posts all the same.
    """
    last = sorted(set(posts), key=lambda post: (post.published_ms, post.video_id))
    last = last[-terms.last_posts :]
    actions = [sum(max(0, getattr(post, name)) for name in terms.numerator) for post in last]
    rates = [
        Fraction(done, post.views)
        for done, post in zip(actions, last, strict=True)
        if post.views > 0
    ]
    return Engagement(
        posts=len(last),
        median_views=_median([Fraction(max(0, post.views)) for post in last]) or Fraction(0),
        by_views=_median(rates),
        by_followers=_median([Fraction(done, followers) for done in actions])
        if followers > 0
        else None,
    )


def tier_of(followers: int, terms: BrandTerms) -> PriceTier:
    """Return the price tier of this many followers."""
    return next(t for t in reversed(terms.price_tiers) if max(0, followers) >= t.followers_min)


def band_of(by_views: Fraction | None, followers: int, terms: BrandTerms) -> str:
    """Return how good a rate by views is among creators of this size; without one it is poor."""
    steps = _bands_of(followers, terms)
    rate = by_views or Fraction(0)
    limits = (steps.average_ppm, steps.good_ppm, steps.excellent_ppm)
    return BANDS[sum(rate >= Fraction(limit, ONE_PPM) for limit in limits)]


def quote_of(engagement: Engagement, followers: int, terms: BrandTerms) -> Quote:
    """Return the suggested price of one post, rounded half-even."""
    tier = tier_of(followers, terms)
    band = band_of(engagement.by_views, followers, terms)
    by_reach = engagement.median_views * terms.cpm_micros_per_1000 / 1000
    multiplier_ppm = int(getattr(terms.multipliers, f"{band}_ppm"))
    amount_micros = round(max(Fraction(tier.floor_micros), by_reach) * multiplier_ppm / ONE_PPM)
    return Quote(
        amount_micros,
        terms.currency,
        tier.name,
        band,
        terms.version,
        (
            Step("followers", followers, "followers", f"tier {tier.name}"),
            Step("at least", tier.floor_micros, terms.currency, "floor of the tier"),
            Step("posts looked at", engagement.posts, "posts"),
            Step("median views", round(engagement.median_views), "views"),
            Step("per 1,000 views", terms.cpm_micros_per_1000, terms.currency),
            Step("for the reach", round(by_reach), terms.currency),
            Step("engagement rate by views", engagement.by_views_ppm or 0, "ppm", f"{band} here"),
            Step("multiplier", multiplier_ppm, "ppm"),
            Step("amount", amount_micros, terms.currency, "rounded half-even"),
        ),
    )


def _bands_of(followers: int, terms: BrandTerms) -> EngagementBands:
    return next(b for b in reversed(terms.bands) if max(0, followers) >= b.followers_min)


def _median(values: Sequence[Fraction]) -> Fraction | None:
    return median(values) if values else None
