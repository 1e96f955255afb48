"""What Grafana shows: one board for each section of the built-in page, and two for operators.

`earnings_daily` and the sums without a currency beside them are of USD; the ledger has every
currency, and its panels show the one that the viewer chose.
"""

from __future__ import annotations

from dashboard.content_queries import DIMENSION
from dashboard.grafana_operations import OPERATIONS
from dashboard.grafana_panels import Board, Choose, Panel
from dashboard.grafana_workers import WORKERS

CURRENCY = Choose("currency", "Currency", ("USD", "EUR", "GBP", "JPY"))

OVERVIEW = Board(
    "overview",
    "engage: overview",
    "What came in, what became of it, and how far event time is.",
    (
        (
            5,
            (
                Panel(
                    "Messages",
                    "Every message is exactly one of these: counted, a duplicate, suppressed, late, or a dead letter.",
                    "stat",
                    16,
                    """SELECT sum(messages) AS messages, sum(counted) AS counted,
                    sum(duplicates) AS duplicates, sum(suppressed) AS suppressed, sum(late) AS late,
                    sum(dead_letters) AS dead_letters FROM partitions FINAL""",
                ),
                Panel(
                    "Age of the newest event",
                    "By the clock, per topic. Grows while no events come; of a replayed log it is the log's age.",
                    "stat",
                    8,
                    """SELECT topic, dateDiff('second', max(max_event_time), now64(3)) AS seconds
                    FROM partitions FINAL GROUP BY topic ORDER BY topic""",
                    unit="s",
                    warn_above=60,
                ),
            ),
        ),
        (
            9,
            (
                Panel(
                    "Engagement",
                    "What viewers did in each step of event time, videos and lives together.",
                    "timeseries",
                    16,
                    """SELECT $__timeInterval(window_start) AS time, sum(impressions) AS impressions,
                    sum(views) AS views, sum(likes) AS likes, sum(comments) AS comments,
                    sum(shares) AS shares, sum(follows) AS follows
                    FROM engagement_1m WHERE $__timeFilter(window_start) GROUP BY time ORDER BY time""",
                ),
                Panel(
                    "Messages by type",
                    "All messages that could be read, since the log began.",
                    "barchart",
                    8,
                    """SELECT type, sum(messages) AS messages FROM partitions FINAL
                    ARRAY JOIN mapKeys(by_type) AS type, mapValues(by_type) AS messages
                    GROUP BY type ORDER BY messages DESC LIMIT 15""",
                    label="type",
                ),
            ),
        ),
        (
            8,
            (
                Panel(
                    "Dead letters by reason",
                    "Messages that could not be counted; each is kept with its bytes.",
                    "table",
                    14,
                    """SELECT topic, stage, reason, count() AS letters, any(detail) AS example
                    FROM dead_letters GROUP BY topic, stage, reason ORDER BY letters DESC LIMIT 20""",
                ),
                Panel(
                    "Late events",
                    "Events that came after the horizon: reported, but in no count.",
                    "table",
                    10,
                    """SELECT kind, type, sum(events) AS late, min(window_start) AS first_window,
                    max(window_start) AS last_window FROM late_events AS l
                    GROUP BY kind, type ORDER BY late DESC""",
                ),
            ),
        ),
    ),
)

TRENDING = Board(
    "trending",
    "engage: trending",
    "Who has the most decayed points now. A score is log2 of points: one more is twice as many.",
    (
        (
            14,
            (
                Panel(
                    "First places",
                    "At the newest event time. Points of a hashtag, sound, challenge or creator are those of its videos together.",
                    "table",
                    14,
                    """SELECT rank, entity_id, round(score, 3) AS score,
                    round(velocity, 1) AS points_per_hour
                    FROM trending_now WHERE kind = '${kind}' AND rank <= 25 ORDER BY rank""",
                ),
                Panel(
                    "Points per hour",
                    "Of the ten that gather points fastest just now.",
                    "barchart",
                    10,
                    """SELECT entity_id, velocity AS points_per_hour FROM trending_now
                    WHERE kind = '${kind}' ORDER BY velocity DESC LIMIT 10""",
                    label="entity_id",
                ),
            ),
        ),
    ),
    (Choose("kind", "Kind", ("video", "hashtag", "sound", "challenge", "creator")),),
)

FOR_YOU = Board(
    "for-you",
    "engage: For You",
    "Each pool decides by what viewers do whether more people see a video.",
    (
        (
            9,
            (
                Panel(
                    "Videos by pool",
                    "Each video is in one pool now.",
                    "barchart",
                    8,
                    """SELECT pool, count() AS in_it_now FROM videos WHERE pool != ''
                    GROUP BY pool ORDER BY pool""",
                    label="pool",
                ),
                Panel(
                    "Decisions over time",
                    "By event time; a decision is never changed, a correction is another one.",
                    "timeseries",
                    16,
                    """SELECT $__timeInterval(decided_at) AS time, countIf(verdict = 'promote') AS promoted,
                    countIf(verdict = 'hold') AS held, countIf(verdict = 'stop') AS stopped,
                    countIf(verdict = 'demote') AS demoted
                    FROM boosts WHERE $__timeFilter(decided_at) GROUP BY time ORDER BY time""",
                    stacked=True,
                ),
            ),
        ),
        (
            11,
            (
                Panel(
                    "Newest promotions",
                    "The measure lies surely between its bounds; the threshold is below all of them.",
                    "table",
                    24,
                    """SELECT decided_at, video_id, pool, pool_after, reason, impressions,
                    round(measure, 3) AS measured, round(lower_bound, 3) AS from_, round(upper_bound, 3) AS to_,
                    threshold, weights_version
                    FROM boosts WHERE verdict = 'promote' ORDER BY decided_at DESC LIMIT 50""",
                ),
            ),
        ),
    ),
    since="now-24h",
)

EARNINGS = Board(
    "earnings",
    "engage: earnings",
    "Booked money is exact to the micro-unit; an estimate becomes final when its day is settled.",
    (
        (
            9,
            (
                Panel(
                    "By source over time",
                    "Of the chosen currency, estimates included.",
                    "timeseries",
                    16,
                    """SELECT toStartOfHour(occurred_at) AS time,
                    sumIf(amount_micros, source = 'gift') / 1e6 AS gift,
                    sumIf(amount_micros, source = 'creator_rewards') / 1e6 AS creator_rewards,
                    sumIf(amount_micros, source = 'creator_fund') / 1e6 AS creator_fund,
                    sumIf(amount_micros, source = 'brand_deal') / 1e6 AS brand_deal,
                    sumIf(amount_micros, source = 'affiliate') / 1e6 AS affiliate,
                    sumIf(amount_micros, source = 'sale') / 1e6 AS sale
                    FROM earnings_ledger
                    WHERE $__timeFilter(occurred_at) AND currency = '${currency}'
                    GROUP BY time ORDER BY time""",
                    stacked=True,
                ),
                Panel(
                    "By source and state",
                    "Final entries, corrections and estimates of the time range, of every currency apart.",
                    "table",
                    8,
                    """SELECT source, currency, state, sum(amount_micros) / 1e6 AS amount,
                    count() AS entries FROM earnings_ledger WHERE $__timeFilter(occurred_at)
                    GROUP BY source, currency, state ORDER BY currency, source, state""",
                ),
            ),
        ),
        (
            10,
            (
                Panel(
                    "Largest balances",
                    "What is owed: booked less paid out, over all of time.",
                    "table",
                    8,
                    """SELECT creator_id, amount_micros / 1e6 AS balance FROM balances
                    WHERE currency = '${currency}' ORDER BY amount_micros DESC, creator_id LIMIT 20""",
                ),
                Panel(
                    "Newest entries",
                    "The built-in page explains each of them.",
                    "table",
                    16,
                    """SELECT occurred_at, creator_id, source, state, amount_micros / 1e6 AS amount,
                    currency, reference, rate_version, entry_id FROM earnings_ledger
                    WHERE $__timeFilter(occurred_at) ORDER BY occurred_at DESC, entry_id LIMIT 50""",
                ),
            ),
        ),
    ),
    (CURRENCY,),
    since="now-7d",
)

CONTENT = Board(
    "content",
    "engage: content",
    "Which kinds of content get the most likes for the same number of views.",
    (
        (
            10,
            (
                Panel(
                    "Likes per 1,000 views",
                    "A video counts in every value that it has.",
                    "barchart",
                    12,
                    """SELECT value, round(likes_per_1000_views, 1) AS likes_per_1000_views
                    FROM content_performance WHERE dimension = '${dimension}'
                    ORDER BY views DESC, value LIMIT 20""",
                    label="value",
                ),
                Panel(
                    "Kinds of content",
                    "Earned is in USD, estimates included.",
                    "table",
                    12,
                    """SELECT value, videos, views, likes,
                    round(likes_per_1000_views, 1) AS likes_per_1000_views,
                    earnings_micros / 1e6 AS earned FROM content_performance
                    WHERE dimension = '${dimension}' ORDER BY views DESC, value LIMIT 40""",
                ),
            ),
        ),
        (
            11,
            (
                Panel(
                    "Top videos",
                    "By views, over all of time.",
                    "table",
                    24,
                    """SELECT video_id, creator_id, content_type, pool, views, unique_viewers,
                    qualified_views, likes, net_likes, comments, shares,
                    if(views = 0, 0, round(completions / views, 3)) AS watched_to_the_end
                    FROM videos ORDER BY views DESC, video_id LIMIT 30""",
                ),
            ),
        ),
    ),
    (Choose("dimension", "Compare by", DIMENSION.values),),
)

LIVES = Board(
    "lives",
    "engage: lives",
    "Live sessions, their viewers and their gifts.",
    (
        (
            5,
            (
                Panel(
                    "On air",
                    "Lives that began and have not ended, and who watches them.",
                    "stat",
                    24,
                    """SELECT countIf(ended_at < started_at) AS on_air,
                    sumIf(viewers_now, ended_at < started_at) AS viewers_now, count() AS sessions
                    FROM lives""",
                ),
            ),
        ),
        (
            9,
            (
                Panel(
                    "Activity",
                    "All lives, by event time.",
                    "timeseries",
                    24,
                    """SELECT $__timeInterval(window_start) AS time, sum(views) AS joins,
                    sum(likes) AS likes, sum(gifts) AS gifts, sum(gift_coins) AS gift_coins
                    FROM engagement_1m WHERE $__timeFilter(window_start) AND kind = 'live'
                    GROUP BY time ORDER BY time""",
                ),
            ),
        ),
        (
            10,
            (
                Panel(
                    "Sessions",
                    "The newest first.",
                    "table",
                    24,
                    """SELECT live_id, creator_id, started_at, if(ended_at < started_at, NULL, ended_at) AS ended,
                    unique_viewers, viewers_now, likes, gifts, gift_coins
                    FROM lives ORDER BY started_at DESC, live_id LIMIT 50""",
                ),
            ),
        ),
    ),
    since="now-24h",
)

BOARDS = (OVERVIEW, TRENDING, FOR_YOU, EARNINGS, CONTENT, LIVES, OPERATIONS, WORKERS)
