-- Minute windows: the base of engagement_1m, _1h and _1d.
-- The partition and the key hold only event time and ids, never insert time: replacing works inside
-- one partition of one shard only.
CREATE TABLE IF NOT EXISTS {database}.windows_1m{local} {on_cluster}
(
    window_start DateTime('UTC') CODEC(Delta, ZSTD(1)),
    kind LowCardinality(String),
    subject_id String CODEC(ZSTD(1)),
    creator_id String CODEC(ZSTD(1)),
    source UInt32 CODEC(T64, ZSTD(1)),
    pane UInt64 CODEC(Delta, ZSTD(1)),
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
    version UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = {replacing}
PARTITION BY toYYYYMMDD(window_start)
ORDER BY (window_start, kind, subject_id, source, pane)
SETTINGS min_age_to_force_merge_seconds = 600, min_age_to_force_merge_on_partition_only = 1;

{distributed windows_1m cityHash64(kind, subject_id)};
