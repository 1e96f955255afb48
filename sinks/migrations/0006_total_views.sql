-- video_state: one row per video, over all source partitions (a video has several only after the
-- topic got more partitions). The metadata of the last publication stands; without one it is what
-- the first counted event said. Scores are logarithms: they are added shifted by the largest, in
-- sorted order so that every reading gives the same bits. Internal: the public views read it.
CREATE OR REPLACE VIEW {database}.video_state {on_cluster} AS
WITH bitOr(bitShiftLeft(toUInt128(toUnixTimestamp64Milli(v.published_at)), 64), v.version) AS stands
SELECT
    v.video_id AS video_id,
    argMax(v.creator_id, stands) AS creator_id,
    argMax(v.content_type, stands) AS content_type,
    argMax(v.is_original, stands) AS is_original,
    argMax(v.is_promoted, stands) AS is_promoted,
    argMax(v.hashtags, stands) AS hashtags,
    argMax(v.sound_id, stands) AS sound_id,
    argMax(v.challenge_id, stands) AS challenge_id,
    argMax(v.collaborators, stands) AS collaborators,
    argMax(v.product_ids, stands) AS product_ids,
    max(v.published_at) AS published_at,
    max(v.published_at) > toDateTime64(0, 3, 'UTC') AS is_published,
    if(is_published, argMax(v.duration_ms, stands), max(v.duration_ms)) AS duration_ms,
    sum(v.impressions) AS impressions,
    sum(v.views) AS views,
    sum(v.qualified_views) AS qualified_views,
    sum(v.watch_ms) AS watch_ms,
    sum(v.completions) AS completions,
    sum(v.likes) AS likes,
    sum(v.unlikes) AS unlikes,
    sum(v.comments) AS comments,
    sum(v.replies) AS replies,
    sum(v.shares) AS shares,
    sum(v.favorites) AS favorites,
    sum(v.follows) AS follows,
    sum(v.profile_views) AS profile_views,
    sum(v.not_interested) AS not_interested,
    sum(v.reports) AS reports,
    sum(v.gifts) AS gifts,
    sum(v.gift_coins) AS gift_coins,
    sum(v.net_likes) AS net_likes,
    sum(v.net_favorites) AS net_favorites,
    sum(v.unique_viewers) AS unique_viewers,
    argMax(v.pool, v.version) AS pool,
    arraySort(groupArrayIf(v.score, v.score > -1e308)) AS scores,
    if(
        empty(scores),
        -1e308,
        arrayMax(scores) + log2(arraySum(x -> exp2(x - arrayMax(scores)), scores))
    ) AS score,
    arraySort(groupArrayIf(v.fast_score, v.fast_score > -1e308)) AS fast_scores,
    if(
        empty(fast_scores),
        -1e308,
        arrayMax(fast_scores) + log2(arraySum(x -> exp2(x - arrayMax(fast_scores)), fast_scores))
    ) AS fast_score,
    max(v.fast_half_life_ms) AS fast_half_life_ms
FROM {database}.video_totals AS v FINAL
GROUP BY video_id;

-- A video of which every event was invalidated is as if it had never been: not shown.
CREATE OR REPLACE VIEW {database}.videos {on_cluster} AS
SELECT
    video_id,
    creator_id,
    content_type,
    duration_ms,
    published_at,
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
    gift_coins,
    net_likes,
    unique_viewers,
    pool,
    net_favorites,
    is_original,
    is_promoted,
    hashtags,
    sound_id,
    challenge_id
FROM {database}.video_state
WHERE is_published OR (
    impressions, views, qualified_views, watch_ms, completions, likes,
    unlikes, comments, replies, shares, favorites, follows,
    profile_views, not_interested, reports, gifts, gift_coins,
    net_likes, net_favorites
) != (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

CREATE OR REPLACE VIEW {database}.lives {on_cluster} AS
SELECT
    l.live_id AS live_id,
    argMax(l.creator_id, l.version) AS creator_id,
    max(l.started_at) AS started_at,
    max(l.ended_at) AS ended_at,
    sum(l.impressions) AS impressions,
    sum(l.views) AS views,
    sum(l.qualified_views) AS qualified_views,
    sum(l.watch_ms) AS watch_ms,
    sum(l.completions) AS completions,
    sum(l.likes) AS likes,
    sum(l.unlikes) AS unlikes,
    sum(l.comments) AS comments,
    sum(l.replies) AS replies,
    sum(l.shares) AS shares,
    sum(l.favorites) AS favorites,
    sum(l.follows) AS follows,
    sum(l.profile_views) AS profile_views,
    sum(l.not_interested) AS not_interested,
    sum(l.reports) AS reports,
    sum(l.gifts) AS gifts,
    sum(l.gift_coins) AS gift_coins,
    sum(l.unique_viewers) AS unique_viewers,
    sum(l.viewers_now) AS viewers_now
FROM {database}.live_totals AS l FINAL
GROUP BY live_id
HAVING greatest(started_at, ended_at) > toDateTime64(0, 3, 'UTC') OR (
    impressions, views, qualified_views, watch_ms, completions, likes,
    unlikes, comments, replies, shares, favorites, follows,
    profile_views, not_interested, reports, gifts, gift_coins
) != (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
