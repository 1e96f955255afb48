-- Facts: one row for each counted event that settlement looks at on its own. A row with counted = 0
-- was invalidated: only its key says something. The event time is part of the keys because an id may
-- come again, with another time, after the horizon; orders and clicks are never taken back, so there
-- the version names the event.
CREATE TABLE IF NOT EXISTS {database}.order_events{local} {on_cluster}
(
    user_id String CODEC(ZSTD(1)),
    order_id String CODEC(ZSTD(1)),
    type LowCardinality(String),
    event_id String CODEC(ZSTD(1)),
    source UInt32 CODEC(T64, ZSTD(1)),
    event_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    creator_id String CODEC(ZSTD(1)),
    seller_id String CODEC(ZSTD(1)),
    product_id String CODEC(ZSTD(1)),
    link_id String CODEC(ZSTD(1)),
    quantity Int64 CODEC(T64, ZSTD(1)),
    paid_micros Int64 CODEC(T64, ZSTD(1)),
    currency LowCardinality(String),
    refund_micros Nullable(Int64) CODEC(T64, ZSTD(1)),
    version UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = {replacing}
ORDER BY (order_id, user_id, source, version);

{distributed order_events cityHash64(user_id)};

CREATE TABLE IF NOT EXISTS {database}.affiliate_clicks{local} {on_cluster}
(
    user_id String CODEC(ZSTD(1)),
    event_id String CODEC(ZSTD(1)),
    source UInt32 CODEC(T64, ZSTD(1)),
    event_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    creator_id String CODEC(ZSTD(1)),
    seller_id String CODEC(ZSTD(1)),
    product_id String CODEC(ZSTD(1)),
    link_id String CODEC(ZSTD(1)),
    live_id String CODEC(ZSTD(1)),
    version UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = {replacing}
ORDER BY (user_id, source, version);

{distributed affiliate_clicks cityHash64(user_id)};

CREATE TABLE IF NOT EXISTS {database}.product_views{local} {on_cluster}
(
    user_id String CODEC(ZSTD(1)),
    video_id String CODEC(ZSTD(1)),
    event_id String CODEC(ZSTD(1)),
    source UInt32 CODEC(T64, ZSTD(1)),
    event_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    creator_id String CODEC(ZSTD(1)),
    product_ids Array(String) CODEC(ZSTD(1)),
    counted UInt8,
    version UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = {replacing}
ORDER BY (user_id, video_id, event_id, event_time, source);

{distributed product_views cityHash64(user_id)};

CREATE TABLE IF NOT EXISTS {database}.search_views{local} {on_cluster}
(
    video_id String CODEC(ZSTD(1)),
    event_id String CODEC(ZSTD(1)),
    source UInt32 CODEC(T64, ZSTD(1)),
    event_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    counted UInt8,
    version UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = {replacing}
ORDER BY (video_id, event_id, event_time, source);

{distributed search_views cityHash64(video_id)};

CREATE TABLE IF NOT EXISTS {database}.deals{local} {on_cluster}
(
    video_id String CODEC(ZSTD(1)),
    deal_id String CODEC(ZSTD(1)),
    event_id String CODEC(ZSTD(1)),
    source UInt32 CODEC(T64, ZSTD(1)),
    event_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    creator_id String CODEC(ZSTD(1)),
    brand_id String CODEC(ZSTD(1)),
    fee_micros Int64 CODEC(T64, ZSTD(1)),
    currency LowCardinality(String),
    milestones Array(String) CODEC(ZSTD(1)),
    counted UInt8,
    version UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = {replacing}
ORDER BY (video_id, deal_id, event_id, event_time, source);

{distributed deals cityHash64(video_id)};

CREATE TABLE IF NOT EXISTS {database}.follow_actions{local} {on_cluster}
(
    creator_id String CODEC(ZSTD(1)),
    user_id String CODEC(ZSTD(1)),
    event_id String CODEC(ZSTD(1)),
    source UInt32 CODEC(T64, ZSTD(1)),
    event_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    following UInt8,
    counted UInt8,
    version UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = {replacing}
ORDER BY (creator_id, user_id, event_time, event_id, source);

{distributed follow_actions cityHash64(creator_id, user_id)};
