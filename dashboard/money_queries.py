"""Questions about money: sums of a period, one creator's account, and why an amount is what it is.

Money is summed per currency, in micro-units. Where one creator is asked for, the SQL compares with
`=`, so that ClickHouse finds their entries by the primary key.
"""

from __future__ import annotations

from dashboard.parameters import Choice, Identifier, Query
from dashboard.spans import PERIOD, sql

SOURCES = ("creator_fund", "creator_rewards", "brand_deal", "gift", "affiliate", "sale")
SOURCE = Choice("source", ("", *SOURCES))

_COLUMNS = """entry_id, occurred_at, creator_id, source, state, amount_micros, currency, reference,
        rate_version"""

# `if` with a constant condition leaves only one branch: all of time reads no times, all sources are not
# compared with anything.
_IN_PERIOD = "if({span_s:UInt32} = 0, 1, occurred_at >= toDateTime64(since, 3, 'UTC'))"
_OF_SOURCE = "if({source:String} = '', 1, source = {source:String})"


# Names as numbers: groups are found much faster by them. No two have the same number, for programs have at
# most 16 letters and currencies three.
_BY_NAMES = "reinterpretAsUInt128(e.source), reinterpretAsUInt64(e.currency)"


def _of_period(text: str) -> str:
    text = text.replace("$in_period", _IN_PERIOD).replace("$by_names", _BY_NAMES)
    return sql(text.replace("$of_source", _OF_SOURCE))


EARNINGS_BY_SOURCE = Query(
    "earnings_by_source",
    "Booked, corrected and estimated money of a period, by source and currency.",
    _of_period("""
    WITH $since
    SELECT any(e.source) AS source, any(e.currency) AS currency,
        sumIf(e.amount_micros, e.state = 'final') AS final_micros,
        sumIf(e.amount_micros, e.state = 'adjustment') AS adjustment_micros,
        sumIf(e.amount_micros, e.state = 'estimated') AS estimated_micros,
        count() AS entries
    FROM earnings_ledger AS e
    WHERE $in_period
    GROUP BY $by_names
    ORDER BY currency, source
    """),
    (PERIOD,),
)

EARNINGS_OVER_TIME = Query(
    "earnings_over_time",
    "Money of a period step by step, by source and currency, estimates included.",
    _of_period("""
    WITH $since
    SELECT toStartOfInterval(toDateTime(e.occurred_at, 'UTC'), toIntervalSecond({step_s:UInt32})) AS at,
        any(e.source) AS source, any(e.currency) AS currency, sum(e.amount_micros) AS amount_micros
    FROM earnings_ledger AS e
    WHERE $in_period AND if({source:String} = '', 1, e.source = {source:String})
    GROUP BY at, $by_names
    ORDER BY at, source, currency
    LIMIT 5000
    """),
    (PERIOD, SOURCE),
)

# One group for each creator takes half as long as one for each pair with a currency. No pair that leads
# is under the twentieth sum in USD, if that is above 0; and no sum in another currency is over all that
# was positive in others. Those who may lead by this are then added up, found by the primary key.
TOP_EARNERS = Query(
    "top_earners",
    "The creators with the most money in a period, per currency; one row for each of their sources.",
    _of_period("""
    WITH $since
    SELECT creator_id, currency, groupArray(source) AS sources,
        groupArray(booked) AS booked_parts, groupArray(estimated) AS estimated_parts,
        sum(booked) AS booked_micros, sum(estimated) AS estimated_micros, sum(n) AS entries
    FROM
    (
        SELECT e.creator_id AS creator_id, e.currency AS currency, e.source AS source,
            sumIf(e.amount_micros, e.state != 'estimated') AS booked,
            sumIf(e.amount_micros, e.state = 'estimated') AS estimated,
            count() AS n
        FROM earnings_ledger AS e
        WHERE $in_period AND $of_source
            AND creator_id IN (
                SELECT c.creator_id
                FROM
                (
                    SELECT s.creator_id AS creator_id, s.usd_micros AS usd_micros,
                        s.others_micros AS others_micros,
                        -(groupArraySorted(20)(-s.usd_micros) OVER ())[20] AS twentieth_micros
                    FROM
                    (
                        SELECT t.creator_id AS creator_id,
                            sumIf(t.amount_micros, t.currency = 'USD') AS usd_micros,
                            sumIf(t.amount_micros, t.currency != 'USD' AND t.amount_micros > 0)
                                AS others_micros
                        FROM earnings_ledger AS t
                        WHERE $in_period AND $of_source
                        GROUP BY creator_id
                    ) AS s
                ) AS c
                WHERE c.twentieth_micros <= 0
                    OR greatest(c.usd_micros, c.others_micros) >= c.twentieth_micros
            )
        GROUP BY creator_id, currency, source
        ORDER BY source
    )
    GROUP BY creator_id, currency
    ORDER BY booked_micros + estimated_micros DESC, creator_id, currency
    LIMIT 20
    """),
    (PERIOD, SOURCE),
)

# All rows of an entry are equal, and it never goes: so no FINAL is needed, and where fifty different ones
# are not older than a guess (200 rows of the last week, found without reading any id), the fifty newest
# are not either; else all of the period are looked at. Only those fifty are read as a whole, found by the
# primary key. Estimates come on top.
_NEWEST = """(
        SELECT groupArray((l.creator_id, l.entry_id, l.occurred_at))
        FROM
        (
            SELECT creator_id, entry_id, occurred_at
            FROM ledger
            WHERE occurred_at >= $from AND source != 'payout' AND $of_source
            ORDER BY occurred_at DESC, entry_id
            LIMIT 1 BY entry_id
            LIMIT 50
        ) AS l
    )"""
ENTRIES = Query(
    "entries",
    "The newest ledger entries by event time.",
    _of_period(
        """
    WITH $since,
    toDateTime64('2100-01-01 00:00:00', 3, 'UTC') AS never,
    (SELECT max(occurred_at) FROM ledger) AS newest,
    (
        SELECT minOrNull(at)
        FROM
        (
            SELECT l.occurred_at AS at
            FROM ledger AS l
            WHERE l.occurred_at >= greatest(toDateTime64(since, 3, 'UTC'), subtractDays(newest, 7))
                AND l.source != 'payout' AND $of_source
            ORDER BY at DESC
            LIMIT 200
        )
    ) AS guess,
    $guessed AS guessed,
    length(guessed) = 50 AS enough,
    if(enough, guessed, $looked_up) AS found,
    if(length(found) = 50, arrayMin(found.3), toDateTime64(since, 3, 'UTC')) AS oldest
    SELECT $columns
    FROM
    (
        SELECT $columns
        FROM ledger
        WHERE (creator_id, entry_id) IN (SELECT f.1, f.2 FROM (SELECT arrayJoin(found) AS f))
        LIMIT 1 BY entry_id
        UNION ALL
        SELECT $columns
        FROM estimated_earnings
        WHERE occurred_at >= oldest AND $of_source
    )
    ORDER BY occurred_at DESC, entry_id
    LIMIT 50
    """.replace("$guessed", _NEWEST.replace("$from", "guess")).replace(
            "$looked_up",
            _NEWEST.replace("$from", "if(enough, never, toDateTime64(since, 3, 'UTC'))"),
        )
    ).replace("$columns", _COLUMNS),
    (PERIOD, SOURCE),
)

# $account: all that makes up one creator's balance. Payouts are no earnings, so that view has none.
# $entry: one row of it.
_ACCOUNT = """(
    SELECT $columns FROM earnings_ledger WHERE creator_id = {creator:String}
    UNION ALL
    SELECT $columns FROM ledger FINAL WHERE creator_id = {creator:String} AND source = 'payout'
)"""
_ENTRY = "(SELECT $columns FROM $account WHERE entry_id = {entry:String})"
_CREATOR_ID = Identifier("creator", required=True)
_ENTRY_ID = Identifier("entry", required=True)


def _of_creator(text: str) -> str:
    whole = text.replace("$entry", _ENTRY).replace("$account", _ACCOUNT)
    return whole.replace("$columns", _COLUMNS)


# The row of the view `creators`, from those videos alone that any row gives to the creator.
CREATOR = Query(
    "creator",
    "One creator: followers, videos, totals, rates. No row: nothing is known of this id.",
    """
    SELECT {creator:String} AS creator_id, sum(c.followers) AS followers, sum(c.videos) AS videos,
        sum(c.views) AS views, sum(c.likes) AS likes, sum(c.comments) AS comments,
        sum(c.replies) AS replies, sum(c.shares) AS shares, sum(c.follows) AS follows,
        sum(c.gifts) AS gifts, sum(c.gift_coins) AS gift_coins,
        ifNotFinite(
            sumIf(c.likes + c.comments + c.shares, c.videos = 1) / sumIf(c.views, c.videos = 1), 0.
        ) AS engagement_rate,
        if(comments = 0, 0., replies / comments) AS reply_rate
    FROM
    (
        SELECT 0 AS followers, 1 AS videos, views, likes, comments, replies, shares, follows, gifts,
            gift_coins
        FROM videos
        WHERE creator_id = {creator:String}
            AND video_id IN (SELECT video_id FROM video_totals WHERE creator_id = {creator:String})
        UNION ALL
        SELECT 0, 0, views, likes, comments, replies, shares, follows, gifts, gift_coins
        FROM lives
        WHERE creator_id = {creator:String}
            AND live_id IN (SELECT live_id FROM live_totals WHERE creator_id = {creator:String})
        UNION ALL
        SELECT sum(f.following), 0, 0, 0, 0, 0, 0, 0, 0, 0
        FROM
        (
            SELECT argMax(following, (event_time_ms, event_id)) AS following
            FROM follows FINAL
            WHERE creator_id = {creator:String}
            GROUP BY user_id
        ) AS f
        HAVING count() > 0
        UNION ALL
        (
            SELECT 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
            FROM earnings_ledger
            WHERE creator_id = {creator:String}
            LIMIT 1
        )
    ) AS c
    HAVING count() > 0
    """,
    (_CREATOR_ID,),
)

BALANCE = Query(
    "balance",
    "What one creator is owed, per currency, what was paid out, and what is still an estimate.",
    _of_creator("""
    SELECT currency,
        sumIf(a.amount_micros, a.state != 'estimated') AS balance_micros,
        sumIf(a.amount_micros, a.state = 'adjustment') AS adjustment_micros,
        sumIf(a.amount_micros, a.state = 'estimated') AS estimated_micros,
        -sumIf(a.amount_micros, a.source = 'payout') AS paid_micros,
        countIf(a.source != 'payout') AS entries
    FROM $account AS a
    GROUP BY currency
    ORDER BY currency
    """),
    (_CREATOR_ID,),
)

CREATOR_ENTRIES = Query(
    "creator_entries",
    "One creator's newest ledger entries by event time, estimates and payouts included.",
    _of_creator("""
    SELECT $columns FROM $account
    ORDER BY occurred_at DESC, entry_id
    LIMIT 50
    """),
    (_CREATOR_ID,),
)

EXPLANATION = Query(
    "explanation",
    "One entry with the arithmetic stored with it: label, value, unit and note of each step.",
    _of_creator("""
    SELECT $columns,
        ifNull((SELECT any(l.reason) FROM ledger AS l
            WHERE l.creator_id = {creator:String} AND l.entry_id = {entry:String}), '') AS because,
        arrayMap(
            step -> [JSONExtractString(step, 1), JSONExtractRaw(step, 2), JSONExtractString(step, 3),
                JSONExtractString(step, 4)],
            JSONExtractArrayRaw(ifNull(
                (SELECT any(text) FROM explanations WHERE entry_id = {entry:String}), ''))
        ) AS steps
    FROM $account
    WHERE entry_id = {entry:String}
    ORDER BY state
    LIMIT 1
    """),
    (_CREATOR_ID, _ENTRY_ID),
)

EVIDENCE = Query(
    "evidence",
    "What happened behind one entry: its gift streak, the steps of its order, the deal, the day's views.",
    _of_creator("""
    WITH (
        SELECT (any(source), any(reference), any(toStartOfDay(occurred_at, 'UTC'))) FROM $entry
    ) AS about,
    arrayStringConcat(arraySlice(splitByChar(':', {entry:String}), 1, 5), ':') AS streak
    SELECT 'streak' AS kind, occurred_at AS at, user_id AS who, gift_id AS what, state AS detail,
        repeat_count AS quantity, toNullable(coins) AS amount, 'coins' AS unit
    FROM gift_streaks FINAL
    WHERE about.1 = 'gift' AND live_id = substring(about.2, 6)
        AND streak = concat('gift:', arrayStringConcat(arrayMap(
            part -> replaceAll(replaceAll(part, '%', '%25'), ':', '%3A'),
            [live_id, user_id, gift_id, group_id]), ':'))
    UNION ALL
    SELECT 'entry', occurred_at, '', entry_id, state, 1, toNullable(amount_micros), currency
    FROM $account
    WHERE about.1 = 'gift' AND source = 'gift' AND entry_id != {entry:String}
        AND (entry_id = streak OR startsWith(entry_id, concat(streak, ':')))
    UNION ALL
    SELECT type, event_time, user_id, product_id, event_id, quantity,
        toNullable(ifNull(refund_micros, paid_micros)), currency
    FROM order_events FINAL
    WHERE startsWith(about.2, 'order:') AND order_id = substring(about.2, 7)
    UNION ALL
    SELECT 'deal_signed', event_time, brand_id, deal_id, arrayStringConcat(milestones, ' '), 1,
        toNullable(fee_micros), currency
    FROM deals FINAL
    WHERE counted = 1 AND about.1 = 'brand_deal' AND video_id = substring(about.2, 7)
    UNION ALL
    SELECT 'views_so_far', published_at, '', video_id, '', views, toNullable(qualified_views),
        'qualified views'
    FROM videos
    WHERE about.1 = 'creator_rewards' AND video_id = substring(about.2, 7)
    UNION ALL
    SELECT 'views_of_day', toDateTime64(any(about.3), 3, 'UTC'), '', subject_id, '', sum(w.views),
        toNullable(sum(w.qualified_views)), 'qualified views'
    FROM windows_1m AS w FINAL
    WHERE about.1 IN ('creator_rewards', 'creator_fund') AND kind = 'video'
        AND subject_id = substring(about.2, 7)
        AND window_start >= about.3 AND window_start < about.3 + 86400
    GROUP BY subject_id
    """),
    (_CREATOR_ID, _ENTRY_ID),
)

CREATOR_DAYS = Query(
    "creator_days",
    "One creator's money in USD by day and source, estimates included.",
    """
    SELECT toDateTime(day, 'UTC') AS at, source, sum(d.amount_micros) AS amount_micros,
        sum(d.entries) AS entries
    FROM earnings_daily AS d
    WHERE creator_id = {creator:String}
    GROUP BY at, source
    ORDER BY at DESC, source
    LIMIT 1000
    """,
    (_CREATOR_ID,),
)
