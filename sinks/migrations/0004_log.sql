-- What the pipeline says about the log itself: late events, dead letters, decisions, positions.
CREATE TABLE IF NOT EXISTS {database}.late{local} {on_cluster}
(
    source UInt32 CODEC(T64, ZSTD(1)),
    `offset` UInt64 CODEC(Delta, ZSTD(1)),
    window_start DateTime('UTC') CODEC(Delta, ZSTD(1)),
    kind LowCardinality(String),
    subject_id String CODEC(ZSTD(1)),
    type LowCardinality(String),
    event_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    version UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = {replacing}
ORDER BY (source, version);

{distributed late cityHash64(source, version)};

CREATE TABLE IF NOT EXISTS {database}.dead_letters_log{local} {on_cluster}
(
    topic LowCardinality(String),
    `partition` UInt32 CODEC(T64, ZSTD(1)),
    `offset` UInt64 CODEC(Delta, ZSTD(1)),
    stage LowCardinality(String),
    reason LowCardinality(String),
    detail String CODEC(ZSTD(1)),
    raw String CODEC(ZSTD(1)),
    event_time Nullable(DateTime64(3, 'UTC')),
    recorded_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    version UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = {replacing}
ORDER BY (topic, `partition`, version);

{distributed dead_letters_log cityHash64(topic, `partition`)};

CREATE TABLE IF NOT EXISTS {database}.boosts_log{local} {on_cluster}
(
    video_id String CODEC(ZSTD(1)),
    pool LowCardinality(String),
    verdict LowCardinality(String),
    decided_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    weights_version LowCardinality(String),
    version UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = {replacing}
ORDER BY (video_id, pool, decided_at);

{distributed boosts_log cityHash64(video_id)};

CREATE TABLE IF NOT EXISTS {database}.partitions{local} {on_cluster}
(
    topic LowCardinality(String),
    `partition` UInt32,
    position UInt64,
    max_event_time DateTime64(3, 'UTC'),
    messages UInt64,
    counted UInt64,
    duplicates UInt64,
    suppressed UInt64,
    late UInt64,
    dead_letters UInt64,
    unknown_fields UInt64,
    by_type Map(LowCardinality(String), UInt64),
    version UInt64
)
ENGINE = {replacing}
ORDER BY (topic, `partition`);

{distributed partitions cityHash64(topic, `partition`)};
