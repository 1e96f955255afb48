-- Gift streaks, the ledger, estimates, and the days that are settled.
CREATE TABLE IF NOT EXISTS {database}.gift_streaks{local} {on_cluster}
(
    live_id String CODEC(ZSTD(1)),
    user_id String CODEC(ZSTD(1)),
    gift_id String CODEC(ZSTD(1)),
    group_id String CODEC(ZSTD(1)),
    source UInt32 CODEC(T64, ZSTD(1)),
    creator_id String CODEC(ZSTD(1)),
    occurred_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    repeat_count Int64 CODEC(T64, ZSTD(1)),
    coins Int64 CODEC(T64, ZSTD(1)),
    order_ids Array(String) CODEC(ZSTD(1)),
    state LowCardinality(String),
    version UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = {replacing}
ORDER BY (live_id, user_id, gift_id, group_id, source);

{distributed gift_streaks cityHash64(live_id)};

-- An entry never changes, so it is only ever written again with the same content.
CREATE TABLE IF NOT EXISTS {database}.ledger{local} {on_cluster}
(
    entry_id String CODEC(ZSTD(1)),
    occurred_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    creator_id String CODEC(ZSTD(1)),
    source LowCardinality(String),
    state LowCardinality(String),
    amount_micros Int64 CODEC(T64, ZSTD(1)),
    currency LowCardinality(String),
    reference String CODEC(ZSTD(1)),
    rate_version LowCardinality(String),
    reason LowCardinality(String),
    version UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = {replacing}
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (creator_id, toDate(occurred_at), source, entry_id)
SETTINGS min_age_to_force_merge_seconds = 600, min_age_to_force_merge_on_partition_only = 1;

{distributed ledger cityHash64(creator_id)};

-- Cumulative: the last version of an estimate is the whole of it, 0 means that it is gone. The key
-- is the entry alone, for an estimate's time and creator may still change.
CREATE TABLE IF NOT EXISTS {database}.estimates{local} {on_cluster}
(
    entry_id String CODEC(ZSTD(1)),
    occurred_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    creator_id String CODEC(ZSTD(1)),
    source LowCardinality(String),
    state LowCardinality(String),
    amount_micros Int64 CODEC(T64, ZSTD(1)),
    currency LowCardinality(String),
    reference String CODEC(ZSTD(1)),
    rate_version LowCardinality(String),
    version UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = {replacing}
ORDER BY entry_id;

{distributed estimates cityHash64(entry_id)};

CREATE TABLE IF NOT EXISTS {database}.settlements{local} {on_cluster}
(
    source LowCardinality(String),
    day Date,
    settled_at DateTime64(3, 'UTC'),
    rate_version LowCardinality(String),
    version UInt64
)
ENGINE = {replacing}
ORDER BY (source, day);

{distributed settlements cityHash64(source, day)};
