"""Who trends: by decayed points, and by the engagements of the last minute.

A video's points are also its creator's, its sound's, its challenge's and its hashtags'.
"""

from __future__ import annotations

from dashboard.every_video import every_video
from dashboard.parameters import Choice, Query
from dashboard.spans import sql

# What of a video `s` its points count for; a text that is empty is nothing.
_ENTITY = {
    "video": "s.video_id",
    "hashtag": "arrayJoin(arrayDistinct(s.hashtags))",
    "sound": "s.sound_id",
    "challenge": "s.challenge_id",
    "creator": "s.creator_id",
}
KINDS = tuple(_ENTITY)

# The first fifty of a kind in `trending_now`, and the views of the last hour for these alone. A video is
# alone in its group. For others, scores are logarithms, and the view adds up what they stand for in order
# of size, so that the sum does not depend on how rows lie; here it is added up in whole numbers, which do
# not depend on it either and need no sorting: units of 2^-220 of the power of two above the greatest
# score. What has faded to less than one, after fifty days as shipped, is ranked by its best video alone:
# where so little happened that it is among the first fifty, its place may not be the view's.
_TOP_VIDEOS = """
        SELECT s.video_id AS entity_id, s.score AS score, exp2(s.fast_score - fast_now) AS fast
        FROM $video_state AS s
        WHERE score > -1e308
        ORDER BY score DESC, entity_id ASC
        LIMIT 50
"""
_TOP = """
        SELECT g.entity_id AS entity_id, g.fast AS fast,
            if(g.units = 0, g.best, above - 220 + log2(toFloat64(g.units))) AS score
        FROM
        (
            SELECT $entity AS entity_id, max(s.score) AS best,
                sum(toUInt256(exp2(least(s.score - above, 8) + 220))) AS units,
                sum(exp2(s.fast_score - fast_now)) AS fast
            FROM $video_state AS s
            WHERE s.score > -1e308 OR s.fast_score > -1e308
            GROUP BY entity_id
            HAVING entity_id != '' AND best > -1e308
        ) AS g
        ORDER BY score DESC, entity_id ASC
        LIMIT 50
"""
_TRENDING = """
    WITH $now,
        (SELECT (max(half_life_ms), max(fast_half_life_ms), ceil(max(score))) FROM video_totals) AS greatest,
        greatest.1 AS half_life_ms, greatest.2 AS fast_half_life_ms, greatest.3 AS above,
        toUnixTimestamp64Milli(now) / fast_half_life_ms AS fast_now,
        toDateTime(now, 'UTC') AS until,
        $spread,
        (
            SELECT groupArray((entity_id, rank, score, fast))
            FROM (SELECT *, row_number() OVER (ORDER BY score DESC, entity_id ASC) AS rank FROM ($top))
        ) AS places
    SELECT '$kind' AS kind, place.2 AS rank, place.1 AS entity_id,
        place.4 * log(2) * 3600000 / fast_half_life_ms AS velocity,
        exp2(place.3 - toUnixTimestamp64Milli(now) / half_life_ms) AS points,
        if(empty(h.steps), [], arrayMap(i -> h.views[indexOf(h.steps, 29 - i)], range(30))) AS views,
        (velocity - points * log(2) * 3600000 / half_life_ms)
            * log(2) * 3600000 / (half_life_ms - fast_half_life_ms) AS acceleration
    FROM (SELECT arrayJoin(places) AS place) AS t
    LEFT JOIN
    (
        SELECT w.entity_id AS entity_id, groupArray(w.step) AS steps, groupArray(w.views) AS views
        FROM
        (
            SELECT e.entity_id AS entity_id, e.step AS step, sum(e.views) AS views
            FROM
            (
                SELECT $entity AS entity_id, s.views AS views,
                    intDiv(dateDiff('second', s.window_start, until), 120) AS step
                FROM
                (
                    SELECT * FROM $video_state AS v
                    INNER JOIN
                    (
                        SELECT subject_id, window_start, views FROM windows_1m FINAL
                        WHERE window_start > until - 3600 AND window_start <= until AND kind = 'video'
                    ) AS m ON m.subject_id = v.video_id
                ) AS s
            ) AS e
            WHERE e.entity_id IN (SELECT p.1 FROM (SELECT arrayJoin(places) AS p))
            GROUP BY entity_id, step
        ) AS w
        GROUP BY entity_id
    ) AS h ON h.entity_id = place.1
    ORDER BY rank
"""


def _trending(kind: str) -> Query:
    top = _TOP_VIDEOS if kind == "video" else _TOP
    text = _TRENDING.replace("$top", top).replace("$entity", _ENTITY[kind]).replace("$kind", kind)
    return Query(
        f"trending_{kind}",
        "Who trends: decayed points now, points per hour, and views of the last hour in steps of 2 min.",
        every_video(
            sql(text), "video_id, creator_id, hashtags, sound_id, challenge_id, score, fast_score"
        ),
        compare_by=("entity_id",),
    )


TRENDING = tuple(map(_trending, KINDS))

# The last window of the view `top_windows`, which builds sixty.
TOP_WINDOWS = Query(
    "top_windows",
    "Who leads right now: engagements of the last 60 seconds, in steps of 5 s.",
    sql("""
    WITH $now, 5000 * intDiv(toUnixTimestamp64Milli(now), 5000) AS end_ms,
    acts AS (
        SELECT e.video_id AS video_id, e.user_id AS user_id
        FROM engagements AS e FINAL
        WHERE e.event_time >= fromUnixTimestamp64Milli(toInt64(end_ms - 60000), 'UTC')
            AND e.event_time < fromUnixTimestamp64Milli(toInt64(end_ms), 'UTC')
            AND e.counted = 1 AND e.type != 'reply'
    )
    SELECT kind, row_number() OVER (
            PARTITION BY kind ORDER BY engagements DESC, users DESC, entity_id ASC
        ) AS rank,
        entity_id, engagements, users
    FROM
    (
        SELECT kind, entity_id, count() AS engagements, uniqExact(a.user_id) AS users
        FROM acts AS a
        INNER JOIN
        (
            SELECT s.video_id AS video_id,
                arrayConcat(
                    [('video', s.video_id), ('creator', s.creator_id)],
                    arrayMap(tag -> ('hashtag', tag), arrayDistinct(s.hashtags)),
                    [('sound', s.sound_id), ('challenge', s.challenge_id)]
                ) AS entities
            FROM video_state AS s
            WHERE s.video_id GLOBAL IN (SELECT video_id FROM acts)
        ) AS e ON e.video_id = a.video_id
        ARRAY JOIN e.entities.1 AS kind, e.entities.2 AS entity_id
        WHERE entity_id != '' AND {kind:String} IN ('', kind)
        GROUP BY kind, entity_id
        ORDER BY engagements DESC, users DESC, entity_id ASC
        LIMIT 20 BY kind
    )
    QUALIFY rank <= if({kind:String} = '', 2, 20)
    ORDER BY kind, rank
    """),
    (Choice("kind", ("", *KINDS)),),
)
