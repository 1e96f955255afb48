-- Who leads in windows of 60 seconds, one ending every 5 seconds of the last 5 minutes before the
-- newest event time: by engagements as bursts count them (likes, comments, shares, favorites and
-- follows that stand), then by users. Each engagement is counted once, in its pane of 5 seconds, and
-- each pane added to the twelve windows that it lies in; users of a pane are kept as a set, so that
-- who comes back within the window is one user. The time bounds are constants: only the newest
-- days' partitions are read.
CREATE OR REPLACE VIEW {database}.top_windows {on_cluster} AS
WITH
    (
        SELECT intDiv(toUnixTimestamp64Milli(max(max_event_time)), 5000) FROM {database}.partitions FINAL
    ) AS newest,
    acts AS (
        SELECT
            intDiv(toUnixTimestamp64Milli(e.event_time), 5000) AS pane,
            e.video_id AS video_id,
            e.user_id AS user_id
        FROM {database}.engagements AS e FINAL
        WHERE e.event_time >= fromUnixTimestamp64Milli(toInt64(5000 * (newest - 71)), 'UTC')
            AND e.event_time < fromUnixTimestamp64Milli(toInt64(5000 * newest), 'UTC')
            AND e.counted = 1 AND e.type != 'reply'
    )
SELECT
    toDateTime(5 * ends, 'UTC') AS window_end,
    kind,
    entity_id,
    engagements,
    users,
    row_number() OVER (
        PARTITION BY ends, kind ORDER BY engagements DESC, users DESC, entity_id ASC
    ) AS rank
FROM
(
    SELECT
        p.pane + hop AS ends,
        p.kind AS kind,
        p.entity_id AS entity_id,
        sum(p.number) AS engagements,
        uniqExactMerge(p.people) AS users
    FROM
    (
        SELECT
            a.pane AS pane,
            kind,
            entity_id,
            count() AS number,
            uniqExactState(a.user_id) AS people
        FROM acts AS a
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
            WHERE v.video_id GLOBAL IN (SELECT video_id FROM acts)
        ) AS e ON e.video_id = a.video_id
        ARRAY JOIN e.entities.1 AS kind, e.entities.2 AS entity_id
        WHERE entity_id != ''
        GROUP BY pane, kind, entity_id
    ) AS p
    ARRAY JOIN range(1, 13) AS hop
    WHERE ends > newest - 60 AND ends <= newest
    GROUP BY ends, kind, entity_id
);
