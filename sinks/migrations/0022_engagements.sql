-- One more fact: what viewers (and creators, by replying) did with a video, apart from watching it:
-- likes, comments, replies, shares, favorites and follows. Who did what and when is what bursts,
-- fans and collaborations are made of. A row with counted = 0 was invalidated.
CREATE TABLE IF NOT EXISTS {database}.engagements{local} {on_cluster}
(
    video_id String CODEC(ZSTD(1)),
    user_id String CODEC(ZSTD(1)),
    event_id String CODEC(ZSTD(1)),
    type LowCardinality(String),
    source UInt32 CODEC(T64, ZSTD(1)),
    event_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    creator_id String CODEC(ZSTD(1)),
    counted UInt8,
    version UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = {replacing}
PARTITION BY toYYYYMMDD(event_time)
ORDER BY (event_time, video_id, event_id, source)
SETTINGS min_age_to_force_merge_seconds = 600, min_age_to_force_merge_on_partition_only = 1;

{distributed engagements cityHash64(video_id)};
