-- The arithmetic behind entries that settlement books, as JSON: [[label, value, unit, note], ...].
CREATE TABLE IF NOT EXISTS {database}.explanations{local} {on_cluster}
(
    entry_id String CODEC(ZSTD(1)),
    text String CODEC(ZSTD(3)),
    version UInt64
)
ENGINE = {replacing}
ORDER BY entry_id;

{distributed explanations cityHash64(entry_id)};
