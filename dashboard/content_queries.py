"""Which kinds of content do well: one dimension of `content_performance`, by its own formulas.

The view tells all dimensions; a page shows one, and does not wait for its earnings.
"""

from __future__ import annotations

from dashboard.every_video import every_video
from dashboard.parameters import Choice, Query

DIMENSION = Choice(
    "dimension",
    (
        *("content_type", "length", "hashtag", "sound", "challenge", "main_feed"),
        *("hour", "weekday", "originality"),
    ),
)

# `if` with a constant condition leaves only one branch: of a video only what the dimension needs is read.
_VALUES = """if({dimension:String} = 'content_type', [if(v.content_type = '', 'unknown', v.content_type)],
        if({dimension:String} = 'length', [multiIf(
            v.duration_ms <= 0, 'unknown',
            v.duration_ms < 15000, '0-15 s',
            v.duration_ms < 30000, '15-30 s',
            v.duration_ms < 60000, '30-60 s',
            v.duration_ms < 180000, '1-3 min',
            v.duration_ms < 600000, '3-10 min',
            '10 min and more')],
        if({dimension:String} = 'hashtag', arrayDistinct(v.hashtags),
        if({dimension:String} = 'sound', if(v.sound_id = '', [], [v.sound_id]),
        if({dimension:String} = 'challenge', if(v.challenge_id = '', [], [v.challenge_id]),
        if({dimension:String} = 'main_feed', if(m.main_feed = '', [], [m.main_feed]),
        if(v.published_at <= toDateTime64(0, 3, 'UTC'), [], [
            if({dimension:String} = 'hour', formatDateTime(v.published_at, '%H', 'UTC'),
            if({dimension:String} = 'weekday', formatDateTime(v.published_at, '%W', 'UTC'),
            if(v.is_original, 'original', 'not original')))])))))))"""
_OF_CONTENT = (
    "video_id, views, likes, content_type, duration_ms, hashtags, sound_id, challenge_id, "
    "published_at, is_original"
)
# The feed with the most views of a video, read only where it is asked for.
_MAIN_FEED = """LEFT JOIN
    (
        SELECT n.video_id AS video_id, argMin(n.feed, (-n.views, n.feed)) AS main_feed
        FROM
        (
            SELECT t.video_id AS video_id, splitByChar(':', f)[1] AS feed,
                sum(toInt64(splitByChar(':', f)[2])) AS views
            FROM video_totals AS t FINAL
            ARRAY JOIN t.feeds AS f
            WHERE {dimension:String} = 'main_feed'
            GROUP BY video_id, feed
            HAVING views > 0
        ) AS n
        GROUP BY video_id
    ) AS m ON m.video_id = v.video_id"""


def _of_content(text: str) -> str:
    return every_video(
        text.replace("$values", _VALUES).replace("$main_feed", _MAIN_FEED), _OF_CONTENT
    )


# The estimate is the rate with 1,000 views more at the rate of all, and the bounds are Wilson's of it: as in
# `content_performance`.
CONTENT = Query(
    "content",
    "Which kinds of content get the most likes: the values of one dimension, by views; their likes per 1,000\n"
    "views as counted, and as estimated with bounds.",
    _of_content("""
    WITH $spread, 1000 AS prior_views, 1.96 AS z,
        (
            SELECT if(sum(w.views) <= 0, 0., least(1., greatest(0., sum(w.likes) / sum(w.views))))
            FROM video_totals AS w FINAL
        ) AS usual
    SELECT value, videos, all_views AS views, all_likes AS likes,
        if(views = 0, 0., 1000 * likes / views) AS likes_per_1000_views,
        1000 * rate AS likes_per_1000_shrunk,
        1000 * greatest(0., (rate + z * z / (2 * n) - half) / (1 + z * z / n)) AS likes_per_1000_low,
        1000 * least(1., (rate + z * z / (2 * n) + half) / (1 + z * z / n)) AS likes_per_1000_high
    FROM
    (
        SELECT value, count() AS videos, sum(v.views) AS all_views, sum(v.likes) AS all_likes,
            greatest(0, all_views) AS known,
            known + prior_views AS n,
            (least(known, greatest(0, all_likes)) + prior_views * usual) / n AS rate,
            z * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) AS half
        FROM $videos AS v
        $main_feed
        ARRAY JOIN $values AS value
        GROUP BY value
        ORDER BY all_views DESC, value
        LIMIT 40
    )
    ORDER BY views DESC, value
    """),
    (DIMENSION,),
)

# What is booked was added up by the last settlement, which books all entries that name a video.
CONTENT_EARNINGS = Query(
    "content_earnings",
    "What the values of one dimension have earned in USD, the same values as in `content`.",
    _of_content("""
    WITH $spread
    SELECT value, sum(e.amount_micros + o.amount_micros) AS earnings_micros
    FROM $videos AS v
    $main_feed
    LEFT ANY JOIN
    (
        SELECT video_id, amount_micros FROM video_earnings FINAL WHERE currency = 'USD'
    ) AS e ON e.video_id = v.video_id
    LEFT JOIN
    (
        SELECT reference, sum(o.amount_micros) AS amount_micros
        FROM estimated_earnings AS o
        WHERE currency = 'USD' AND startsWith(reference, 'video:')
        GROUP BY reference
    ) AS o ON substring(o.reference, 7) = v.video_id
    ARRAY JOIN $values AS value
    GROUP BY value
    ORDER BY sum(v.views) DESC, value
    LIMIT 40
    """),
    (DIMENSION,),
)
