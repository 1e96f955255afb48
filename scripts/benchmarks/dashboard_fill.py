"""Fills the real tables with five million rows and more, by the engine's own INSERT SELECT.

What a busy week leaves: minutes of the same few popular videos and of many small ones, a ledger of
two months, lives, follows, decisions, dead letters. Rows are a pure function of their number, so two
fillings are the same. One row in fifty is written twice with two versions, as a worker does that
corrects a minute: FINAL has something to do.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

from clickhouse_connect.driver.client import Client

from scripts.settlement.video_earnings import ADD_UP

# The newest event, on a Thursday, a second before midnight: every span that ends "now" has its whole length.
NOW = "toDateTime('2025-04-03 23:59:59', 'UTC')"
WEEK_MINUTES = 7 * 1_440
LEDGER_DAYS = 60
PARTS_A_DAY = 4  # a worker leaves more, and merges take them away again


@dataclasses.dataclass(frozen=True)
class Size:
    """How many rows of each kind there are."""

    windows: int = 5_000_000
    ledger: int = 5_000_000
    videos: int = 250_000
    creators: int = 100_000
    follows: int = 2_000_000
    lives: int = 50_000
    streaks: int = 1_000_000
    explanations: int = 1_000_000
    dead_letters: int = 200_000
    late: int = 200_000
    decisions: int = 300_000
    engagements: int = 2_000_000  # of the newest day
    findings: int = 200

    def scaled(self, share: float) -> Size:
        """Return a smaller size of the same shape; at least one row a minute of the week."""
        scaled = {
            name: max(1_000, int(count * share)) for name, count in dataclasses.asdict(self).items()
        }
        return Size(**{**scaled, "windows": max(WEEK_MINUTES, scaled["windows"])})


# A tenth of a minute's videos are always the same popular ones; one row in fifty is of a live.
_WINDOWS = f"""
INSERT INTO windows_1m (window_start, kind, subject_id, creator_id, source, pane, impressions, views,
    qualified_views, watch_ms, completions, likes, comments, shares, favorites, follows, gifts,
    gift_coins, version)
SELECT toStartOfMinute({NOW}) - 60 * (minutes_ago) AS window_start,
    if(is_live, 'live', 'video') AS kind,
    if(is_live, concat('l', toString(minutes_ago % {{lives:UInt64}} + k)), concat('v', toString(video))),
    concat('c', toString(video % {{creators:UInt64}})), video % 4, 1,
    if(is_live, 0, 4 + h % 60) AS impressions,
    intDiv(impressions, 2) + is_live, intDiv(impressions, 3), impressions * 9000,
    intDiv(impressions, 9), h % 7, h % 3, h % 2, h % 2, h % 2, if(is_live, h % 5, 0),
    if(is_live, h % 500, 0), {{version:UInt64}}
FROM (
    SELECT intDiv(number, {{per_minute:UInt64}}) AS minutes_ago, number % {{per_minute:UInt64}} AS k,
        k % 50 = 49 AS is_live, cityHash64(number) AS h,
        if(k * 10 < {{per_minute:UInt64}}, k,
           {{per_minute:UInt64}} + (k * 977 + minutes_ago * 6151) % ({{videos:UInt64}} - {{per_minute:UInt64}})) AS video
    FROM numbers_mt({{first:UInt64}}, {{count:UInt64}})
)
"""
_VIDEOS = f"""
INSERT INTO video_totals (video_id, source, creator_id, content_type, duration_ms, published_at,
    is_original, hashtags, sound_id, challenge_id, impressions, views, qualified_views, watch_ms,
    completions, likes, comments, shares, favorites, net_likes, net_favorites, unique_viewers, pool,
    score, fast_score, half_life_ms, fast_half_life_ms, weights_version, version)
SELECT concat('v', toString(number)), number % 4, concat('c', toString(number % {{creators:UInt64}})),
    ['comedy', 'dance', 'music', 'pets', 'food', 'sport'][1 + h % 6], 5000 + h % 600000,
    toDateTime64({NOW}, 3, 'UTC') - intDiv(number * 5184000, {{videos:UInt64}}), h % 10 > 0,
    arrayDistinct([concat('t', toString(h % 20000)), concat('t', toString(h % 97)), 'fyp']),
    if(h % 4 = 0, '', concat('a', toString(h % 30000))),
    if(h % 8 = 0, concat('ch', toString(h % 500)), ''),
    20 + intDiv(9000000, number + 3) AS impressions, intDiv(impressions, 2) AS views,
    intDiv(impressions, 3), views * 9000, intDiv(views, 4), intDiv(views, 30) AS likes,
    intDiv(views, 400), intDiv(views, 900), intDiv(views, 300), likes, intDiv(views, 300),
    intDiv(views * 9, 10),
    if(impressions < 300, 'L1', if(impressions < 1000, 'L2', 'L3')),
    toUnixTimestamp({NOW}) / 21600 + log2(1 + views) - h % 40,
    toUnixTimestamp({NOW}) / 3600 + log2(1 + views) - h % 90, 21600000, 3600000, 'weights-1',
    {{version:UInt64}}
FROM (SELECT number, cityHash64(number, 2) AS h FROM numbers_mt({{first:UInt64}}, {{count:UInt64}}))
"""
# Half gifts; programs of a whole day book at its start. One entry in ten is an adjustment, one in
# twenty is in euros.
_LEDGER = f"""
INSERT INTO ledger (entry_id, occurred_at, creator_id, source, state, amount_micros, currency, reference,
    rate_version, reason, version)
SELECT concat(source, ':', toString(number)) AS entry_id,
    toDateTime64(toStartOfDay({NOW}), 3, 'UTC') - 86400 * days_ago
        + if(startsWith(source, 'creator_'), 0, h % 86400) AS occurred_at,
    concat('c', toString(intDiv(h, 7) % {{creators:UInt64}} * (h % 3 + 1) % {{creators:UInt64}})) AS creator_id,
    ['gift', 'gift', 'gift', 'gift', 'creator_rewards', 'creator_fund', 'affiliate', 'sale',
     'brand_deal', 'gift'][1 + number % 10] AS source,
    if(h % 10 = 9, 'adjustment', 'final') AS state, toInt64(h % 2000000) - 100000 AS amount_micros,
    if(h % 20 = 3, 'EUR', 'USD') AS currency,
    if(source = 'gift', concat('live:l', toString(h % {{lives:UInt64}})),
       concat('video:v', toString(h % {{videos:UInt64}}))) AS reference,
    'rate-1' AS rate_version, '' AS reason, 1 AS version
FROM (
    SELECT number, cityHash64(number, 3) AS h, intDiv(number * {LEDGER_DAYS}, {{rows:UInt64}}) AS days_ago
    FROM numbers_mt({{first:UInt64}}, {{count:UInt64}})
)
"""
_OTHERS = (
    f"""
    INSERT INTO estimates (entry_id, occurred_at, creator_id, source, state, amount_micros, currency,
        reference, rate_version, version)
    SELECT concat('creator_rewards:v', toString(number), ':2025-04-03'),
        toDateTime64(toStartOfDay({NOW}), 3, 'UTC'), concat('c', toString(number % {{creators:UInt64}})),
        'creator_rewards', 'estimated', 1000 + number % 5000, 'USD', concat('video:v', toString(number)),
        'rate-1', 1
    FROM numbers_mt(intDiv({{videos:UInt64}}, 4))
    """,
    f"""
    INSERT INTO settlements (source, day, settled_at, rate_version, version)
    SELECT source, toDate({NOW}) - 1 - number AS day, {NOW}, 'rate-1', 1
    FROM numbers({LEDGER_DAYS})
    ARRAY JOIN ['creator_fund', 'creator_rewards', 'affiliate', 'sale', 'brand_deal'] AS source
    """,
    """
    INSERT INTO follows (creator_id, user_id, source, following, event_time_ms, event_id, version)
    SELECT concat('c', toString(cityHash64(number) % {creators:UInt64})), concat('u', toString(number)),
        number % 4, number % 9 > 0, 1743465599000, toString(number), 1
    FROM numbers_mt({follows:UInt64})
    """,
    f"""
    INSERT INTO live_totals (live_id, source, creator_id, started_at, ended_at, views, likes, gifts,
        gift_coins, unique_viewers, viewers_now, version)
    SELECT concat('l', toString(number)), number % 4, concat('c', toString(number % {{creators:UInt64}})),
        toDateTime64({NOW}, 3, 'UTC') - 60 * number AS started_at,
        if(number < 200, toDateTime64(0, 3, 'UTC'), started_at + 3600), number % 900, number % 7000,
        number % 90, number % 9000, number % 800, if(number < 200, number, 0), 1
    FROM numbers_mt({{lives:UInt64}})
    """,
    f"""
    INSERT INTO gift_streaks (live_id, user_id, gift_id, group_id, source, creator_id, occurred_at,
        repeat_count, coins, order_ids, state, version)
    SELECT concat('l', toString(number % {{lives:UInt64}})), concat('u', toString(number)), 'rose',
        toString(number), number % 4, concat('c', toString(number % {{creators:UInt64}})),
        toDateTime64({NOW}, 3, 'UTC') - number % 604800, 1 + number % 20, 5, ['o1'], 'final', 1
    FROM numbers_mt({{streaks:UInt64}})
    """,
    f"""
    INSERT INTO boosts_log (video_id, pool, verdict, decided_at, weights_version, decision_id, reason,
        measure, lower_bound, upper_bound, threshold, impressions, pool_after, version)
    SELECT concat('v', toString(intDiv(number, 3))), concat('L', toString(1 + number % 3)) AS pool,
        ['promote', 'stop', 'hold', 'promote'][1 + number % 4] AS verdict,
        toDateTime64({NOW}, 3, 'UTC') - 60 * (number % 10080), 'contribution-1',
        concat(video_id, ':', pool), 'surely above', 1.2, 0.9, 1.5, 0.813, 300 + number % 9000,
        if(verdict = 'promote', concat('L', toString(2 + number % 3)), pool), 1
    FROM (SELECT number, concat('v', toString(intDiv(number, 3))) AS video_id
        FROM numbers_mt({{decisions:UInt64}}))
    """,
    f"""
    INSERT INTO engagements (video_id, user_id, event_id, type, source, event_time, creator_id, counted,
        version)
    SELECT concat('v', toString(h % 1000 * (h % 3 + 1) % {{videos:UInt64}})), concat('u', toString(h % 50000)),
        toString(number), ['like', 'like', 'like', 'comment', 'share', 'favorite', 'follow', 'reply'][1 + h % 8],
        number % 4, fromUnixTimestamp64Milli(toInt64(toUnixTimestamp({NOW}) * 1000
            - intDiv(number * 86400000, {{engagements:UInt64}})), 'UTC'),
        concat('c', toString(h % {{creators:UInt64}})), h % 50 > 0, number + 1
    FROM (SELECT number, cityHash64(number, 5) AS h FROM numbers_mt({{engagements:UInt64}}))
    """,
    """
    INSERT INTO experiments (experiment, question, treatment, group_name, measure, weights, seeds,
        control_mean, change, change_low, change_high, has_ratio, per_1000_likes, per_1000_low,
        per_1000_high, version)
    SELECT 'likes', 'what if', concat('likes x ', toString(number % 4)), 'chosen',
        concat('measure ', toString(number)), 'contribution-1', 8, 100, number, number - 1, number + 1, 1,
        1, 0.5, 1.5, 1
    FROM numbers_mt({findings:UInt64})
    """,
    """
    INSERT INTO explanations (entry_id, text, version)
    SELECT concat('affiliate:', toString(number * 10 + 6)),
        '[["paid and kept",89790001,"USD",""],["rate",1200,"bps","the highest in force in 30 days"],'
        || '["amount",' || toString(number) || ',"USD","half-even"]]', 1
    FROM numbers_mt({explanations:UInt64})
    """,
    f"""
    INSERT INTO dead_letters_log (topic, `partition`, `offset`, stage, reason, detail, raw, event_time,
        recorded_at, version)
    SELECT 'engagement.events', number % 4, number, 'decode',
        ['malformed_json', 'unknown_type', 'missing_field', 'out_of_range', 'wrong_key'][1 + number % 5],
        'detail', repeat('x', 150), NULL, toDateTime64({NOW}, 3, 'UTC'), number + 1
    FROM numbers_mt({{dead_letters:UInt64}})
    """,
    f"""
    INSERT INTO late (source, `offset`, window_start, kind, subject_id, type, event_time, version)
    SELECT number % 4, number, {NOW} - 60 * (number % 9000), 'video',
        concat('v', toString(number % {{videos:UInt64}})), ['like', 'view', 'share'][1 + number % 3],
        toDateTime64({NOW}, 3, 'UTC'), number + 1
    FROM numbers_mt({{late:UInt64}})
    """,
    f"""
    INSERT INTO partitions (topic, `partition`, position, max_event_time, messages, counted, duplicates,
        suppressed, late, dead_letters, unknown_fields, by_type, version)
    SELECT 'engagement.events', number, 9000000, toDateTime64({NOW}, 3, 'UTC'), 9000000, 8900000, 90000,
        5000, 3000, 2000, 0, map('view', toUInt64(4000000), 'impression', toUInt64(4900000)), 1
    FROM numbers(4)
    """,
)


def fill(client: Client, size: Size) -> None:
    """Fill the empty tables; parts stay as they were inserted as far as the engine lets them."""
    parameters = dataclasses.asdict(size)
    per_minute = -(-size.windows // WEEK_MINUTES)
    parameters |= {"per_minute": per_minute, "rows": size.ledger}
    for first, count in _blocks(per_minute * WEEK_MINUTES, 7 * PARTS_A_DAY):
        _insert(client, _WINDOWS, parameters, first=first, count=count, version=1)
        _insert(client, _WINDOWS, parameters, first=first, count=count // 50, version=2)
    for first, count in _blocks(size.videos, 5):
        _insert(client, _VIDEOS, parameters, first=first, count=count, version=1)
        _insert(client, _VIDEOS, parameters, first=first, count=count // 50, version=2)
    for first, count in _blocks(size.ledger, 16):
        _insert(client, _LEDGER, parameters, first=first, count=count)
    for text in _OTHERS:
        _insert(client, text, parameters)
    client.command(ADD_UP)


def merge_what_rests(client: Client) -> None:
    """Do what the engine does with partitions that nothing was written to for ten minutes.

    The newest day of `windows_1m` and the newest week of `ledger`, a Monday to a Thursday, are written to
    and stay as they are; so do tables without partitions, of which merges keep a few large parts.
    """
    for table in ("windows_1m", "ledger"):
        found = client.query(
            "SELECT DISTINCT partition_id FROM system.parts WHERE active "
            "AND database = currentDatabase() AND table = {table:String} ORDER BY partition_id",
            {"table": table},
        )
        for (partition_id,) in found.result_rows[:-1]:
            client.command(f"OPTIMIZE TABLE {table} PARTITION ID '{partition_id}' FINAL")


def counted(client: Client) -> dict[str, tuple[int, int]]:
    """Return rows and active parts of each table that has rows."""
    found = client.query(
        "SELECT table, sum(rows), count() FROM system.parts "
        "WHERE database = currentDatabase() AND active GROUP BY table ORDER BY table"
    )
    return {str(table): (int(rows), int(parts)) for table, rows, parts in found.result_rows}


def _insert(client: Client, text: str, parameters: dict[str, int], **more: int) -> None:
    client.command(text, parameters={**parameters, **more})


def _blocks(rows: int, blocks: int) -> Iterator[tuple[int, int]]:
    edges = [rows * i // blocks for i in range(blocks + 1)]
    for first, end in itertools.pairwise(edges):
        yield first, end - first
