-- Why an order was frozen, released or made ineligible. (Without a cluster the second statement of
-- each pair finds the column that the first has added.)
ALTER TABLE {database}.order_events{local} {on_cluster}
    ADD COLUMN IF NOT EXISTS reason String CODEC(ZSTD(1)) AFTER refund_micros;

ALTER TABLE {database}.order_events {on_cluster}
    ADD COLUMN IF NOT EXISTS reason String AFTER refund_micros;

CREATE TABLE IF NOT EXISTS {database}.creator_registrations{local} {on_cluster}
(
    creator_id String CODEC(ZSTD(1)),
    event_id String CODEC(ZSTD(1)),
    source UInt32 CODEC(T64, ZSTD(1)),
    event_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    registered_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    birth_date String CODEC(ZSTD(1)),
    version UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = {replacing}
ORDER BY (creator_id, source, version);

{distributed creator_registrations cityHash64(creator_id)};

-- What each creator has of an estimate of a shared video, `creator:micros`; else nothing.
ALTER TABLE {database}.estimates{local} {on_cluster}
    ADD COLUMN IF NOT EXISTS parts Array(String) CODEC(ZSTD(1)) AFTER rate_version;

ALTER TABLE {database}.estimates {on_cluster}
    ADD COLUMN IF NOT EXISTS parts Array(String) AFTER rate_version;

-- Which rates might have applied to what settlement booked, where that depends on facts.
ALTER TABLE {database}.ledger{local} {on_cluster}
    ADD COLUMN IF NOT EXISTS rate_card LowCardinality(String) AFTER reason;

ALTER TABLE {database}.ledger {on_cluster}
    ADD COLUMN IF NOT EXISTS rate_card LowCardinality(String) AFTER reason;

-- What a payout is to pay, written down before it is decided: JSON of its entries.
CREATE TABLE IF NOT EXISTS {database}.payout_plans{local} {on_cluster}
(
    plan String CODEC(ZSTD(1)),
    entry_id String CODEC(ZSTD(1)),
    text String CODEC(ZSTD(3)),
    version UInt64
)
ENGINE = {replacing}
ORDER BY (plan, entry_id);

{distributed payout_plans cityHash64(plan)};
