"""The facts that programs are told, read from ClickHouse.

Every row is the whole value of its key, so what is read is what the log says so far; reading it
again after late events gives the corrected facts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from streams.programs.affiliate import Promotion
from streams.programs.ages import account_age_days, person_age_years
from streams.programs.attribution import Interactions
from streams.programs.days import DAY_MS, PayDay
from streams.programs.facts import (
    Click,
    Creator,
    Deal,
    FundVideo,
    LedgerAmount,
    OrderStep,
    Post,
    ProductView,
    Quality,
    Registration,
    RewardsVideo,
    Share,
)
from streams.subjects import Published

VIEWS_DAYS = 30  # the Creator Fund looks at the views of this many days

# Minutes of videos, added up over panes and partitions.
_MINUTES = "windows_1m FINAL WHERE kind = 'video'"
_MINUTES_OF_SPAN = f"""{_MINUTES}
        AND window_start >= toDateTime({{start:Int64}}, 'UTC')
        AND window_start < toDateTime({{end:Int64}}, 'UTC')"""

_DAYS_WITH_MINUTES = f"""
SELECT DISTINCT arrayJoin([toDate(window_start, 'UTC'), toDate(window_start, {{zone:String}})]) AS day
FROM {_MINUTES}
ORDER BY day
"""
_SETTLED = """
SELECT max(day) FROM settlements WHERE source IN {sources:Array(String)} GROUP BY source
"""
_FUND_VIDEOS = f"""
SELECT d.video_id, v.creator_id, d.views, d.likes, d.comments, d.shares, v.collaborators
FROM (
    SELECT subject_id AS video_id, sum(views) AS views, sum(likes) AS likes,
           sum(comments) AS comments, sum(shares) AS shares
    FROM {_MINUTES_OF_SPAN}
    GROUP BY subject_id
    HAVING views > 0
) AS d
JOIN video_state AS v ON v.video_id = d.video_id
"""
# Ids are unique within a partition only: of two actions at one time with one id a follow stands.
_FOLLOWERS = """
SELECT creator_id, sum(is_following) FROM (
    SELECT creator_id, user_id,
           argMax(following, (event_time, event_id, following)) AS is_following
    FROM follow_actions FINAL
    WHERE counted = 1 AND event_time < fromUnixTimestamp64Milli({end_ms:Int64}, 'UTC')
        AND ({creator:String} = '' OR creator_id = {creator:String})
    GROUP BY creator_id, user_id
)
GROUP BY creator_id
"""
_REGISTRATIONS = """
SELECT creator_id, (argMax(
    (toUnixTimestamp64Milli(registered_at), birth_date),
    (event_time, event_id, registered_at, birth_date)
) AS last).1, last.2
FROM creator_registrations FINAL
WHERE event_time < fromUnixTimestamp64Milli({end_ms:Int64}, 'UTC')
GROUP BY creator_id
"""
_CREATOR_VIEWS = f"""
SELECT v.creator_id, sum(d.views)
FROM (
    SELECT subject_id AS video_id, sum(views) AS views
    FROM {_MINUTES_OF_SPAN}
    GROUP BY subject_id
) AS d
JOIN video_state AS v ON v.video_id = d.video_id
GROUP BY v.creator_id
"""
# A video below every threshold earns nothing: its days need not be read.
_REWARDS_DAYS = f"""
WITH earning AS (
    SELECT subject_id FROM {_MINUTES}
    GROUP BY subject_id HAVING sum(greatest(qualified_views, 0)) >= {{floor:Int64}}
), searched AS (
    SELECT video_id, toUInt32(toDate(event_time, 'UTC')) AS day, count() AS views
    FROM search_views FINAL WHERE counted = 1 GROUP BY video_id, day
)
SELECT d.video_id, d.day, d.qualified, d.views, d.watch_ms, d.completions, s.views, d.likes,
       d.comments, d.shares
FROM (
    SELECT subject_id AS video_id, toUInt32(toDate(window_start, 'UTC')) AS day,
           sum(qualified_views) AS qualified, sum(views) AS views, sum(watch_ms) AS watch_ms,
           sum(completions) AS completions, sum(likes) AS likes, sum(comments) AS comments,
           sum(shares) AS shares
    FROM {_MINUTES} AND subject_id IN earning
    GROUP BY video_id, day
) AS d
LEFT JOIN searched AS s ON s.video_id = d.video_id AND s.day = d.day
"""
_HEADS = """
SELECT video_id, creator_id, is_published, toUnixTimestamp64Milli(published_at), duration_ms,
       is_original, is_promoted, collaborators
FROM video_state
"""
_STEPS = """
SELECT type, event_id, toUnixTimestamp64Milli(event_time), order_id, user_id, seller_id, product_id,
       paid_micros, currency, refund_micros, reason
FROM order_events FINAL
"""
_CLICKS = """
SELECT event_id, toUnixTimestamp64Milli(event_time), user_id, creator_id, seller_id, product_id,
       link_id, live_id
FROM affiliate_clicks FINAL
WHERE user_id IN (SELECT user_id FROM order_events)
"""
_PRODUCT_VIEWS = """
SELECT event_id, toUnixTimestamp64Milli(event_time), user_id, creator_id, video_id, product_ids
FROM product_views FINAL
WHERE counted = 1 AND user_id IN (SELECT user_id FROM order_events)
"""
# Which shop a product is of is said by any link that was clicked, whoever clicked on it.
_SHOPS = "SELECT DISTINCT product_id, seller_id FROM affiliate_clicks"
_PROMOTING = """
SELECT creator_id, seller_id, product_id, min(toUnixTimestamp64Milli(event_time))
FROM affiliate_clicks FINAL WHERE creator_id != '' GROUP BY creator_id, seller_id, product_id
"""
_SELLERS = """
SELECT DISTINCT seller_id FROM order_events
WHERE seller_id IN (
    SELECT creator_id FROM video_state
    UNION DISTINCT
    SELECT argMax(creator_id, version) FROM live_totals GROUP BY live_id
)
"""
_DEALS = """
SELECT deal_id, brand_id, creator_id, video_id, toUnixTimestamp64Milli(event_time), fee_micros,
       currency, milestones
FROM deals FINAL WHERE counted = 1
"""
_DEAL_VIEWS = f"""
SELECT subject_id, toUInt32(toDate(window_start, 'UTC')) AS day, sum(views)
FROM {_MINUTES} AND subject_id IN (SELECT video_id FROM deals)
GROUP BY subject_id, day
"""
_POSTS = """
SELECT video_id, toUnixTimestamp64Milli(published_at), views, likes, comments, shares, favorites
FROM video_state WHERE is_published AND creator_id = {creator:String}
"""
# Added up to what a balance depends on: payouts of the day itself, what is dated on the day or later,
# and by age in whole days (an entry held for n days is younger than n), positive and negative apart.
_LEDGER = """
SELECT creator_id, currency, is_payout ? 'payout' : '' AS kind,
       multiIf(age_ms = 0, {start:Int64},
               age_ms < 0, {start:Int64} + 1,
               {start:Int64} - greatest(least(intDiv(age_ms, {day:Int64}), {held:Int64}) * {day:Int64}, 1))
           AS at_ms,
       sum(amount_micros)
FROM (
    SELECT creator_id, currency, amount_micros, source = 'payout' AS is_payout,
           {start:Int64} - toUnixTimestamp64Milli(occurred_at) AS age_ms
    FROM ledger FINAL WHERE state IN ('final', 'adjustment')
)
GROUP BY creator_id, currency, kind, at_ms, amount_micros > 0
SETTINGS do_not_merge_across_partitions_select_final = 1
"""


class Facts:
    """Reads facts over one ClickHouse client; nothing is kept."""

    def __init__(self, client: Any) -> None:  # clickhouse_connect client
        self._client = client

    def _rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        return list(self._client.query(sql, parameters=parameters).result_rows)

    def days_with_minutes(self, zone: str) -> list[date]:
        """Return all dates, of UTC or of a time zone, on which there is any event of a video."""
        return [row[0] for row in self._rows(_DAYS_WITH_MINUTES, zone=zone)]

    def settled_days(self, sources: Iterable[str]) -> list[date]:
        """Return the last day that is settled for each of these programs, where there is one."""
        return [row[0] for row in self._rows(_SETTLED, sources=list(sources))]

    def fund_videos(self, day: PayDay) -> list[FundVideo]:
        """Return every video that was viewed on a pay day."""
        rows = self._rows(_FUND_VIDEOS, start=day.start_ms // 1000, end=day.end_ms // 1000)
        return [FundVideo._make((*row[:-1], shares_of(row[-1]))) for row in rows]

    def creators(self, day: PayDay) -> dict[str, Creator]:
        """Return all known creators as of the end of a pay day."""
        end_s = day.end_ms // 1000
        start_s = end_s - VIEWS_DAYS * DAY_MS // 1000
        followers = dict(self._rows(_FOLLOWERS, end_ms=day.end_ms, creator=""))
        views = dict(self._rows(_CREATOR_VIEWS, start=start_s, end=end_s))
        known = {
            row[0]: Registration(*row[1:]) for row in self._rows(_REGISTRATIONS, end_ms=day.end_ms)
        }
        return {
            creator_id: Creator(
                creator_id,
                followers.get(creator_id, 0),
                views.get(creator_id, 0),
                person_age_years(known.get(creator_id), day),
                account_age_days(known.get(creator_id), day),
            )
            for creator_id in {*followers, *views}
        }

    def followers(self, creator_id: str, end_ms: int) -> int:
        """Return how many follow a creator as of an event time."""
        rows = self._rows(_FOLLOWERS, end_ms=end_ms, creator=creator_id)
        return int(dict(rows).get(creator_id, 0))

    def rewards_videos(self, floor_views: int) -> list[RewardsVideo]:
        """Return every video with at least so many qualified views, with all its days."""
        days: dict[str, dict[int, tuple[Any, ...]]] = defaultdict(dict)
        for video_id, day, *numbers in self._rows(_REWARDS_DAYS, floor=floor_views):
            days[video_id][day] = tuple(numbers)
        return [
            RewardsVideo(
                head[0],
                head[1],
                _published(head),
                {day: n[0] for day, n in days[head[0]].items() if n[0]},
                {day: Quality(*n[1:]) for day, n in days[head[0]].items()},
                shares_of(head[7]),
            )
            for head in self._rows(_HEADS)
            if head[0] in days
        ]

    def collaborators(self) -> dict[str, tuple[Share, ...]]:
        """Return the collaborators of every shared video."""
        heads = self._rows(_HEADS + "WHERE notEmpty(collaborators)")
        return {head[0]: shares_of(head[7]) for head in heads}

    def order_steps(self) -> list[OrderStep]:
        """Return every event of every order."""
        return [OrderStep(row[0].removeprefix("order_"), *row[1:]) for row in self._rows(_STEPS)]

    def clicks(self) -> list[Click]:
        """Return the clicks of everybody who ordered anything."""
        return [Click(*row) for row in self._rows(_CLICKS)]

    def product_views(self) -> list[ProductView]:
        """Return the product views of everybody who ordered anything."""
        return [
            ProductView._make((*row[:-1], tuple(row[-1]))) for row in self._rows(_PRODUCT_VIEWS)
        ]

    def interactions(self) -> Interactions:
        """Return what orders may be credited to, and which shop each product is of."""
        return Interactions(self.clicks(), self.product_views(), shops=self._rows(_SHOPS))

    def promoting_since_ms(self) -> dict[Promotion, int]:
        """Return when each creator's first link of a product was clicked."""
        return {Promotion(*row[:3]): row[3] for row in self._rows(_PROMOTING)}

    def selling_creators(self) -> set[str]:
        """Return the sellers of orders who are creators."""
        return {row[0] for row in self._rows(_SELLERS)}

    def deals(self) -> list[Deal]:
        """Return every signed deal."""
        return [Deal._make((*row[:-1], _milestones(row[-1]))) for row in self._rows(_DEALS)]

    def deal_views_by_day(self) -> Mapping[str, Mapping[int, int]]:
        """Return {video: {start of UTC day in ms: views}} of the videos with deals."""
        views: dict[str, dict[int, int]] = defaultdict(dict)
        for video_id, day, number in self._rows(_DEAL_VIEWS):
            views[video_id][day * DAY_MS] = number
        return views

    def posts(self, creator_id: str) -> list[Post]:
        """Return a creator's published videos with their totals."""
        return [Post(*row) for row in self._rows(_POSTS, creator=creator_id)]

    def ledger_amounts(self, day: PayDay, hold_days_max: int) -> Iterable[LedgerAmount]:
        """Return what is booked, as balances as of a pay day are made of it.

        Entries are added up, so times stand for all those that make no difference: younger than a
        number of days, up to the longest hold there is, or dated on the day or later.
        """
        parameters = {"start": day.start_ms, "day": DAY_MS, "held": hold_days_max}
        return [LedgerAmount(*row) for row in self._rows(_LEDGER, **parameters)]


def shares_of(texts: Iterable[str]) -> tuple[Share, ...]:
    """Return collaborators as tables hold them: `creator:bps` (ids may have colons)."""
    parts = (text.rpartition(":") for text in texts)
    return tuple(Share(creator_id, int(bps)) for creator_id, _, bps in parts)


def _milestones(texts: Iterable[str]) -> tuple[tuple[int, int], ...]:
    parts = (text.partition(":") for text in texts)
    return tuple((int(views), int(bps)) for views, _, bps in parts)


def _published(head: tuple[Any, ...]) -> Published | None:
    """Return what programs ask a publication for; the rest is left empty."""
    _, creator_id, is_published, published_ms, duration_ms, is_original, is_promoted, _ = head
    if not is_published:
        return None
    return Published(
        published_ms,
        "",
        creator_id,
        duration_ms,
        "",
        (),
        "",
        "",
        bool(is_original),
        bool(is_promoted),
        (),
        (),
    )
