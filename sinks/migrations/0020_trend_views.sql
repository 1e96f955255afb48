-- As before, with `acceleration`: the change of points per hour, per hour, from the two half-lives
-- (streams/trends.py): (velocity - slow velocity) / (D - d), where D and d are the half-lives in hours
-- over ln 2. All rows carry the same two half-lives, those of the weights that count.
CREATE OR REPLACE VIEW {database}.trending_now {on_cluster} AS
SELECT
    kind,
    entity_id,
    score,
    velocity,
    row_number() OVER (PARTITION BY kind ORDER BY score DESC, entity_id ASC) AS rank,
    acceleration
FROM
(
    SELECT
        kind,
        entity_id,
        arraySort(groupArrayIf(k.score, k.score > -1e308)) AS scores,
        arrayMax(scores) + log2(arraySum(x -> exp2(x - arrayMax(scores)), scores)) AS score,
        sum(k.velocity) AS velocity,
        sum(k.acceleration) AS acceleration
    FROM
    (
        WITH
            (
                SELECT toUnixTimestamp64Milli(max(max_event_time)) FROM {database}.partitions FINAL
            ) AS now_ms,
            (SELECT max(half_life_ms) FROM {database}.video_totals) AS half_life_ms
        SELECT
            kind, video_id, creator_id, hashtags, sound_id, challenge_id, score,
            exp2(fast_score - now_ms / fast_half_life_ms) * log(2) * 3600000 / fast_half_life_ms AS velocity,
            exp2(score - now_ms / half_life_ms) * log(2) * 3600000 / half_life_ms AS slow_velocity,
            (velocity - slow_velocity) * log(2) * 3600000 / (half_life_ms - fast_half_life_ms) AS acceleration
        FROM {database}.video_state
        ARRAY JOIN ['video', 'creator', 'hashtag', 'sound', 'challenge'] AS kind
        WHERE score > -1e308 OR fast_score > -1e308
    ) AS k
    ARRAY JOIN multiIf(
        kind = 'video', [video_id],
        kind = 'creator', [creator_id],
        kind = 'hashtag', arrayDistinct(hashtags),
        kind = 'sound', [sound_id],
        [challenge_id]
    ) AS entity_id
    WHERE entity_id != ''
    GROUP BY kind, entity_id
    HAVING notEmpty(scores)
);

-- Who leads in windows of five minutes, one ending with each of the last sixty full minutes before
-- the newest event time. A minute is counted once, in its cell, and added to the five windows that
-- it lies in. The time bound is one constant, so that only the newest partitions are read.
CREATE OR REPLACE VIEW {database}.trending_windows {on_cluster} AS
WITH (
    SELECT toStartOfMinute(max(max_event_time), 'UTC') FROM {database}.partitions FINAL
) AS newest
SELECT
    window_end,
    kind,
    entity_id,
    views,
    likes,
    engagements,
    row_number() OVER (
        PARTITION BY window_end, kind ORDER BY engagements DESC, views DESC, entity_id ASC
    ) AS rank
FROM
(
    SELECT
        window_end,
        kind,
        entity_id,
        sum(p.views) AS views,
        sum(p.likes) AS likes,
        sum(p.engagements) AS engagements
    FROM
    (
        SELECT
            addMinutes(toDateTime(m.window_start, 'UTC'), hop) AS window_end,
            m.video_id AS video_id,
            sum(m.views) AS views,
            sum(m.likes) AS likes,
            sum(m.engagements) AS engagements
        FROM
        (
            SELECT
                w.window_start AS window_start,
                w.subject_id AS video_id,
                sum(w.views) AS views,
                sum(w.likes - w.unlikes) AS likes,
                likes + sum(w.comments + w.shares + w.favorites + w.follows) AS engagements
            FROM {database}.windows_1m AS w FINAL
            WHERE w.kind = 'video'
                AND w.window_start >= subtractMinutes(toDateTime(newest, 'UTC'), 64)
                AND w.window_start < toDateTime(newest, 'UTC')
            GROUP BY window_start, video_id
        ) AS m
        ARRAY JOIN [1, 2, 3, 4, 5] AS hop
        WHERE window_end > subtractMinutes(toDateTime(newest, 'UTC'), 60)
            AND window_end <= toDateTime(newest, 'UTC')
        GROUP BY window_end, video_id
    ) AS p
    INNER JOIN
    (
        SELECT
            v.video_id AS video_id,
            arrayConcat(
                [('video', v.video_id), ('creator', v.creator_id)],
                arrayMap(tag -> ('hashtag', tag), arrayDistinct(v.hashtags)),
                [('sound', v.sound_id), ('challenge', v.challenge_id)]
            ) AS entities
        FROM {database}.video_state AS v
    ) AS e ON e.video_id = p.video_id
    ARRAY JOIN e.entities.1 AS kind, e.entities.2 AS entity_id
    WHERE entity_id != ''
    GROUP BY window_end, kind, entity_id
    HAVING views > 0 OR engagements > 0
);
