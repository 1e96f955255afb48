-- The ledger by week instead of by month. Rows of parts that are not merged yet are compared with each
-- other by every question that adds up money, and a partition rests unmerged as long as it is written to:
-- a month is most of what people look at, a week is not. A creator's entries are few in each week, so the
-- primary key points at shorter stretches. The old ledger stays, as `ledger_replaced`, and nothing reads
-- it: money is not dropped by a migration. Two runs at once may exchange the tables twice; every entry is
-- in both of them all the same.
CREATE TABLE IF NOT EXISTS {database}.ledger_replaced{local} {on_cluster}
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
    rate_card LowCardinality(String),
    version UInt64 CODEC(Delta, ZSTD(1)),
    INDEX entry entry_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX reference reference TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = {replacing}
PARTITION BY toMonday(occurred_at)
ORDER BY (creator_id, toDate(occurred_at), source, entry_id)
SETTINGS min_age_to_force_merge_seconds = 600, min_age_to_force_merge_on_partition_only = 1,
    index_granularity = 2048;

{distributed ledger_replaced cityHash64(creator_id)};

INSERT INTO {database}.ledger_replaced SELECT * FROM {database}.ledger
SETTINGS max_partitions_per_insert_block = 0, distributed_foreground_insert = 1;

EXCHANGE TABLES {database}.ledger{local} AND {database}.ledger_replaced{local} {on_cluster};
