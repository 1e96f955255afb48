-- What explains a decision: its id, what was measured and against what, where the video is afterwards.
-- On a cluster the first statement is about the tables that hold the data, the second about the table
-- over all shards; elsewhere both name one table, and the second finds nothing to do.
ALTER TABLE {database}.boosts_log{local} {on_cluster}
    ADD COLUMN IF NOT EXISTS decision_id String CODEC(ZSTD(1)) AFTER weights_version,
    ADD COLUMN IF NOT EXISTS reason LowCardinality(String) AFTER decision_id,
    ADD COLUMN IF NOT EXISTS measure Float64 CODEC(ZSTD(1)) AFTER reason,
    ADD COLUMN IF NOT EXISTS lower_bound Float64 CODEC(ZSTD(1)) AFTER measure,
    ADD COLUMN IF NOT EXISTS upper_bound Float64 CODEC(ZSTD(1)) AFTER lower_bound,
    ADD COLUMN IF NOT EXISTS threshold Float64 CODEC(ZSTD(1)) AFTER upper_bound,
    ADD COLUMN IF NOT EXISTS impressions Int64 CODEC(T64, ZSTD(1)) AFTER threshold,
    ADD COLUMN IF NOT EXISTS pool_after LowCardinality(String) AFTER impressions;

ALTER TABLE {database}.boosts_log {on_cluster}
    ADD COLUMN IF NOT EXISTS decision_id String CODEC(ZSTD(1)) AFTER weights_version,
    ADD COLUMN IF NOT EXISTS reason LowCardinality(String) AFTER decision_id,
    ADD COLUMN IF NOT EXISTS measure Float64 CODEC(ZSTD(1)) AFTER reason,
    ADD COLUMN IF NOT EXISTS lower_bound Float64 CODEC(ZSTD(1)) AFTER measure,
    ADD COLUMN IF NOT EXISTS upper_bound Float64 CODEC(ZSTD(1)) AFTER lower_bound,
    ADD COLUMN IF NOT EXISTS threshold Float64 CODEC(ZSTD(1)) AFTER upper_bound,
    ADD COLUMN IF NOT EXISTS impressions Int64 CODEC(T64, ZSTD(1)) AFTER threshold,
    ADD COLUMN IF NOT EXISTS pool_after LowCardinality(String) AFTER impressions;
