-- What each video has earned by what is booked, added up by every settlement: who looks at all videos at
-- once need not add up the ledger. Internal; the ledger is what counts. A row is of so many entries as
-- its version says: entries only come, so the row of the most entries is the last one.
CREATE TABLE IF NOT EXISTS {database}.video_earnings{local} {on_cluster}
(
    video_id String CODEC(ZSTD(1)),
    currency LowCardinality(String),
    amount_micros Int64 CODEC(T64, ZSTD(1)),
    version UInt64 CODEC(T64, ZSTD(1))
)
ENGINE = {replacing}
ORDER BY (video_id, currency);

{distributed video_earnings cityHash64(video_id)};

-- What is booked already; as settlement does it (scripts/settlement/video_earnings.py).
INSERT INTO {database}.video_earnings (video_id, currency, amount_micros, version)
SELECT substring(l.reference, 7), l.currency, sum(l.amount_micros), count()
FROM {database}.ledger AS l FINAL
WHERE startsWith(l.reference, 'video:')
GROUP BY l.reference, l.currency
SETTINGS do_not_merge_across_partitions_select_final = 1, parallel_distributed_insert_select = 0;
