-- Money as people read it. An estimate of a shared video is shown in the parts that add up to it, each
-- named by its creator as well (ids inside names are written as in all entry ids).
CREATE OR REPLACE VIEW {database}.earnings_ledger {on_cluster} AS
SELECT
    entry_id, occurred_at, creator_id, source, state, amount_micros, currency, reference, rate_version
FROM {database}.ledger FINAL
WHERE source != 'payout'
SETTINGS do_not_merge_across_partitions_select_final = 1
UNION ALL
SELECT
    if(
        p.part = '',
        p.name,
        concat(p.name, ':', replaceAll(replaceAll(p.part_of, '%', '%25'), ':', '%3A'))
    ) AS entry_id,
    p.occurred_at AS occurred_at,
    if(p.part = '', p.owner_id, p.part_of) AS creator_id,
    p.source AS source,
    p.state AS state,
    if(p.part = '', p.whole_micros, toInt64OrZero(substring(p.part, length(p.part_of) + 2)))
        AS amount_micros,
    p.currency AS currency,
    p.reference AS reference,
    p.rate_version AS rate_version
FROM
(
    SELECT
        e.entry_id AS name,
        e.occurred_at AS occurred_at,
        e.creator_id AS owner_id,
        e.source AS source,
        e.state AS state,
        e.amount_micros AS whole_micros,
        e.currency AS currency,
        e.reference AS reference,
        e.rate_version AS rate_version,
        part,
        substring(part, 1, length(part) - position(reverse(part), ':')) AS part_of
    FROM {database}.estimates AS e FINAL
    ARRAY JOIN if(empty(e.parts), [''], e.parts) AS part
    WHERE e.amount_micros != 0
        AND (e.source, toDate(e.occurred_at, 'UTC')) GLOBAL NOT IN (
            SELECT source, day FROM {database}.settlements FINAL
        )
) AS p
WHERE p.part = '' OR NOT endsWith(p.part, ':0');

-- All money by day and program, whoever earned it: as exact as earnings_daily, and quick to read,
-- for it need not tell creators apart. Every currency has rows of its own.
CREATE OR REPLACE VIEW {database}.earnings_by_source {on_cluster} AS
SELECT
    toDate(e.occurred_at, 'UTC') AS day,
    e.source AS source,
    e.currency AS currency,
    sum(e.amount_micros) AS amount_micros,
    count() AS entries
FROM {database}.earnings_ledger AS e
GROUP BY day, source, currency;

-- An entry is looked up by its id, which the order of the table does not help with. All rows that are
-- written of an entry have its id, so what the index leaves out changes nothing about FINAL.
ALTER TABLE {database}.ledger{local} {on_cluster}
    ADD INDEX IF NOT EXISTS entry entry_id TYPE bloom_filter(0.01) GRANULARITY 4;

ALTER TABLE {database}.ledger{local} {on_cluster} MATERIALIZE INDEX entry;

-- What one video, live or order has earned: the reference is the same in all rows of an entry, too.
ALTER TABLE {database}.ledger{local} {on_cluster}
    ADD INDEX IF NOT EXISTS reference reference TYPE bloom_filter(0.01) GRANULARITY 4;

ALTER TABLE {database}.ledger{local} {on_cluster} MATERIALIZE INDEX reference;
