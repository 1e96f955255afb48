-- Running totals per video and per live session, and the last word on every follow.
CREATE TABLE IF NOT EXISTS {database}.video_totals{local} {on_cluster}
(
    video_id String CODEC(ZSTD(1)),
    source UInt32 CODEC(T64, ZSTD(1)),
    creator_id String CODEC(ZSTD(1)),
    content_type LowCardinality(String),
    duration_ms Int64 CODEC(T64, ZSTD(1)),
    published_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    is_original UInt8,
    is_promoted UInt8,
    hashtags Array(String) CODEC(ZSTD(1)),
    sound_id String CODEC(ZSTD(1)),
    challenge_id String CODEC(ZSTD(1)),
    collaborators Array(String) CODEC(ZSTD(1)),
    product_ids Array(String) CODEC(ZSTD(1)),
    impressions Int64 CODEC(T64, ZSTD(1)),
    views Int64 CODEC(T64, ZSTD(1)),
    qualified_views Int64 CODEC(T64, ZSTD(1)),
    watch_ms Int64 CODEC(T64, ZSTD(1)),
    completions Int64 CODEC(T64, ZSTD(1)),
    likes Int64 CODEC(T64, ZSTD(1)),
    unlikes Int64 CODEC(T64, ZSTD(1)),
    comments Int64 CODEC(T64, ZSTD(1)),
    replies Int64 CODEC(T64, ZSTD(1)),
    shares Int64 CODEC(T64, ZSTD(1)),
    favorites Int64 CODEC(T64, ZSTD(1)),
    follows Int64 CODEC(T64, ZSTD(1)),
    profile_views Int64 CODEC(T64, ZSTD(1)),
    not_interested Int64 CODEC(T64, ZSTD(1)),
    reports Int64 CODEC(T64, ZSTD(1)),
    gifts Int64 CODEC(T64, ZSTD(1)),
    gift_coins Int64 CODEC(T64, ZSTD(1)),
    net_likes Int64 CODEC(T64, ZSTD(1)),
    net_favorites Int64 CODEC(T64, ZSTD(1)),
    unique_viewers Int64 CODEC(T64, ZSTD(1)),
    pool LowCardinality(String),
    score Float64 CODEC(ZSTD(1)),
    fast_score Float64 CODEC(ZSTD(1)),
    half_life_ms Int64 CODEC(T64, ZSTD(1)),
    fast_half_life_ms Int64 CODEC(T64, ZSTD(1)),
    weights_version LowCardinality(String),
    version UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = {replacing}
ORDER BY (video_id, source);

{distributed video_totals cityHash64(video_id)};

CREATE TABLE IF NOT EXISTS {database}.live_totals{local} {on_cluster}
(
    live_id String CODEC(ZSTD(1)),
    source UInt32 CODEC(T64, ZSTD(1)),
    creator_id String CODEC(ZSTD(1)),
    started_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    ended_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    impressions Int64 CODEC(T64, ZSTD(1)),
    views Int64 CODEC(T64, ZSTD(1)),
    qualified_views Int64 CODEC(T64, ZSTD(1)),
    watch_ms Int64 CODEC(T64, ZSTD(1)),
    completions Int64 CODEC(T64, ZSTD(1)),
    likes Int64 CODEC(T64, ZSTD(1)),
    unlikes Int64 CODEC(T64, ZSTD(1)),
    comments Int64 CODEC(T64, ZSTD(1)),
    replies Int64 CODEC(T64, ZSTD(1)),
    shares Int64 CODEC(T64, ZSTD(1)),
    favorites Int64 CODEC(T64, ZSTD(1)),
    follows Int64 CODEC(T64, ZSTD(1)),
    profile_views Int64 CODEC(T64, ZSTD(1)),
    not_interested Int64 CODEC(T64, ZSTD(1)),
    reports Int64 CODEC(T64, ZSTD(1)),
    gifts Int64 CODEC(T64, ZSTD(1)),
    gift_coins Int64 CODEC(T64, ZSTD(1)),
    unique_viewers Int64 CODEC(T64, ZSTD(1)),
    viewers_now Int64 CODEC(T64, ZSTD(1)),
    version UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = {replacing}
ORDER BY (live_id, source);

{distributed live_totals cityHash64(live_id)};

CREATE TABLE IF NOT EXISTS {database}.follows{local} {on_cluster}
(
    creator_id String CODEC(ZSTD(1)),
    user_id String CODEC(ZSTD(1)),
    source UInt32 CODEC(T64, ZSTD(1)),
    following UInt8,
    event_time_ms Int64 CODEC(Delta, ZSTD(1)),
    event_id String CODEC(ZSTD(1)),
    version UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = {replacing}
ORDER BY (creator_id, user_id, source);

{distributed follows cityHash64(creator_id, user_id)};
