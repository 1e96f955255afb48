"""Who trends: by decayed points, and by the engagements of the last minute.

A video's points are also its creator's, its sound's, its challenge's and its hashtags'.
"""

from __future__ import annotations

from dashboard.every_video import every_video
from dashboard.parameters import Choice, Query
from dashboard.spans import sql

KINDS = ("video", "hashtag", "sound", "challenge", "creator")

# The first places of one kind in `trending_now`, by its own formula; a kind that is not asked for is not
# read. A video is alone in its group, and videos are the most: they are not grouped.
_TOP_VIDEOS = """
        SELECT 'video' AS kind, s.video_id AS entity_id, s.score AS score, $velocity AS velocity
        FROM $video_state AS s
        WHERE {kind:String} IN ('', 'video') AND s.score > -1e308
        ORDER BY score DESC, entity_id ASC
        LIMIT 50
"""
_TOP_OF_KIND = """
        SELECT '$kind' AS kind, g.entity_id AS entity_id,
            arrayMax(g.scores) + log2(arraySum(x -> exp2(x - arrayMax(g.scores)), g.scores)) AS score,
            g.velocity AS velocity
        FROM
        (
            SELECT $entity AS entity_id, sum($velocity) AS velocity,
                arraySort(groupArrayIf(s.score, s.score > -1e308)) AS scores
            FROM $video_state AS s
            WHERE {kind:String} IN ('', '$kind') AND (s.score > -1e308 OR s.fast_score > -1e308)
            GROUP BY entity_id
            HAVING entity_id != '' AND notEmpty(scores)
        ) AS g
        ORDER BY score DESC, entity_id ASC
        LIMIT 50
"""
_ENTITIES = {
    "creator": "s.creator_id",
    "hashtag": "arrayJoin(arrayDistinct(s.hashtags))",
    "sound": "s.sound_id",
    "challenge": "s.challenge_id",
}
_TOP = "UNION ALL".join(
    (
        _TOP_VIDEOS,
        *(
            _TOP_OF_KIND.replace("$kind", kind).replace("$entity", entity)
            for kind, entity in _ENTITIES.items()
        ),
    )
)
_VELOCITY = """exp2(s.fast_score - toUnixTimestamp64Milli(now) / s.fast_half_life_ms)
            * log(2) * 3600000 / s.fast_half_life_ms"""

# Views of the last hour are added up for those alone that are shown.
TRENDING = Query(
    "trending",
    "Who trends: decayed points now, points per hour, and views of the last hour in steps of 2 min.",
    every_video(
        sql(
            """
    WITH $now,
        (SELECT max(half_life_ms) FROM video_totals) AS half_life_ms,
        (SELECT max(fast_half_life_ms) FROM video_totals) AS fast_half_life_ms,
        toDateTime(now, 'UTC') AS until,
        $spread,
        (
            SELECT groupArray((kind, entity_id, rank, score, velocity))
            FROM
            (
                SELECT *, row_number() OVER (PARTITION BY kind ORDER BY score DESC, entity_id ASC) AS rank
                FROM ($top)
            )
            WHERE rank <= if({kind:String} = '', 8, 50)
        ) AS places
    SELECT place.1 AS kind, place.3 AS rank, place.2 AS entity_id, place.5 AS velocity,
        exp2(place.4 - toUnixTimestamp64Milli(now) / half_life_ms) AS points,
        if(empty(a.steps), [], arrayMap(i -> a.views[indexOf(a.steps, 29 - i)], range(30))) AS views,
        (velocity - points * log(2) * 3600000 / half_life_ms)
            * log(2) * 3600000 / (half_life_ms - fast_half_life_ms) AS acceleration
    FROM (SELECT arrayJoin(places) AS place) AS t
    LEFT JOIN
    (
        SELECT w.of_kind AS kind, w.entity_id AS entity_id, groupArray(w.step) AS steps,
            groupArray(w.views) AS views
        FROM
        (
            SELECT e.kind AS of_kind, e.entity_id AS entity_id, sum(m.views) AS views,
                intDiv(dateDiff('second', m.window_start, until), 120) AS step
            FROM
            (
                SELECT subject_id, window_start, views FROM windows_1m FINAL
                WHERE window_start > until - 3600 AND window_start <= until AND kind = 'video'
            ) AS m
            INNER JOIN
            (
                SELECT s.video_id AS video_id, kind, entity_id
                FROM
                (
                    SELECT * FROM $video_state
                    WHERE video_id GLOBAL IN (
                        SELECT subject_id FROM windows_1m
                        WHERE window_start > until - 3600 AND window_start <= until AND kind = 'video'
                    )
                ) AS s
                ARRAY JOIN
                    arrayConcat(
                        [s.video_id],
                        if({kind:String} IN ('', 'creator'), [s.creator_id], []),
                        if({kind:String} IN ('', 'sound'), [s.sound_id], []),
                        if({kind:String} IN ('', 'challenge'), [s.challenge_id], []),
                        if({kind:String} IN ('', 'hashtag'), arrayDistinct(s.hashtags), [])
                    ) AS entity_id,
                    arrayConcat(
                        ['video'],
                        if({kind:String} IN ('', 'creator'), ['creator'], []),
                        if({kind:String} IN ('', 'sound'), ['sound'], []),
                        if({kind:String} IN ('', 'challenge'), ['challenge'], []),
                        if({kind:String} IN ('', 'hashtag'),
                            arrayWithConstant(length(arrayDistinct(s.hashtags)), 'hashtag'), [])
                    ) AS kind
                WHERE (kind, entity_id) IN (SELECT p.1, p.2 FROM (SELECT arrayJoin(places) AS p))
            ) AS e ON e.video_id = m.subject_id
            GROUP BY of_kind, entity_id, step
        ) AS w
        GROUP BY kind, entity_id
    ) AS a ON a.kind = place.1 AND a.entity_id = place.2
    ORDER BY kind, rank
    """.replace("$top", _TOP).replace("$velocity", _VELOCITY)
        ),
        "video_id, creator_id, hashtags, sound_id, challenge_id, score, fast_score, fast_half_life_ms",
    ),
    (Choice("kind", ("", *KINDS)),),
    compare_by=("kind", "entity_id"),
)

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
            SELECT v.video_id AS video_id,
                arrayConcat(
                    [('video', v.video_id), ('creator', v.creator_id)],
                    arrayMap(tag -> ('hashtag', tag), arrayDistinct(v.hashtags)),
                    [('sound', v.sound_id), ('challenge', v.challenge_id)]
                ) AS entities
            FROM video_state AS v
            WHERE v.video_id GLOBAL IN (SELECT video_id FROM acts)
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
