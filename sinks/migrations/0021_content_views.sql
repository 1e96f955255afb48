-- Views by the feed that showed the video, `feed:views`, for the dimension of the main feed.
ALTER TABLE {database}.video_totals{local} {on_cluster}
    ADD COLUMN IF NOT EXISTS feeds Array(String) CODEC(ZSTD(1)) AFTER product_ids;

ALTER TABLE {database}.video_totals {on_cluster}
    ADD COLUMN IF NOT EXISTS feeds Array(String) CODEC(ZSTD(1)) AFTER product_ids;

-- As before, with what a small sample can say. `likes_per_1000_shrunk` pulls likes per 1,000 views to
-- the rate of all videos together, which weighs as much as 1,000 views; low and high are Wilson's
-- interval of the pulled counts, 1.96 standard deviations to each side (streams/intervals.py). Views
-- are taken as independent, which those of one video are not: `videos` says how many stand behind.
CREATE OR REPLACE VIEW {database}.content_performance {on_cluster} AS
WITH
    1000 AS prior_views,
    1.96 AS z
SELECT
    s.dimension AS dimension,
    s.value AS value,
    s.videos AS videos,
    s.views AS views,
    s.likes AS likes,
    if(s.views = 0, 0., 1000 * s.likes / s.views) AS likes_per_1000_views,
    s.earnings_micros AS earnings_micros,
    if(s.views = 0, 0., s.completions / s.views) AS completion_rate,
    1000 * p AS likes_per_1000_shrunk,
    1000 * greatest(0., (p + z * z / (2 * n) - spread) / (1 + z * z / n)) AS likes_per_1000_low,
    1000 * least(1., (p + z * z / (2 * n) + spread) / (1 + z * z / n)) AS likes_per_1000_high
FROM
(
    -- a video counts once in `content_type`: these rows add up to all videos
    WITH
        sumIf(g.views, g.dimension = 'content_type') OVER () AS all_views,
        sumIf(g.likes, g.dimension = 'content_type') OVER () AS all_likes,
        if(all_views <= 0, 0., least(1., greatest(0., all_likes / all_views))) AS usual
    SELECT
        g.*,
        greatest(0, g.views) AS known,
        known + prior_views AS n,
        (least(known, greatest(0, g.likes)) + prior_views * usual) / n AS p,
        z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) AS spread
    FROM
    (
        SELECT
            c.1 AS dimension,
            c.2 AS value,
            count() AS videos,
            sum(p.views) AS views,
            sum(p.likes) AS likes,
            sum(p.completions) AS completions,
            sum(p.earnings_micros) AS earnings_micros
        FROM
        (
            SELECT
                v.views AS views,
                v.likes AS likes,
                v.completions AS completions,
                e.earnings_micros AS earnings_micros,
                arrayConcat(
                    [
                        ('content_type', if(v.content_type = '', 'unknown', v.content_type)),
                        ('length', multiIf(
                            v.duration_ms <= 0, 'unknown',
                            v.duration_ms < 15000, '0-15 s',
                            v.duration_ms < 30000, '15-30 s',
                            v.duration_ms < 60000, '30-60 s',
                            v.duration_ms < 180000, '1-3 min',
                            v.duration_ms < 600000, '3-10 min',
                            '10 min and more'
                        ))
                    ],
                    arrayMap(tag -> ('hashtag', tag), arrayDistinct(v.hashtags)),
                    if(v.sound_id = '', [], [('sound', v.sound_id)]),
                    if(v.challenge_id = '', [], [('challenge', v.challenge_id)]),
                    if(f.main_feed = '', [], [('main_feed', f.main_feed)]),
                    if(v.published_at <= toDateTime64(0, 3, 'UTC'), [], [
                        ('hour', formatDateTime(v.published_at, '%H', 'UTC')),
                        ('weekday', formatDateTime(v.published_at, '%W', 'UTC')),
                        ('originality', if(v.is_original, 'original', 'not original'))
                    ])
                ) AS cells
            FROM {database}.videos AS v
            LEFT JOIN
            (
                SELECT substring(l.reference, 7) AS video_id, sum(l.amount_micros) AS earnings_micros
                FROM {database}.earnings_ledger AS l
                WHERE startsWith(l.reference, 'video:') AND l.currency = 'USD'
                GROUP BY video_id
            ) AS e ON e.video_id = v.video_id
            LEFT JOIN
            (
                SELECT n.video_id AS video_id, argMin(n.feed, (-n.views, n.feed)) AS main_feed
                FROM
                (
                    SELECT
                        t.video_id AS video_id,
                        splitByChar(':', feed_views)[1] AS feed,
                        sum(toInt64(splitByChar(':', feed_views)[2])) AS views
                    FROM {database}.video_totals AS t FINAL
                    ARRAY JOIN t.feeds AS feed_views
                    GROUP BY video_id, feed
                    HAVING views > 0
                ) AS n
                GROUP BY video_id
            ) AS f ON f.video_id = v.video_id
        ) AS p
        ARRAY JOIN p.cells AS c
        GROUP BY dimension, value
    ) AS g
) AS s;
