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
CREATE OR REPLACE VIEW {database}.earnings_ledger {on_cluster} AS
SELECT
    entry_id, occurred_at, creator_id, source, state, amount_micros, currency, reference, rate_version
FROM {database}.ledger FINAL
WHERE source != 'payout'
UNION ALL
SELECT
    entry_id, occurred_at, creator_id, source, state, amount_micros, currency, reference, rate_version
FROM {database}.estimates FINAL
WHERE amount_micros != 0
    AND (source, toDate(occurred_at, 'UTC')) GLOBAL NOT IN (
        SELECT source, day FROM {database}.settlements FINAL
    );

CREATE OR REPLACE VIEW {database}.payouts {on_cluster} AS
SELECT
    toDate(occurred_at, 'UTC') AS day,
    creator_id,
    currency,
    -sum(amount_micros) AS paid_micros,
    count() AS entries
FROM {database}.ledger FINAL
WHERE source = 'payout'
GROUP BY day, creator_id, currency;
