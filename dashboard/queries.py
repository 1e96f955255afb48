"""Every question that the dashboard asks, by name, with its meaning.

"Now" is the newest event time of the log, not the clock: a replayed log of last year has its last
hour too. Money is summed per currency. All ids are bound as parameters. Filters on `window_start`
and `occurred_at` prune ClickHouse's partitions before anything is read.
"""

from __future__ import annotations

from dashboard.parameters import DAY_S, HOUR_S, MINUTE_S, Choice, Identifier, Query, Span

KINDS = ("video", "hashtag", "sound", "challenge", "creator")
SOURCES = ("creator_fund", "creator_rewards", "brand_deal", "gift", "affiliate", "sale")
DIMENSIONS = ("content_type", "length", "hashtag", "sound", "hour", "weekday", "originality")

# $now: the newest event time. $since: also where the first bucket of a span begins; the last bucket
# of a span is the one that holds now.
_NOW = "(SELECT max(max_event_time) FROM partitions FINAL) AS now"
_SINCE = (
    _NOW
    + """, if({span_s:UInt32} = 0, toDateTime(0, 'UTC'),
        toStartOfInterval(toDateTime(now, 'UTC'), toIntervalSecond({step_s:UInt32}))
            - toIntervalSecond({span_s:UInt32} - {step_s:UInt32})) AS since"""
)


def _sql(text: str) -> str:
    return text.replace("$since", _SINCE).replace("$now", _NOW)


RANGE = Span(
    {
        "1h": (HOUR_S, MINUTE_S),
        "6h": (6 * HOUR_S, 5 * MINUTE_S),
        "24h": (DAY_S, 15 * MINUTE_S),
        "7d": (7 * DAY_S, 2 * HOUR_S),
    }
)
PERIOD = Span(
    {
        "24h": (DAY_S, HOUR_S),
        "7d": (7 * DAY_S, 6 * HOUR_S),
        "30d": (30 * DAY_S, DAY_S),
        "all": (0, DAY_S),
    },
    name="period",
)
SOURCE = Choice("source", ("", *SOURCES))

PULSE = Query(
    "pulse",
    "How far each partition of the log is processed, and what became of its messages.",
    """
    SELECT topic, partition, position, max_event_time, messages, counted, duplicates, suppressed,
        late, dead_letters, unknown_fields, by_type
    FROM partitions FINAL
    ORDER BY topic, partition
    """,
)

ENGAGEMENT = Query(
    "engagement",
    "What happened in each step of event time, over all videos and lives.",
    _sql("""
    WITH $since
    SELECT toStartOfInterval(window_start, toIntervalSecond({step_s:UInt32})) AS at,
        sum(w.impressions) AS impressions, sum(w.views) AS views, sum(w.completions) AS completions,
        sum(w.likes) AS likes, sum(w.comments) AS comments, sum(w.shares) AS shares,
        sum(w.follows) AS follows, sum(w.gift_coins) AS gift_coins
    FROM windows_1m AS w FINAL
    WHERE window_start >= since AND window_start <= now
    GROUP BY at
    ORDER BY at
    SETTINGS do_not_merge_across_partitions_select_final = 1
    """),
    (RANGE,),
)

DEAD_LETTERS = Query(
    "dead_letters",
    "Messages that could not be counted: how many for each reason, and where the last one lies.",
    """
    SELECT stage, reason, count() AS letters,
        argMax(topic, (d.version, d.topic)) AS last_topic,
        argMax(d.partition, (d.version, d.topic)) AS last_partition,
        argMax(d.offset, (d.version, d.topic)) AS last_offset,
        argMax(leftUTF8(d.detail, 200), (d.version, d.topic)) AS last_detail
    FROM dead_letters_log AS d FINAL
    GROUP BY stage, reason
    ORDER BY letters DESC, stage, reason
    LIMIT 50
    """,
)

LATE = Query(
    "late",
    "Events that came after the horizon, by type: reported, but in no count.",
    """
    SELECT type, sum(l.events) AS late, min(l.window_start) AS first_window,
        max(l.window_start) AS last_window
    FROM late_events AS l
    GROUP BY type
    ORDER BY late DESC, type
    LIMIT 50
    """,
)

TRENDING = Query(
    "trending",
    "Who trends: decayed points now, points per hour, and views of the last hour in steps of 2 min.",
    _sql("""
    WITH $now,
        (SELECT max(half_life_ms) FROM video_totals) AS half_life_ms,
        toDateTime(now, 'UTC') AS until
    SELECT t.kind AS kind, t.rank AS rank, t.entity_id AS entity_id, t.velocity AS velocity,
        exp2(t.score - toUnixTimestamp64Milli(now) / half_life_ms) AS points,
        a.views AS views
    FROM trending_now AS t
    LEFT JOIN
    (
        SELECT kind, entity_id, sumForEach(w.steps) AS views
        FROM
        (
            SELECT m.subject_id AS video_id, sumForEach(arrayMap(
                i -> if(29 - i = intDiv(dateDiff('second', m.window_start, until), 120), m.views, 0),
                range(30))) AS steps
            FROM windows_1m AS m FINAL
            WHERE m.window_start > until - 3600 AND m.window_start <= until AND m.kind = 'video'
            GROUP BY video_id
        ) AS w
        INNER JOIN
        (
            SELECT video_id, creator_id, hashtags, sound_id, challenge_id
            FROM video_state
            WHERE video_id IN (
                SELECT subject_id FROM windows_1m
                WHERE window_start > until - 3600 AND window_start <= until AND kind = 'video'
            )
        ) AS v ON v.video_id = w.video_id
        ARRAY JOIN ['video', 'creator', 'hashtag', 'sound', 'challenge'] AS kind
        ARRAY JOIN multiIf(
            kind = 'video', [w.video_id],
            kind = 'creator', [v.creator_id],
            kind = 'hashtag', arrayDistinct(v.hashtags),
            kind = 'sound', [v.sound_id],
            [v.challenge_id]
        ) AS entity_id
        WHERE {kind:String} IN ('', kind)
        GROUP BY kind, entity_id
    ) AS a ON a.kind = t.kind AND a.entity_id = t.entity_id
    WHERE {kind:String} IN ('', t.kind) AND t.rank <= if({kind:String} = '', 8, 50)
    ORDER BY kind, rank
    """),
    (Choice("kind", ("", *KINDS)),),
    compare_by=("kind", "entity_id"),
)

EARNINGS_BY_SOURCE = Query(
    "earnings_by_source",
    "Booked, corrected and estimated money of a period, by source and currency.",
    _sql("""
    WITH $since
    SELECT source, currency,
        sumIf(e.amount_micros, e.state = 'final') AS final_micros,
        sumIf(e.amount_micros, e.state = 'adjustment') AS adjustment_micros,
        sumIf(e.amount_micros, e.state = 'estimated') AS estimated_micros,
        count() AS entries, uniqExact(e.creator_id) AS creators
    FROM earnings_ledger AS e
    WHERE occurred_at >= since
    GROUP BY source, currency
    ORDER BY currency, source
    """),
    (PERIOD,),
)

EARNINGS_OVER_TIME = Query(
    "earnings_over_time",
    "Money of a period step by step, by source and currency, estimates included.",
    _sql("""
    WITH $since
    SELECT toStartOfInterval(toDateTime(e.occurred_at, 'UTC'), toIntervalSecond({step_s:UInt32})) AS at,
        source, currency, sum(e.amount_micros) AS amount_micros
    FROM earnings_ledger AS e
    WHERE occurred_at >= since AND {source:String} IN ('', source)
    GROUP BY at, source, currency
    ORDER BY at, source, currency
    LIMIT 5000
    """),
    (PERIOD, SOURCE),
)

TOP_EARNERS = Query(
    "top_earners",
    "The creators with the most money in a period, per currency; one row for each of their sources.",
    _sql("""
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
        WHERE occurred_at >= since AND {source:String} IN ('', e.source)
        GROUP BY creator_id, currency, source
        ORDER BY source
    )
    GROUP BY creator_id, currency
    ORDER BY booked_micros + estimated_micros DESC, creator_id
    LIMIT 20
    """),
    (PERIOD, SOURCE),
)

ENTRIES = Query(
    "entries",
    "The newest ledger entries by event time, of one creator or of all.",
    _sql("""
    WITH $since
    SELECT entry_id, occurred_at, creator_id, source, state, amount_micros, currency, reference,
        rate_version
    FROM earnings_ledger
    WHERE occurred_at >= since AND {source:String} IN ('', source)
        AND {creator:String} IN ('', creator_id)
    ORDER BY occurred_at DESC, entry_id
    LIMIT 50
    """),
    (PERIOD, SOURCE, Identifier("creator")),
)

CREATOR = Query(
    "creator",
    "One creator: followers, videos, totals, rates. No row: nothing is known of this id.",
    """
    SELECT creator_id, followers, videos, views, likes, comments, replies, shares, follows, gifts,
        gift_coins, engagement_rate, reply_rate
    FROM creators
    WHERE creator_id = {creator:String}
    """,
    (Identifier("creator", required=True),),
)

BALANCE = Query(
    "balance",
    "What one creator is owed, per currency, and what is still an estimate, over all of time.",
    """
    SELECT currency,
        sumIf(e.amount_micros, e.state != 'estimated') AS balance_micros,
        sumIf(e.amount_micros, e.state = 'final') AS final_micros,
        sumIf(e.amount_micros, e.state = 'adjustment') AS adjustment_micros,
        sumIf(e.amount_micros, e.state = 'estimated') AS estimated_micros,
        count() AS entries
    FROM earnings_ledger AS e
    WHERE creator_id = {creator:String}
    GROUP BY currency
    ORDER BY currency
    """,
    (Identifier("creator", required=True),),
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
    (Identifier("creator", required=True),),
)

CONTENT = Query(
    "content",
    "Which kinds of content get the most likes: the values of one dimension, by views.",
    """
    SELECT value, videos, views, likes, likes_per_1000_views, earnings_micros
    FROM content_performance
    WHERE dimension = {dimension:String}
    ORDER BY views DESC, value
    LIMIT 40
    """,
    (Choice("dimension", DIMENSIONS),),
)

TOP_VIDEOS = Query(
    "top_videos",
    "The videos with the most of something, with what viewers did.",
    """
    SELECT video_id, creator_id, content_type, duration_ms, views, qualified_views, likes, net_likes,
        comments, shares, unique_viewers, completions, watch_ms,
        if(views = 0, 0., completions / views) AS completion_rate,
        if(views = 0, 0., 1000 * likes / views) AS likes_per_1000_views
    FROM videos
    ORDER BY multiIf(
        {sort:String} = 'views', views,
        {sort:String} = 'likes', likes,
        {sort:String} = 'comments', comments,
        {sort:String} = 'shares', shares,
        watch_ms
    ) DESC, video_id
    LIMIT 30
    """,
    (Choice("sort", ("views", "likes", "comments", "shares", "watch_ms")),),
)

LIVES = Query(
    "lives",
    "Live sessions, those on air first, then the newest.",
    _sql("""
    WITH $now
    SELECT live_id, creator_id, started_at, ended_at,
        ended_at < started_at AS on_air,
        dateDiff('millisecond', started_at, if(on_air, now, ended_at)) AS lasted_ms,
        viewers_now, unique_viewers, views, likes, gifts, gift_coins
    FROM lives
    WHERE {state:String} = '' OR on_air = ({state:String} = 'on_air')
    ORDER BY on_air DESC, started_at DESC, live_id
    LIMIT 40
    """),
    (Choice("state", ("", "on_air", "ended")),),
)

LIVE_ACTIVITY = Query(
    "live_activity",
    "What happened in all lives in each step of event time.",
    _sql("""
    WITH $since
    SELECT toStartOfInterval(window_start, toIntervalSecond({step_s:UInt32})) AS at,
        sum(w.views) AS joins, sum(w.likes) AS likes, sum(w.gifts) AS gifts,
        sum(w.gift_coins) AS gift_coins
    FROM windows_1m AS w FINAL
    WHERE window_start >= since AND window_start <= now AND w.kind = 'live'
    GROUP BY at
    ORDER BY at
    SETTINGS do_not_merge_across_partitions_select_final = 1
    """),
    (RANGE,),
)

PANELS: dict[str, Query] = {
    query.name: query
    for query in (
        *(ENGAGEMENT, DEAD_LETTERS, LATE),
        TRENDING,
        *(EARNINGS_BY_SOURCE, EARNINGS_OVER_TIME, TOP_EARNERS, ENTRIES),
        *(CREATOR, BALANCE, CREATOR_DAYS),
        *(CONTENT, TOP_VIDEOS),
        *(LIVES, LIVE_ACTIVITY),
    )
}
