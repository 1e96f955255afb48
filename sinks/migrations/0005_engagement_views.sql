-- engagement_1m, _1h and _1d: exact sums over panes and source partitions. A cell whose counters
-- are all zero (everything in it was taken back) is not shown. FINAL makes them right in the middle
-- of a replay; a filter on window_start prunes partitions.
CREATE OR REPLACE VIEW {database}.engagement_1m {on_cluster} AS
SELECT
    w.window_start AS window_start,
    w.kind AS kind,
    w.subject_id AS subject_id,
    argMax(w.creator_id, w.version) AS creator_id,
    sum(w.impressions) AS impressions,
    sum(w.views) AS views,
    sum(w.qualified_views) AS qualified_views,
    sum(w.watch_ms) AS watch_ms,
    sum(w.completions) AS completions,
    sum(w.likes) AS likes,
    sum(w.unlikes) AS unlikes,
    sum(w.comments) AS comments,
    sum(w.replies) AS replies,
    sum(w.shares) AS shares,
    sum(w.favorites) AS favorites,
    sum(w.follows) AS follows,
    sum(w.profile_views) AS profile_views,
    sum(w.not_interested) AS not_interested,
    sum(w.reports) AS reports,
    sum(w.gifts) AS gifts,
    sum(w.gift_coins) AS gift_coins
FROM {database}.windows_1m AS w FINAL
GROUP BY window_start, kind, subject_id
HAVING (
    impressions, views, qualified_views, watch_ms, completions, likes,
    unlikes, comments, replies, shares, favorites, follows,
    profile_views, not_interested, reports, gifts, gift_coins
) != (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
SETTINGS do_not_merge_across_partitions_select_final = 1;

CREATE OR REPLACE VIEW {database}.engagement_1h {on_cluster} AS
SELECT
    toStartOfHour(w.window_start, 'UTC') AS window_start,
    w.kind AS kind,
    w.subject_id AS subject_id,
    argMax(w.creator_id, w.version) AS creator_id,
    sum(w.impressions) AS impressions,
    sum(w.views) AS views,
    sum(w.qualified_views) AS qualified_views,
    sum(w.watch_ms) AS watch_ms,
    sum(w.completions) AS completions,
    sum(w.likes) AS likes,
    sum(w.unlikes) AS unlikes,
    sum(w.comments) AS comments,
    sum(w.replies) AS replies,
    sum(w.shares) AS shares,
    sum(w.favorites) AS favorites,
    sum(w.follows) AS follows,
    sum(w.profile_views) AS profile_views,
    sum(w.not_interested) AS not_interested,
    sum(w.reports) AS reports,
    sum(w.gifts) AS gifts,
    sum(w.gift_coins) AS gift_coins
FROM {database}.windows_1m AS w FINAL
GROUP BY window_start, kind, subject_id
HAVING (
    impressions, views, qualified_views, watch_ms, completions, likes,
    unlikes, comments, replies, shares, favorites, follows,
    profile_views, not_interested, reports, gifts, gift_coins
) != (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
SETTINGS do_not_merge_across_partitions_select_final = 1;

CREATE OR REPLACE VIEW {database}.engagement_1d {on_cluster} AS
SELECT
    toDateTime(toStartOfDay(w.window_start, 'UTC'), 'UTC') AS window_start,
    w.kind AS kind,
    w.subject_id AS subject_id,
    argMax(w.creator_id, w.version) AS creator_id,
    sum(w.impressions) AS impressions,
    sum(w.views) AS views,
    sum(w.qualified_views) AS qualified_views,
    sum(w.watch_ms) AS watch_ms,
    sum(w.completions) AS completions,
    sum(w.likes) AS likes,
    sum(w.unlikes) AS unlikes,
    sum(w.comments) AS comments,
    sum(w.replies) AS replies,
    sum(w.shares) AS shares,
    sum(w.favorites) AS favorites,
    sum(w.follows) AS follows,
    sum(w.profile_views) AS profile_views,
    sum(w.not_interested) AS not_interested,
    sum(w.reports) AS reports,
    sum(w.gifts) AS gifts,
    sum(w.gift_coins) AS gift_coins
FROM {database}.windows_1m AS w FINAL
GROUP BY window_start, kind, subject_id
HAVING (
    impressions, views, qualified_views, watch_ms, completions, likes,
    unlikes, comments, replies, shares, favorites, follows,
    profile_views, not_interested, reports, gifts, gift_coins
) != (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
SETTINGS do_not_merge_across_partitions_select_final = 1;
