-- What simulated experiments found (`engage experiment`): one row for each treatment, group and measure.
CREATE TABLE IF NOT EXISTS {database}.experiments{local} {on_cluster}
(
    experiment LowCardinality(String),
    treatment LowCardinality(String),
    group_name LowCardinality(String),
    measure LowCardinality(String),
    weights LowCardinality(String),
    seeds UInt32,
    control_mean Float64,
    change Float64,
    change_low Float64,
    change_high Float64,
    has_ratio UInt8,
    per_1000_likes Float64,
    per_1000_low Float64,
    per_1000_high Float64,
    version UInt64
)
ENGINE = {replacing}
ORDER BY (experiment, treatment, group_name, measure);

{distributed experiments cityHash64(experiment)};
