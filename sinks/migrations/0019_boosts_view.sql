-- Decisions of the For You pools, each with the figures behind it.
CREATE OR REPLACE VIEW {database}.boosts {on_cluster} AS
SELECT
    video_id,
    pool,
    verdict,
    decided_at,
    weights_version,
    decision_id,
    reason,
    measure,
    lower_bound,
    upper_bound,
    threshold,
    impressions,
    pool_after
FROM {database}.boosts_log FINAL;
