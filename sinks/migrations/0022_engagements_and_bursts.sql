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
-- What `engage trends` found: one row for each burst of a hashtag, sound or challenge, named by the
-- minute in which it began. Every run judges all closed minutes again, so a row is the whole of its
-- burst; the version is how much of the log was seen. counted = 0: later data took the burst away.
CREATE TABLE IF NOT EXISTS {database}.bursts_log{local} {on_cluster}
(
    kind LowCardinality(String),
    entity_id String CODEC(ZSTD(1)),
    began_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    ended_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    z Float64 CODEC(ZSTD(1)),
    events Float64 CODEC(ZSTD(1)),
    expected Float64 CODEC(ZSTD(1)),
    rules_version LowCardinality(String),
    counted UInt8,
    version UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = {replacing}
ORDER BY (kind, entity_id, began_at);

{distributed bursts_log cityHash64(kind, entity_id)};

-- Up to which time bursts were looked for: one row.
CREATE TABLE IF NOT EXISTS {database}.burst_runs{local} {on_cluster}
(
    name LowCardinality(String),
    through DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    version UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = {replacing}
ORDER BY name;

{distributed burst_runs cityHash64(name)};

-- `ended_at` is empty while it lasts; z, events and what was expected are those of its first minute.
CREATE OR REPLACE VIEW {database}.bursts {on_cluster} AS
SELECT
    kind,
    entity_id,
    began_at,
    if(ended_at <= toDateTime64(0, 3, 'UTC'), NULL, ended_at) AS ended_at,
    z,
    events,
    expected,
    rules_version
FROM {database}.bursts_log FINAL
WHERE counted = 1;
