-- What a creator's audience does. Fans are users who liked, commented, shared, favorited or followed
-- on a video of the creator; returning fans did so on two UTC days or more. Of each video that the
-- creator has replied on, engagement in the 24 h before and after the first reply, if these are over
-- everywhere; beside it, in the same spans, that of the creator's videos without any reply.
-- `reply_lift` is the ratio of the two changes, each sum plus 1, so that few events say 1: no difference.
-- It is observed, not caused: creators reply where something is going on.
CREATE OR REPLACE VIEW {database}.audience {on_cluster} AS
WITH
    (
        SELECT min(max_event_time) FROM {database}.partitions FINAL
        WHERE topic = 'engagement.events' AND max_event_time > 0
    ) AS lowest,
    acts AS (
        SELECT e.video_id AS video_id, v.creator_id AS creator_id, e.user_id AS user_id,
            e.event_time AS event_time
        FROM {database}.engagements AS e FINAL
        INNER JOIN {database}.video_state AS v ON v.video_id = e.video_id
        WHERE e.counted = 1 AND e.type != 'reply' AND e.user_id != v.creator_id
    ),
    replied AS (
        SELECT e.video_id AS video_id, v.creator_id AS creator_id, min(e.event_time) AS first_reply
        FROM {database}.engagements AS e FINAL
        INNER JOIN {database}.video_state AS v ON v.video_id = e.video_id
        WHERE e.counted = 1 AND e.type = 'reply' AND e.user_id = v.creator_id
        GROUP BY video_id, creator_id
    ),
    spans AS (
        SELECT video_id, creator_id, first_reply, addHours(first_reply, -24) AS begins,
            addHours(first_reply, 24) AS ends
        FROM replied
        WHERE addHours(first_reply, 24) <= lowest
    )
SELECT
    creator_id,
    sum(p.fans) AS fans,
    sum(p.returning_fans) AS returning_fans,
    if(fans = 0, 0., returning_fans / fans) AS returning_rate,
    sum(p.replied_videos) AS replied_videos,
    sum(p.engaged_before) AS engaged_before,
    sum(p.engaged_after) AS engaged_after,
    sum(p.others_before) AS others_before,
    sum(p.others_after) AS others_after,
    ((engaged_after + 1) / (engaged_before + 1)) / ((others_after + 1) / (others_before + 1)) AS reply_lift
FROM
(
    SELECT
        f.creator_id AS creator_id, count() AS fans, countIf(f.days > 1) AS returning_fans,
        0 AS replied_videos, 0 AS engaged_before, 0 AS engaged_after, 0 AS others_before, 0 AS others_after
    FROM
    (
        SELECT a.creator_id AS creator_id, a.user_id AS user_id,
            uniqExact(toDate(a.event_time, 'UTC')) AS days
        FROM acts AS a
        GROUP BY creator_id, user_id
    ) AS f
    GROUP BY creator_id
    UNION ALL
    SELECT s.creator_id, 0, 0, count(), 0, 0, 0, 0
    FROM spans AS s
    GROUP BY s.creator_id
    UNION ALL
    SELECT
        s.creator_id, 0, 0, 0,
        countIf(a.event_time >= s.begins AND a.event_time < s.first_reply),
        countIf(a.event_time >= s.first_reply AND a.event_time < s.ends),
        0, 0
    FROM spans AS s
    INNER JOIN acts AS a ON a.video_id = s.video_id
    GROUP BY s.creator_id
    UNION ALL
    SELECT
        s.creator_id, 0, 0, 0, 0, 0,
        countIf(a.event_time >= s.begins AND a.event_time < s.first_reply),
        countIf(a.event_time >= s.first_reply AND a.event_time < s.ends)
    FROM spans AS s
    INNER JOIN acts AS a ON a.creator_id = s.creator_id
    WHERE a.video_id NOT IN (SELECT video_id FROM replied)
    GROUP BY s.creator_id
) AS p
GROUP BY creator_id;

-- Followers won on a video, and while a live went on. A follower counts once for a creator, where the
-- first follow was; `kept` are those who follow at the end. A live's are also some video's: a follow
-- names a video, so of a live only the time is known.
CREATE OR REPLACE VIEW {database}.follower_growth {on_cluster} AS
WITH firsts AS (
    SELECT f.creator_id AS creator_id, f.user_id AS user_id, f.video_id AS video_id,
        f.event_time AS event_time, l.following AS following
    FROM
    (
        SELECT e.creator_id AS creator_id, e.user_id AS user_id,
            argMin(e.video_id, (e.event_time, e.event_id, e.video_id)) AS video_id,
            min(e.event_time) AS event_time
        FROM {database}.engagements AS e FINAL
        WHERE e.counted = 1 AND e.type = 'follow'
        GROUP BY creator_id, user_id
    ) AS f
    LEFT JOIN
    (
        SELECT creator_id, user_id, argMax(following, (event_time_ms, event_id)) AS following
        FROM {database}.follows FINAL
        GROUP BY creator_id, user_id
    ) AS l ON l.creator_id = f.creator_id AND l.user_id = f.user_id
)
SELECT 'video' AS kind, f.video_id AS subject_id, f.creator_id AS creator_id,
    count() AS new_followers, countIf(f.following = 1) AS kept
FROM firsts AS f
GROUP BY kind, subject_id, creator_id
UNION ALL
SELECT 'live' AS kind, l.live_id AS subject_id, l.creator_id AS creator_id,
    count() AS new_followers, countIf(f.following = 1) AS kept
FROM {database}.lives AS l
INNER JOIN firsts AS f ON f.creator_id = l.creator_id
WHERE l.started_at > toDateTime64(0, 3, 'UTC') AND f.event_time >= l.started_at
    AND (l.ended_at < l.started_at OR f.event_time < l.ended_at)
GROUP BY kind, subject_id, creator_id;

-- What a shared video brought each of its sides: the creator and the collaborators that its
-- publication names. Engaged are users, none of the sides, who did something with it (viewers are not
-- kept by user). At publication they followed this side (`own_followers`), or another side and not
-- this one (`from_others`); new followers did not, and followed it within seven days.
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
        SELECT DISTINCT e.video_id AS video_id, e.user_id AS user_id
        FROM {database}.engagements AS e FINAL
        INNER JOIN sides AS s ON s.video_id = e.video_id
        WHERE e.counted = 1 AND e.type != 'reply' AND NOT has(s.creators, e.user_id)
    ),
    pairs AS (
        SELECT q.video_id AS video_id, q.user_id AS user_id, q.side AS creator_id,
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
            SELECT u.video_id AS video_id, u.user_id AS user_id, side, s.published_at AS published_at
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
    sum(p.engaged) AS engaged,
    sum(p.own_followers) AS own_followers,
    sum(p.from_others) AS from_others,
    sum(p.new_followers) AS new_followers
FROM
(
    SELECT s.video_id AS video_id, creator_id,
        0 AS engaged, 0 AS own_followers, 0 AS from_others, 0 AS new_followers
    FROM sides AS s
    ARRAY JOIN s.creators AS creator_id
    UNION ALL
    SELECT q.video_id, q.creator_id, 1, q.followed, q.followed = 0 AND o.followed > 0,
        q.followed = 0 AND q.follows_later
    FROM pairs AS q
    INNER JOIN (
        SELECT video_id, user_id, max(followed) AS followed FROM pairs GROUP BY video_id, user_id
    ) AS o ON o.video_id = q.video_id AND o.user_id = q.user_id
) AS p
GROUP BY video_id, creator_id;

-- Videos that were published while one of their tags, their sound or challenge burst, beside the
-- creator's own others. Lifts are ratios of views per video and of likes per view, 0 where one side
-- has nothing; they are observed, and younger videos have had less time.
CREATE OR REPLACE VIEW {database}.trend_lift {on_cluster} AS
SELECT
    creator_id,
    countIf(p.trending) AS trending_videos,
    sumIf(p.views, p.trending) AS trending_views,
    sumIf(p.likes, p.trending) AS trending_likes,
    countIf(NOT p.trending) AS other_videos,
    sumIf(p.views, NOT p.trending) AS other_views,
    sumIf(p.likes, NOT p.trending) AS other_likes,
    if(
        trending_videos = 0 OR other_views <= 0, 0.,
        (trending_views / trending_videos) / (other_views / other_videos)
    ) AS views_lift,
    if(
        trending_views <= 0 OR other_views <= 0 OR other_likes <= 0, 0.,
        (trending_likes / trending_views) / (other_likes / other_views)
    ) AS likes_lift
FROM
(
    SELECT v.video_id AS video_id, v.creator_id AS creator_id, v.views AS views, v.likes AS likes,
        v.video_id IN (
            SELECT w.video_id
            FROM
            (
                SELECT video_id, published_at, entity.1 AS kind, entity.2 AS entity_id
                FROM {database}.videos
                ARRAY JOIN arrayConcat(
                    arrayMap(tag -> ('hashtag', tag), hashtags),
                    [('sound', sound_id), ('challenge', challenge_id)]
                ) AS entity
            ) AS w
            INNER JOIN {database}.bursts AS b ON b.kind = w.kind AND b.entity_id = w.entity_id
            WHERE w.entity_id != '' AND b.began_at <= w.published_at
                AND (b.ended_at IS NULL OR w.published_at < b.ended_at)
        ) AS trending
    FROM {database}.videos AS v
    WHERE v.published_at > toDateTime64(0, 3, 'UTC')
) AS p
GROUP BY creator_id;
