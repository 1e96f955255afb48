-- Decisions, dead letters and late events as people read them.
CREATE OR REPLACE VIEW {database}.boosts {on_cluster} AS
SELECT video_id, pool, verdict, decided_at, weights_version
FROM {database}.boosts_log FINAL;

CREATE OR REPLACE VIEW {database}.dead_letters {on_cluster} AS
SELECT topic, `partition`, `offset`, stage, reason, detail, raw, event_time
FROM {database}.dead_letters_log FINAL;

CREATE OR REPLACE VIEW {database}.late_events {on_cluster} AS
SELECT
    l.window_start AS window_start,
    l.kind AS kind,
    l.subject_id AS subject_id,
    l.type AS type,
    count() AS events
FROM {database}.late AS l FINAL
GROUP BY window_start, kind, subject_id, type;
