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

-- What creators earned: payouts are no earnings, so they are shown on their own. Balances have both.
-- An entry never changes, so all rows that are written of it have one time, and FINAL need not look for
-- it in other months: parts that are alone in their month are then read without being merged.
CREATE OR REPLACE VIEW {database}.earnings_ledger {on_cluster} AS
SELECT
    entry_id, occurred_at, creator_id, source, state, amount_micros, currency, reference, rate_version
FROM {database}.ledger FINAL
WHERE source != 'payout'
SETTINGS do_not_merge_across_partitions_select_final = 1
UNION ALL
SELECT
    entry_id, occurred_at, creator_id, source, state, amount_micros, currency, reference, rate_version
FROM {database}.estimates FINAL
WHERE amount_micros != 0
    AND (source, toDate(occurred_at, 'UTC')) GLOBAL NOT IN (
        SELECT source, day FROM {database}.settlements FINAL
    );

-- What is owed: booked entries only. A balance may be negative and is carried forward.
CREATE OR REPLACE VIEW {database}.balances {on_cluster} AS
SELECT
    l.creator_id AS creator_id,
    l.currency AS currency,
    sum(l.amount_micros) AS amount_micros
FROM {database}.ledger AS l FINAL
WHERE l.state IN ('final', 'adjustment')
GROUP BY creator_id, currency
SETTINGS do_not_merge_across_partitions_select_final = 1;

CREATE OR REPLACE VIEW {database}.payouts {on_cluster} AS
SELECT
    toDate(occurred_at, 'UTC') AS day,
    creator_id,
    currency,
    -sum(amount_micros) AS paid_micros,
    count() AS entries
FROM {database}.ledger FINAL
WHERE source = 'payout'
GROUP BY day, creator_id, currency
SETTINGS do_not_merge_across_partitions_select_final = 1;
