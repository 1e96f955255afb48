-- Whose worker reads a partition, by its own clock, and what of the log it has not applied yet. No count
-- depends on it: it tells a log where nothing happens from a worker that is gone.
CREATE TABLE IF NOT EXISTS {database}.heartbeats{local} {on_cluster}
(
    topic LowCardinality(String),
    `partition` UInt32,
    beat_at DateTime64(3, 'UTC'),
    waiting UInt64,
    stopped UInt8,
    version UInt64
)
ENGINE = {replacing}
ORDER BY (topic, `partition`);

{distributed heartbeats cityHash64(topic, `partition`)};
