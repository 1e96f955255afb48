"""Money outside lives: affiliate clicks and orders, own sales, refunds, and brand deals."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Literal

from scripts.generator.figures import HOUR_MS, MINUTE_MS
from scripts.generator.lives import Live
from scripts.generator.population import World
from scripts.generator.timeline import Event, Timeline, chance, new_event

Course = Literal["clicked", "placed", "settled", "refunded_part", "refunded_all", "late_refund"]
# How far a click goes; [OURS], far more orders than real shops have, so that a small log has some.
_COURSES: tuple[tuple[Course, int], ...] = (
    ("clicked", 50),
    ("placed", 12),
    ("settled", 27),
    ("refunded_part", 4),
    ("refunded_all", 4),
    ("late_refund", 3),
)
_FIRST_COURSES: tuple[Course, ...] = tuple(course for course, _ in _COURSES)
_OWN_SALES_SHARE = 0.3
_CURRENCY = "USD"
_PRICES_CENTS = (499, 999, 1299, 1999, 2499, 3999, 8900)
_SELLERS = 20
_HELD_PPM = 80_000  # [OURS] orders that are frozen before they are settled; every other is released
_INELIGIBLE_PPM = 150_000  # [OURS] of those that are never settled
_REGISTERED_PPM = 300_000  # [OURS] creators of whom the log says who they are; the first always
_YEAR_DAYS = 365
_IN_LIVE_SHARE = 0.15  # [OURS] clicks on what a creator shows in a live
_LATEST_SHARE = 0.7  # of the span: then there is time for what follows a click


class Shop:
    """Adds clicks and what becomes of them."""

    def __init__(self, world: World, timeline: Timeline, seed: int, lives: list[Live]) -> None:
        self._world = world
        self._timeline = timeline
        self._rng = Random(f"{seed}/commerce")
        self._live_rng = Random(f"{seed}/commerce/lives")
        self._hold_rng = Random(f"{seed}/commerce/holds")
        self._holds = 0
        self._ineligible = 0
        self._orders = 0
        self._span_ms = timeline.end_ms - timeline.start_ms
        latest_ms = timeline.start_ms + int(self._span_ms * _LATEST_SHARE)
        self._lives = [live for live in lives if live.end_ms < latest_ms]
        self._clicked_in_live = False

    def run(self, count: int) -> None:
        """Add about `count` events, and at least every course once."""
        end = len(self._timeline) + count
        courses, weights = zip(*_COURSES, strict=True)
        first = list(_FIRST_COURSES)
        while len(self._timeline) < end or first:
            course = first.pop() if first else self._rng.choices(courses, weights)[0]
            self._buyer(course, is_own_sale=self._rng.random() < _OWN_SALES_SHARE)

    def _buyer(self, course: Course, *, is_own_sale: bool) -> None:
        rng = self._rng
        time_ms = self._timeline.start_ms + int(rng.random() * self._span_ms * _LATEST_SHARE)
        user = self._world.pick_user(rng)
        creator = rng.choice(self._world.creators)
        product = rng.randrange(1, 62)
        if is_own_sale and course != "clicked":
            goods = {"product_id": f"own{product}", "seller_id": creator.id}
        else:
            live = self._live()
            if live is not None:
                creator = live.creator
                time_ms = self._live_rng.randrange(live.start_ms, live.end_ms)
            seller = f"s{product % _SELLERS + 1}"
            goods = {"product_id": f"p{product}", "seller_id": seller, "creator_id": creator.id}
            goods["link_id"] = f"k{creator.id[1:]}-{product}"
            place = {} if live is None else {"live_id": live.id}
            self._timeline.add(new_event("affiliate_click", time_ms, user) | goods | place)
            time_ms += int(rng.random() ** 2 * min(6 * HOUR_MS, self._span_ms // 12)) + MINUTE_MS
        if course != "clicked":
            self._order(course, user, goods, time_ms)

    def _live(self) -> Live | None:
        """Return the live that a click is made in, if any; the first click of a log is in one."""
        rng = self._live_rng
        if not self._lives or (self._clicked_in_live and rng.random() >= _IN_LIVE_SHARE):
            return None
        self._clicked_in_live = True
        return rng.choice(self._lives)

    def _order(self, course: Course, user: str, goods: dict[str, str], time_ms: int) -> None:
        rng = self._rng
        self._orders += 1
        quantity = 1 + int(rng.random() ** 3 * 4)
        # What was paid is after coupons and tax, so rarely a round number.
        paid_micros = (
            int(rng.choice(_PRICES_CENTS) * quantity * (0.8 + 0.2 * rng.random())) * 10_000
        )
        order = {"order_id": f"o{self._orders}", "quantity": quantity}
        order |= {"paid_micros": paid_micros, "currency": _CURRENCY}

        def step(kind: str, share_of_span: float) -> Event:
            when_ms = time_ms + int(share_of_span * self._span_ms)
            event: Event = new_event(kind, when_ms, user)
            return event | goods | order

        self._timeline.add(step("order_placed", 0), may_be_late=False)
        part_micros = paid_micros // (10_000 * (2 + rng.randrange(3))) * 10_000
        self._hold(course, step)
        if course in ("settled", "late_refund"):
            self._timeline.add(step("order_settled", 0.12), may_be_late=False)
        if course.endswith(("part", "refund")):
            refund = step("order_refunded", 0.15) | {"refund_micros": part_micros}
            self._timeline.add(refund, may_be_late=False)
        elif course == "refunded_all":
            refund = step("order_refunded", 0.06) | {"refund_micros": paid_micros}
            self._timeline.add(refund, may_be_late=False)

    def _hold(self, course: Course, step: Callable[[str, float], Event]) -> None:
        """Freeze some orders and call others ineligible; the first of each kind for certain."""
        is_held = chance(self._hold_rng, _HELD_PPM) or not self._holds
        if course == "settled" and is_held:
            self._holds += 1
            frozen = step("order_frozen", 0.04) | {"reason": "risk_review"}
            self._timeline.add(frozen, may_be_late=False)
            if self._holds % 2:
                released = step("order_released", 0.1) | {"reason": "risk_cleared"}
                self._timeline.add(released, may_be_late=False)
        elif course == "placed" and (
            chance(self._hold_rng, _INELIGIBLE_PPM) or not self._ineligible
        ):
            self._ineligible += 1
            ineligible = step("order_ineligible", 0.05) | {"reason": "canceled_before_delivery"}
            self._timeline.add(ineligible, may_be_late=False)


def register_creators(world: World, timeline: Timeline, seed: int) -> None:
    """Say of some creators how old they and their accounts are; all are of age."""
    rng = Random(f"{seed}/registrations")
    for number, creator in enumerate(world.creators):
        if number and not chance(rng, _REGISTERED_PPM):
            continue
        at_ms = timeline.start_ms + int(rng.random() * 10 * MINUTE_MS)
        age_days = 90 + int(rng.random() * 4 * _YEAR_DAYS)
        registered = new_event("creator_registered", at_ms, creator.id)
        registered["registered_at_ms"] = timeline.start_ms - age_days * 24 * HOUR_MS
        if rng.random() < 0.7:
            registered["birth_date"] = f"{1970 + rng.randrange(35)}-{1 + rng.randrange(12):02}-15"
        timeline.add(registered, may_be_late=False)


def sign_deals(world: World, timeline: Timeline, seed: int, count: int) -> None:
    """Let brands pay for `count` videos, the most popular first."""
    rng = Random(f"{seed}/deals")
    for number in range(count):
        video = world.videos[number % len(world.videos)]
        signed_ms = video.published_ms + int(rng.random() * 30 * MINUTE_MS)
        deal = new_event("deal_signed", signed_ms, f"b{number % 7 + 1}")
        deal |= {"video_id": video.id, "creator_id": video.creator.id}
        deal |= {"deal_id": f"d{number + 1}", "brand_id": f"b{number % 7 + 1}"}
        deal |= {"fee_micros": rng.randrange(50, 2_000) * 1_000_000, "currency": _CURRENCY}
        deal["milestones"] = [
            {"views": views, "share_bps": share_bps}
            for views, share_bps in ((100, 2_000), (1_000, 3_000), (100_000, 5_000))
        ]
        timeline.add(deal, may_be_late=False)
