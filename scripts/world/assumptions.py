"""What the world assumes, with where each figure comes from. The report shows all of it first.

Distributions of rates and times are those of scripts/generator/figures.py, whose sources are named there.
[OURS] is a guess: nobody publishes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple


def _of(default: Any, says: str, basis: str = "[OURS]") -> Any:
    return field(default=default, metadata={"says": says, "basis": basis})


@dataclass(frozen=True, slots=True)
class Assumptions:
    """The world's size and habits."""

    users: int = _of(1_500, "people who watch")
    creators: int = _of(60, "people who publish")
    days: int = _of(3, "virtual days")
    slots_per_day: float = _of(
        10.0,
        "videos that a person is shown a day on average; how people differ is measured, the level "
        "is scaled down",
        "spread: [PURE]",
    )
    session_slots_max: int = _of(12, "slots in one session at most")
    posts_per_day_max: float = _of(0.8, "videos that the busiest creator publishes a day")
    follows_first: int = _of(3, "creators whom a person follows before the world begins")
    taste_spread: float = _of(
        3.0, "how much likelier a person does something with the favourite topic than on average"
    )
    following_share: float = _of(
        0.12, "slots filled from creators whom the person follows", "[27K] tabs, split: [OURS]"
    )
    search_share: float = _of(0.07, "slots filled from what trends in the last virtual hour")
    exploring_share: float = _of(
        0.05, "For You slots filled with any video of the last two days, whatever its pool"
    )
    recency_half_life_h: float = _of(24.0, "a video's place in For You halves in this time")
    decision_delay_min: int = _of(
        10, "virtual minutes between a decision of the pipeline and the first slate that obeys it"
    )
    reply_share: float = _of(0.15, "comments that a creator answers, where nothing else is said")
    loyalty_factor: float = _of(
        1.5, "how much likelier a person who got an answer reacts to that creator from then on"
    )
    live_share: float = _of(0.25, "creators who go live in the evening")
    live_minutes: int = _of(60, "length of a live session")
    join_share: float = _of(0.10, "followers who come to a live")
    gift_share: float = _of(0.12, "viewers of a live who give something")
    coins_a_day: int = _of(40, "coins that an average purse allows in one live")
    shop_share: float = _of(0.4, "creators whose videos show a product")
    own_shop_share: float = _of(0.3, "of these, those who sell their own")
    click_share: float = _of(0.02, "viewers of more than 3 s who open the product")
    order_share: float = _of(0.15, "of these, those who buy")
    refund_share: float = _of(0.06, "orders that are given back")
    commissioned_price_micros: int = _of(20_000_000, "what a product costs, in the middle")
    deal_share: float = _of(0.3, "creators who have a brand deal on their first video")
    deal_fee_micros: int = _of(60_000_000, "what such a deal pays in all")
    chosen_share: float = _of(0.4, "creators whom a treatment is given to, drawn by the seed")

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Return name, value, meaning and basis of each, for people."""
        return [
            (f.name, str(getattr(self, f.name)), f.metadata["says"], f.metadata["basis"])
            for f in fields(self)
        ]


class Treatment(NamedTuple):
    """What is done to the chosen creators; the default does nothing."""

    name: str = "control"
    like_factor: float = 1.0  # how much likelier their videos are liked
    quality_shift: float = 0.0  # 1 makes each of their videos the best there is
    reply_share: float | None = None  # comments they answer
    rides_trends: bool = False  # they use the hashtag that trends most
    collaborates: bool = False  # they publish together with another creator
    obeys_analytics: bool = False  # they publish what content_performance likes best
    bots: int = 0  # bought accounts that like each of their videos
    bots_found: bool = False  # and are found and invalidated an hour later
    placebo: bool = False  # other luck in what people do, the same propensities


CONTROL = Treatment()
