-- The estimates of days that are not settled, on their own: who looks for the newest entries need not read
-- the ledger for them. Internal, as video_state is; `earnings_ledger` is the same as before. An estimate
-- of a shared video is shown in the parts that add up to it, each named by its creator as well (ids
-- inside names are written as in all entry ids).
CREATE OR REPLACE VIEW {database}.estimated_earnings {on_cluster} AS
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

CREATE OR REPLACE VIEW {database}.earnings_ledger {on_cluster} AS
SELECT
    entry_id, occurred_at, creator_id, source, state, amount_micros, currency, reference, rate_version
FROM {database}.ledger FINAL
WHERE source != 'payout'
SETTINGS do_not_merge_across_partitions_select_final = 1
UNION ALL
SELECT
    entry_id, occurred_at, creator_id, source, state, amount_micros, currency, reference, rate_version
FROM {database}.estimated_earnings;
