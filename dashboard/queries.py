"""Every question that the dashboard asks, by name, with its meaning.

All ids are bound as parameters. Filters on `window_start` prune ClickHouse's partitions before
anything is read.
"""

from __future__ import annotations

from dashboard import money_queries as money
from dashboard.content_queries import CONTENT, CONTENT_EARNINGS
from dashboard.every_video import every_video
from dashboard.experiment_queries import EXPERIMENTS
from dashboard.parameters import Choice, Query
from dashboard.spans import RANGE, sql
from dashboard.trend_queries import TOP_WINDOWS, TRENDING

PULSE = Query(
    "pulse",
    "How far each partition of the log is processed, what became of its messages, and what waits in it.",
    """
    SELECT p.topic AS topic, p.partition AS partition, p.position AS position,
        p.max_event_time AS max_event_time, p.messages AS messages, p.counted AS counted,
        p.duplicates AS duplicates, p.suppressed AS suppressed, p.late AS late,
        p.dead_letters AS dead_letters, p.unknown_fields AS unknown_fields, p.by_type AS by_type,
        h.beat_at AS beat_at, h.waiting AS waiting, h.stopped AS stopped
    FROM partitions AS p FINAL
    LEFT JOIN heartbeats AS h FINAL ON h.topic = p.topic AND h.partition = p.partition
    ORDER BY topic, partition
    """,
)

ENGAGEMENT = Query(
    "engagement",
    "What happened in each step of event time, over all videos and lives.",
    sql("""
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

# The pool that a video begins in is entered by no promotion; the others come in the order of the
# impressions that it takes to get in, for their names are a matter of the weights file.
POOLS = Query(
    "pools",
    "The For You pools as a funnel: who reached each, what was decided there last, who is in it now.",
    every_video(
        """
    WITH $spread,
    decided AS (
        SELECT b.video_id AS video_id, b.pool AS pool,
            argMax(b.verdict, b.decided_at) AS verdict
        FROM boosts AS b
        GROUP BY video_id, pool
    )
    SELECT pool,
        sum(p.entered_at) AS entered_at,
        if(entered_at = 0, sum(sum(p.videos)) OVER (), sum(p.reached)) AS reached,
        sum(p.promoted) AS promoted, sum(p.held) AS held, sum(p.stopped) AS stopped,
        sum(p.demoted) AS demoted, sum(p.videos) AS videos
    FROM
    (
        SELECT v.pool AS pool, 0 AS entered_at, 0 AS reached, 0 AS promoted, 0 AS held, 0 AS stopped,
            0 AS demoted, count() AS videos
        FROM $videos AS v
        GROUP BY pool
        UNION ALL
        SELECT b.pool_after, min(b.impressions), uniqExact(b.video_id), 0, 0, 0, 0, 0
        FROM boosts AS b
        WHERE b.verdict = 'promote' AND b.pool_after != b.pool
        GROUP BY b.pool_after
        UNION ALL
        SELECT d.pool, 0, 0, countIf(d.verdict = 'promote'), countIf(d.verdict = 'hold'),
            countIf(d.verdict = 'stop'), countIf(d.verdict = 'demote'), 0
        FROM decided AS d
        GROUP BY d.pool
    ) AS p
    WHERE pool != ''
    GROUP BY pool
    ORDER BY entered_at, pool
    """,
        "video_id, pool",
    ),
)

DECISIONS = Query(
    "decisions",
    "The newest decisions of the pools: what was measured, between which bounds, against what.",
    """
    SELECT decision_id, video_id, pool, pool_after, verdict, decided_at, reason, measure, lower_bound,
        upper_bound, threshold, impressions, weights_version
    FROM boosts
    WHERE {verdict:String} IN ('all', verdict)
    ORDER BY decided_at DESC, decision_id
    LIMIT 40
    """,
    (Choice("verdict", ("promote", "hold", "stop", "demote", "all")),),
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
    sql("""
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

ON_AIR = Query(
    "on_air",
    "How many lives there are, how many of them on air, and how many people watch those.",
    """
    SELECT count() AS sessions, countIf(l.ended_at < l.started_at) AS on_air,
        sumIf(l.viewers_now, l.ended_at < l.started_at) AS viewers_now
    FROM lives AS l
    """,
)

LIVE_ACTIVITY = Query(
    "live_activity",
    "What happened in all lives in each step of event time.",
    sql("""
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
        *(*TRENDING, TOP_WINDOWS),
        *(money.EARNINGS_BY_SOURCE, money.EARNINGS_OVER_TIME, money.TOP_EARNERS, money.ENTRIES),
        *(money.CREATOR, money.BALANCE, money.CREATOR_DAYS, money.CREATOR_ENTRIES),
        *(money.EXPLANATION, money.EVIDENCE),
        *(POOLS, DECISIONS),
        *(CONTENT, CONTENT_EARNINGS, TOP_VIDEOS),
        *(LIVES, ON_AIR, LIVE_ACTIVITY),
        EXPERIMENTS,
    )
}
