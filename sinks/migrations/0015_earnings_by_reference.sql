-- What each video, live and order has earned, by program. Estimates are in it, payouts are not; like
-- every sum without a currency beside it, it is of USD alone.
CREATE OR REPLACE VIEW {database}.earnings_by_reference {on_cluster} AS
SELECT
    e.reference AS reference,
    e.source AS source,
    sum(e.amount_micros) AS amount_micros,
    count() AS entries
FROM {database}.earnings_ledger AS e
WHERE e.currency = 'USD'
GROUP BY reference, source;
