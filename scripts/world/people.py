"""Who is in the world: users with tastes and purses, creators with quality and habits."""

from __future__ import annotations

from dataclasses import dataclass, field

from scripts.generator.figures import EXPOSURES_PER_USER, HOURLY_EXPOSURES, Quantiles
from scripts.generator.population import CONTENT_TYPES
from scripts.world.assumptions import Assumptions, Treatment
from scripts.world.chance import Chance, For
from scripts.world.places import Place

TOPICS = tuple(CONTENT_TYPES)
_EXPOSURES_MEAN = sum(EXPOSURES_PER_USER((n + 0.5) / 1_000) for n in range(1_000)) / 1_000
_HOURS = len(HOURLY_EXPOSURES)
_HOUR_SUMS = [sum(HOURLY_EXPOSURES[: n + 1]) / sum(HOURLY_EXPOSURES) for n in range(_HOURS)]
HOUR_OF_DAY = Quantiles((0.0, 0.0), *((share, hour + 1.0) for hour, share in enumerate(_HOUR_SUMS)))


@dataclass(slots=True)
class User:
    """Somebody who watches; `follows` and `loyal_to` change while the world runs."""

    number: int
    id: str
    slots_per_day: float
    tastes: tuple[float, ...]  # by topic, 1 on average
    coins: int
    follows: dict[int, None] = field(default_factory=dict)  # creators, in order
    loyal_to: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Creator:
    """Somebody who publishes; `followers` changes while the world runs."""

    number: int
    id: str
    quality: float  # a rank from 0 to 1
    topic: int
    posts_per_day: float
    reply_share: float
    is_chosen: bool
    live_hour: int | None
    product_id: str | None
    seller_id: str | None
    price_micros: int
    has_deal: bool
    followers: dict[int, None] = field(default_factory=dict)

    @property
    def sells_own(self) -> bool:
        """Whether what the creator shows is the creator's own."""
        return self.seller_id == self.id


def build_users(chance: Chance, place: Place, assumed: Assumptions) -> list[User]:
    """Return all users; how active they are differs as measured."""
    return [_user(chance, place, assumed, number) for number in range(assumed.users)]


def _user(chance: Chance, place: Place, assumed: Assumptions, number: int) -> User:
    activity = EXPOSURES_PER_USER(chance(For.ACTIVITY, number)) / _EXPOSURES_MEAN
    favourite = int(chance(For.TASTE, number) * len(TOPICS))
    # One topic is liked `spread` times as much as the average, the others share what is left.
    rest = (len(TOPICS) - assumed.taste_spread) / (len(TOPICS) - 1)
    tastes = tuple(assumed.taste_spread if n == favourite else rest for n in range(len(TOPICS)))
    coins = int(assumed.coins_a_day * 2 * chance(For.PURSE, number))
    return User(number, place.id("u", number), activity * assumed.slots_per_day, tastes, coins)


def build_creators(
    chance: Chance, place: Place, assumed: Assumptions, treatment: Treatment
) -> list[Creator]:
    """Return all creators; the chosen ones are the same under every treatment."""
    return [_creator(chance, place, assumed, treatment, n) for n in range(assumed.creators)]


def _creator(
    chance: Chance, place: Place, assumed: Assumptions, treatment: Treatment, number: int
) -> Creator:
    def drawn(purpose: For, kind: int = 0) -> float:
        return chance(purpose, number, kind)

    is_chosen = drawn(For.CHOSEN) < assumed.chosen_share
    replies = assumed.reply_share
    if is_chosen and treatment.reply_share is not None:
        replies = treatment.reply_share
    own_id = place.id("c", number)
    product_id = seller_id = None
    if drawn(For.SHOP) < assumed.shop_share:
        product_id = f"{place.prefix}-p{number}"
        own = drawn(For.SHOP, 1) < assumed.own_shop_share
        seller_id = own_id if own else f"{place.prefix}-seller{number % 5}"
    goes_live = drawn(For.GOES_LIVE) < assumed.live_share
    return Creator(
        number=number,
        id=own_id,
        quality=drawn(For.QUALITY),
        topic=int(drawn(For.TOPIC) * len(TOPICS)),
        posts_per_day=(0.2 + 0.8 * drawn(For.POSTING)) * assumed.posts_per_day_max,
        reply_share=replies,
        is_chosen=is_chosen,
        live_hour=18 + int(drawn(For.LIVE_HOUR) * 5) if goes_live else None,
        product_id=product_id,
        seller_id=seller_id,
        price_micros=int(assumed.commissioned_price_micros * (0.5 + drawn(For.PRODUCT))),
        has_deal=drawn(For.DEAL) < assumed.deal_share,
    )
