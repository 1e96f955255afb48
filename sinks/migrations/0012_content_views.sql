-- Which kinds of content do well: a video counts in every value that it has. Earnings are those of
-- the ledger entries in USD that name the video, estimates included. Hours and days are UTC.
CREATE OR REPLACE VIEW {database}.content_performance {on_cluster} AS
SELECT
    c.1 AS dimension,
    c.2 AS value,
    count() AS videos,
    sum(p.views) AS views,
    sum(p.likes) AS likes,
    if(views = 0, 0., 1000 * likes / views) AS likes_per_1000_views,
    sum(p.earnings_micros) AS earnings_micros
FROM
(
    SELECT
        v.views AS views,
        v.likes AS likes,
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
) AS p
ARRAY JOIN p.cells AS c
GROUP BY dimension, value;
