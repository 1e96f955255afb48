-- Amounts of different currencies are never added up: a sum that has no currency beside it
-- (earnings_daily, creators.earnings_micros, content_performance) is of USD alone. The ledger and
-- balances have every currency.
CREATE OR REPLACE VIEW {database}.earnings_daily {on_cluster} AS
SELECT
    toDate(e.occurred_at, 'UTC') AS day,
    e.creator_id AS creator_id,
    e.source AS source,
    sum(e.amount_micros) AS amount_micros,
    count() AS entries
FROM {database}.earnings_ledger AS e
WHERE e.currency = 'USD'
GROUP BY day, creator_id, source;

-- Every creator with a video, a live, a follow or a ledger entry. earnings_micros is booked money
-- in USD; engagement_rate is of videos alone, for taps in a live are no likes of a viewer.
CREATE OR REPLACE VIEW {database}.creators {on_cluster} AS
SELECT
    c.creator_id AS creator_id,
    sum(c.followers) AS followers,
    sum(c.videos) AS videos,
    sum(c.impressions) AS impressions,
    sum(c.views) AS views,
    sum(c.qualified_views) AS qualified_views,
    sum(c.watch_ms) AS watch_ms,
    sum(c.completions) AS completions,
    sum(c.likes) AS likes,
    sum(c.unlikes) AS unlikes,
    sum(c.comments) AS comments,
    sum(c.replies) AS replies,
    sum(c.shares) AS shares,
    sum(c.favorites) AS favorites,
    sum(c.follows) AS follows,
    sum(c.profile_views) AS profile_views,
    sum(c.not_interested) AS not_interested,
    sum(c.reports) AS reports,
    sum(c.gifts) AS gifts,
    sum(c.gift_coins) AS gift_coins,
    ifNotFinite(
        sumIf(c.likes + c.comments + c.shares, c.videos = 1) / sumIf(c.views, c.videos = 1), 0.
    ) AS engagement_rate,
    if(comments = 0, 0., replies / comments) AS reply_rate,
    sum(c.earnings_micros) AS earnings_micros
FROM
(
    SELECT
        creator_id, 0 AS followers, 1 AS videos, 0 AS earnings_micros,
        impressions,
        views,
        qualified_views,
        watch_ms,
        completions,
        likes,
        unlikes,
        comments,
        replies,
        shares,
        favorites,
        follows,
        profile_views,
        not_interested,
        reports,
        gifts,
        gift_coins
    FROM {database}.videos
    UNION ALL
    SELECT
        creator_id, 0, 0, 0,
        impressions,
        views,
        qualified_views,
        watch_ms,
        completions,
        likes,
        unlikes,
        comments,
        replies,
        shares,
        favorites,
        follows,
        profile_views,
        not_interested,
        reports,
        gifts,
        gift_coins
    FROM {database}.lives
    UNION ALL
    SELECT
        f.creator_id, sum(f.following), 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    FROM
    (
        SELECT
            creator_id,
            user_id,
            argMax(following, (event_time_ms, event_id)) AS following
        FROM {database}.follows FINAL
        GROUP BY creator_id, user_id
    ) AS f
    GROUP BY f.creator_id
    UNION ALL
    SELECT
        e.creator_id,
        0,
        0,
        sumIf(e.amount_micros, e.state IN ('final', 'adjustment') AND e.currency = 'USD'),
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    FROM {database}.earnings_ledger AS e
    GROUP BY e.creator_id
) AS c
GROUP BY creator_id;
