-- Who trends: `score` is log2 of decayed points and needs no reading time; `velocity` is points per
-- hour at the newest event time of all partitions. Of a hashtag, sound, challenge or creator both
-- are those of its videos together: scores are added shifted by the largest, in sorted order, so
-- that every reading gives the same bits. A video whose score is not above zero may still have points
-- in the last hours: it adds to the velocity alone. A filter on kind skips the work for the other kinds.
CREATE OR REPLACE VIEW {database}.trending_now {on_cluster} AS
SELECT
    kind,
    entity_id,
    score,
    velocity,
    row_number() OVER (PARTITION BY kind ORDER BY score DESC, entity_id ASC) AS rank
FROM
(
    SELECT
        kind,
        entity_id,
        arraySort(groupArrayIf(k.score, k.score > -1e308)) AS scores,
        arrayMax(scores) + log2(arraySum(x -> exp2(x - arrayMax(scores)), scores)) AS score,
        sum(k.velocity) AS velocity
    FROM
    (
        WITH (
            SELECT toUnixTimestamp64Milli(max(max_event_time)) FROM {database}.partitions FINAL
        ) AS now_ms
        SELECT
            kind, video_id, creator_id, hashtags, sound_id, challenge_id, score,
            exp2(fast_score - now_ms / fast_half_life_ms) * log(2) * 3600000 / fast_half_life_ms AS velocity
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
