-- One more fact: who watched a video that has collaborators, so that what a shared video brings each
-- side can be told from those who saw it, not only from those who did something with it. Videos
-- without collaborators cost no rows. A row with counted = 0 was invalidated.
CREATE TABLE IF NOT EXISTS {database}.shared_views{local} {on_cluster}
(
    video_id String CODEC(ZSTD(1)),
    user_id String CODEC(ZSTD(1)),
    event_id String CODEC(ZSTD(1)),
    source UInt32 CODEC(T64, ZSTD(1)),
    event_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    counted UInt8,
    version UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = {replacing}
ORDER BY (video_id, user_id, event_id, event_time, source);

{distributed shared_views cityHash64(video_id)};

-- As before, with `viewers`, users other than the sides with a view, and of these
-- `viewers_from_others`: who at publication followed another side and not this one.
CREATE OR REPLACE VIEW {database}.collaborations {on_cluster} AS
WITH
    sides AS (
        SELECT v.video_id AS video_id, v.published_at AS published_at,
            arrayDistinct(arrayConcat(
                [v.creator_id],
                arrayMap(c -> replaceRegexpOne(c, ':[0-9]+$', ''), v.collaborators)
            )) AS creators
        FROM {database}.video_state AS v
        WHERE v.is_published AND notEmpty(v.collaborators)
    ),
    users AS (
        SELECT a.video_id AS video_id, a.user_id AS user_id, max(a.engages) AS engages,
            max(a.views) AS views
        FROM
        (
            SELECT e.video_id AS video_id, e.user_id AS user_id, 1 AS engages, 0 AS views
            FROM {database}.engagements AS e FINAL
            INNER JOIN sides AS s ON s.video_id = e.video_id
            WHERE e.counted = 1 AND e.type != 'reply' AND NOT has(s.creators, e.user_id)
            UNION ALL
            SELECT w.video_id, w.user_id, 0, 1
            FROM {database}.shared_views AS w FINAL
            INNER JOIN sides AS s ON s.video_id = w.video_id
            WHERE w.counted = 1 AND NOT has(s.creators, w.user_id)
        ) AS a
        GROUP BY video_id, user_id
    ),
    pairs AS (
        SELECT q.video_id AS video_id, q.user_id AS user_id, q.side AS creator_id,
            max(q.engages) AS engages,
            max(q.views) AS views,
            argMaxIf(
                f.following, (f.event_time, f.event_id, f.following),
                f.counted = 1 AND f.event_time < q.published_at
            ) AS followed,
            countIf(
                f.counted = 1 AND f.following = 1 AND f.event_time >= q.published_at
                AND f.event_time < addDays(q.published_at, 7)
            ) > 0 AS follows_later
        FROM
        (
            SELECT u.video_id AS video_id, u.user_id AS user_id, u.engages AS engages, u.views AS views,
                side, s.published_at AS published_at
            FROM users AS u
            INNER JOIN sides AS s ON s.video_id = u.video_id
            ARRAY JOIN s.creators AS side
        ) AS q
        LEFT JOIN (SELECT * FROM {database}.follow_actions FINAL) AS f
            ON f.creator_id = q.side AND f.user_id = q.user_id
        GROUP BY video_id, user_id, creator_id
    )
SELECT
    video_id,
    creator_id,
    sum(p.engages) AS engaged,
    sumIf(p.followed, p.engages = 1) AS own_followers,
    sumIf(p.from_others, p.engages = 1) AS from_others,
    sumIf(p.is_new, p.engages = 1) AS new_followers,
    sum(p.views) AS viewers,
    sumIf(p.from_others, p.views = 1) AS viewers_from_others
FROM
(
    SELECT s.video_id AS video_id, creator_id,
        0 AS engages, 0 AS views, 0 AS followed, 0 AS from_others, 0 AS is_new
    FROM sides AS s
    ARRAY JOIN s.creators AS creator_id
    UNION ALL
    SELECT q.video_id, q.creator_id, q.engages, q.views, q.followed,
        q.followed = 0 AND o.followed > 0, q.followed = 0 AND q.follows_later
    FROM pairs AS q
    INNER JOIN (
        SELECT video_id, user_id, max(followed) AS followed FROM pairs GROUP BY video_id, user_id
    ) AS o ON o.video_id = q.video_id AND o.user_id = q.user_id
) AS p
GROUP BY video_id, creator_id;
