"""What programs look at, gathered from the recount of a log, and what settled days come to."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from scripts.recount.expected import Expected
from scripts.recount.facts import FollowAction, Registration
from scripts.recount.model import DAY_MS, Rules
from scripts.recount.partition import Cell
from scripts.recount.programs.affiliate import affiliate, market_of
from scripts.recount.programs.deals import brand_deal
from scripts.recount.programs.fund import PayDay, Standing, creator_fund, pay_day
from scripts.recount.programs.orders import orders_of
from scripts.recount.programs.rewards import creator_rewards
from scripts.recount.programs.sale import sale
from scripts.recount.programs.targets import AS_OF, Head, Targets, key_of
from scripts.recount.videos import Counts

VIEWS_SPAN_MS = 30 * DAY_MS
DayCounts = dict[str, dict[int, Counts]]  # video -> start of the day in ms -> counters
OF_VIDEO_DAY = (
    *("views", "qualified_views", "watch_ms", "completions"),
    *("likes", "comments", "shares"),
)


def targets_of(
    expected: Expected, settled_days: Iterable[tuple[str, int]], rules: Rules
) -> Targets:
    """Return what all accounts of the settled days should have.

    A settled day is (source, start of its date in UTC, ms). The Creator Fund and Creator Rewards are
    as of their days; orders and deals as of the end of the last day that their program settled.
    """
    days: dict[str, set[int]] = defaultdict(set)
    for source, day_ms in settled_days:
        days[source].add(day_ms)
    targets = Targets()
    if days["creator_fund"]:
        targets.add(_fund(expected, sorted(days["creator_fund"]), rules))
    if days["creator_rewards"]:
        counts = _with_searches(days_of_videos(expected.engagement_1m, _utc_day), expected)
        targets.add(creator_rewards(counts, expected.heads, days["creator_rewards"], rules))
    ends_ms = {source: max(days[source]) + DAY_MS for source in AS_OF if days[source]}
    targets.add(_as_of(expected, ends_ms, rules))
    return targets


def _fund(expected: Expected, settled_ms: list[int], rules: Rules) -> Targets:
    zone = rules.rates.pay_day_zone
    pay_days = [pay_day(datetime.fromtimestamp(ms / 1000, UTC).date(), zone) for ms in settled_ms]
    counts = days_of_videos(expected.engagement_1m, _finder(pay_days))
    views = RunningViews(expected.engagement_1m, expected.heads)
    targets = Targets()
    for day in pay_days:
        of_day = {name: days[day.start_ms] for name, days in counts.items() if day.start_ms in days}
        if not of_day:
            continue
        standing = Standing(
            followers_before(expected.facts.follows.values(), day.end_ms),
            views.between(day.end_ms - VIEWS_SPAN_MS, day.end_ms),
            registered_before(expected.facts.registrations.values(), day.end_ms),
        )
        targets.add(creator_fund(day, of_day, expected.heads, standing, rules))
    return targets


def _as_of(expected: Expected, ends_ms: Mapping[str, int], rules: Rules) -> Targets:
    targets = Targets()
    orders, unknown = orders_of(expected.facts.orders.values())
    market = market_of(expected.facts.clicks.values(), expected.facts.product_views.values())
    if "affiliate" in ends_ms:
        end_ms = ends_ms["affiliate"]
        targets.add(affiliate(orders, market, expected.heads, end_ms, rules))
    if "sale" in ends_ms:
        end_ms = ends_ms["sale"]
        commissions = affiliate(orders, market, expected.heads, end_ms, rules)
        targets.add(sale(orders, commissions, sellers_of(expected), end_ms, rules))
    for order_id in unknown:
        targets.unknown |= {key_of("affiliate", order_id), key_of("sale", order_id)}
    if "brand_deal" in ends_ms:
        deals = list(expected.facts.deals.values())
        videos = {deal.video_id for deal in deals}
        cells = {cell: n for cell, n in expected.engagement_1m.items() if cell[2] in videos}
        views = {
            video_id: {day_ms: counts.get("views", 0) for day_ms, counts in days.items()}
            for video_id, days in days_of_videos(cells, _utc_day).items()
        }
        targets.add(brand_deal(deals, views, expected.heads, ends_ms["brand_deal"]))
    return targets


def days_of_videos(cells: Mapping[Cell, Counts], day_of: Callable[[int], int | None]) -> DayCounts:
    """Add up the minutes of videos by day; minutes of no day are left out."""
    days: DayCounts = {}
    for (minute_ms, kind, video_id), counts in cells.items():
        day_ms = day_of(minute_ms) if kind == "video" else None
        if day_ms is None:
            continue
        day = days.setdefault(video_id, {}).setdefault(day_ms, {})
        for name in OF_VIDEO_DAY:
            if name in counts:
                day[name] = day.get(name, 0) + counts[name]
    return days


class RunningViews:
    """The views of each creator's videos, minute by minute."""

    def __init__(self, cells: Mapping[Cell, Counts], heads: Mapping[str, Head]) -> None:
        minutes: dict[str, dict[int, int]] = {}
        for (minute_ms, kind, video_id), counts in cells.items():
            if kind == "video" and "views" in counts:
                of_creator = minutes.setdefault(heads[video_id].creator_id, {})
                of_creator[minute_ms] = of_creator.get(minute_ms, 0) + counts["views"]
        self._minutes = {name: sorted(found.items()) for name, found in minutes.items()}

    def between(self, start_ms: int, end_ms: int) -> dict[str, int]:
        """Return the views in [start, end) of each creator who has any minutes there."""
        found = {}
        for creator_id, minutes in self._minutes.items():
            first, last = bisect_left(minutes, (start_ms,)), bisect_left(minutes, (end_ms,))
            if first < last:
                found[creator_id] = sum(views for _, views in minutes[first:last])
        return found


def followers_before(actions: Iterable[FollowAction], end_ms: int) -> dict[str, int]:
    """Return each creator's followers: the users whose last action before a time is a follow.

    Partitions know nothing of each other's ids: of two actions that share all, a follow stands.
    """
    last: dict[tuple[str, str], FollowAction] = {}
    for action in actions:
        pair = (action.creator_id, action.user_id)
        if action.event_time_ms < end_ms and (
            pair not in last or _by_time(action) > _by_time(last[pair])
        ):
            last[pair] = action
    followers: dict[str, int] = {}
    for (creator_id, _), action in last.items():
        followers[creator_id] = followers.get(creator_id, 0) + action.following
    return followers


def registered_before(
    registrations: Iterable[Registration], end_ms: int
) -> dict[str, Registration]:
    """Return what is known of each creator: the last that was said before a time."""
    known: dict[str, Registration] = {}
    for said in registrations:
        last = known.get(said.creator_id)
        if said.event_time_ms < end_ms and (
            last is None or _by_time_said(said) > _by_time_said(last)
        ):
            known[said.creator_id] = said
    return known


def _by_time_said(said: Registration) -> tuple[int, str, int, str]:
    return (said.event_time_ms, said.event_id, said.registered_at_ms, said.birth_date)


def _by_time(action: FollowAction) -> tuple[int, str, bool]:
    return (action.event_time_ms, action.event_id, action.following)


def sellers_of(expected: Expected) -> set[str]:
    """Return everybody with a video or a live."""
    of_lives = {str(live["creator_id"]) for live in expected.lives.values()}
    return of_lives | {head.creator_id for head in expected.heads.values()}


def _with_searches(days: DayCounts, expected: Expected) -> DayCounts:
    """Add to each day the views that came from search."""
    for view in expected.facts.search_views.values():
        day = days.get(view.video_id, {}).get(_utc_day(view.event_time_ms))
        if day is not None:
            day["search_views"] = day.get("search_views", 0) + 1
    return days


def _utc_day(time_ms: int) -> int:
    return time_ms // DAY_MS * DAY_MS


def _finder(days: list[PayDay]) -> Callable[[int], int | None]:
    """Return what finds the start of the day, of these, that a time is in."""
    starts_ms = [day.start_ms for day in days]

    def day_of(time_ms: int) -> int | None:
        index = bisect_left(starts_ms, time_ms + 1) - 1
        if index < 0 or time_ms >= days[index].end_ms:
            return None
        return days[index].start_ms

    return day_of
