"""Every public view with what the recount expects in it.

Times are read as milliseconds. Sums of money are those of the ledger's rows as they were read
(ledger.py).
"""

from collections.abc import Mapping
from typing import Any

from scripts.recount.audience_checks import audience_checks
from scripts.recount.boosts import Boost
from scripts.recount.bursts import Burst
from scripts.recount.compare import Check, Key, OneOf, Row, Within, near
from scripts.recount.content import Performance, content_of
from scripts.recount.expected import Columns, Expected
from scripts.recount.fact_checks import fact_checks
from scripts.recount.gifts import Entry
from scripts.recount.ledger import ESTIMATED, LEDGER_COLUMNS, Ledger, ledger_of, row_of
from scripts.recount.model import COUNTERS, DAY_MS, HOUR_MS, MINUTE_MS
from scripts.recount.partition import Cell
from scripts.recount.settled import Settled
from scripts.recount.sums_checks import sums_checks
from scripts.recount.trending import NO_SCORE, Trend
from scripts.recount.videos import Counts

REGISTERS = ("net_likes", "net_favorites", "unique_viewers")
SUMS = (
    "messages",
    "counted",
    "duplicates",
    "suppressed",
    "late",
    "dead_letters",
    "unknown_fields",
)
VIDEO_TEXTS = (
    "creator_id",
    "content_type",
    "duration_ms",
    "pool",
    "is_original",
    "is_promoted",
    "hashtags",
    "sound_id",
    "challenge_id",
)
BOOST_COLUMNS = (
    *("video_id", "pool", "verdict", "decided_at", "reason", "measure", "lower_bound"),
    *("upper_bound", "threshold", "impressions", "pool_after", "weights_version"),
)


def engagement_check(expected: Expected, view: str, size_ms: int) -> Check:
    """The windows of one size: exact sums of the minutes."""
    cells = expected.engagement_1m
    if size_ms != MINUTE_MS:
        cells = windows_of(cells, size_ms)

    def row_of(key: Key, counts: Counts) -> Row:
        creators = expected.creators_of.get((key[1], key[2]), set())
        creator = next(iter(creators)) if len(creators) == 1 else OneOf(frozenset(creators))
        return (creator, *(counts.get(name, 0) for name in COUNTERS))

    return Check(
        view=view,
        sql=f"SELECT {_ms('window_start')}, kind, subject_id, creator_id, {', '.join(COUNTERS)} "
        f"FROM {view}",
        keys=3,
        columns=("creator_id", *COUNTERS),
        expected=cells,
        row_of=row_of,
    )


def windows_of(minutes: dict[Cell, Counts], size_ms: int) -> dict[Cell, Counts]:
    """Add up minutes into larger windows; those of nothing but 0 are left out."""
    windows: dict[Cell, Counts] = {}
    for (start_ms, kind, subject_id), counts in minutes.items():
        cell = (start_ms // size_ms * size_ms, kind, subject_id)
        window = windows.setdefault(cell, {})
        for name, amount in counts.items():
            window[name] = window.get(name, 0) + amount
    return {cell: counts for cell, counts in windows.items() if any(counts.values())}


def videos_check(expected: Expected) -> Check:
    """Totals, registers and metadata of the videos."""
    numbers = (*COUNTERS, *REGISTERS)
    return _by_id("videos", "video_id", expected.videos, VIDEO_TEXTS, ("published_at",), numbers)


def lives_check(expected: Expected) -> Check:
    """Totals of the live sessions."""
    numbers = (*COUNTERS, "unique_viewers", "viewers_now")
    times = ("started_at", "ended_at")
    return _by_id("lives", "live_id", expected.lives, ("creator_id",), times, numbers)


def creators_check(expected: Expected, ledger: Ledger) -> Check:
    """Totals of the creators, and what was booked for them in the currency of sums."""
    names = ("followers", "videos", *COUNTERS, "engagement_rate", "reply_rate", "earnings_micros")
    rows: dict[Key, Columns] = {(name,): row for name, row in expected.creators.items()}
    for creator_id in ledger.creators:
        rows.setdefault((creator_id,), dict.fromkeys(names, 0))

    def row_of(key: Key, row: Columns) -> Row:
        row = row | {"earnings_micros": ledger.earnings.get(key[0], 0)}
        for name in ("engagement_rate", "reply_rate"):
            row[name] = near(float(str(row[name])))
        return tuple(row[name] for name in names)

    return Check(
        view="creators",
        sql=f"SELECT creator_id, {', '.join(names)} FROM creators",
        keys=1,
        columns=names,
        expected=rows,
        row_of=row_of,
        is_blank=lambda row: not any(map(_says_something, row)),
    )


def trending_check(expected: Expected) -> Check:
    """Scores, velocities and ranks, each within what floating point allows."""

    def row_of(_: Key, trend: Trend) -> Row:
        return (
            Within(trend.score_low - 1e-9, trend.score_high + 1e-9),
            near(trend.velocity, relative=1e-9, absolute=trend.velocity_slack),
            Within(trend.rank_low, trend.rank_high),
            near(trend.acceleration, relative=1e-9, absolute=trend.acceleration_slack),
        )

    return Check(
        view="trending_now",
        sql="SELECT kind, entity_id, score, velocity, rank, acceleration FROM trending_now",
        keys=2,
        columns=("score", "velocity", "rank", "acceleration"),
        expected=expected.trending_now,
        row_of=row_of,
        is_blank=lambda row: isinstance(row[0], Within) and row[0].low == NO_SCORE,
    )


def windows_check(expected: Expected) -> Check:
    """The leaders of the last hopping windows."""
    columns = ("views", "likes", "engagements", "rank")
    return _leaders("trending_windows", columns, expected.trending_windows)


def top_windows_check(expected: Expected) -> Check:
    """The leaders of the last windows of 60 seconds."""
    return _leaders("top_windows", ("engagements", "users", "rank"), expected.top_windows)


def _leaders(view: str, columns: tuple[str, ...], leaders: Mapping[Any, Row]) -> Check:
    return Check(
        view=view,
        sql=f"SELECT {_ms('window_end')}, kind, entity_id, {', '.join(columns)} FROM {view}",
        keys=3,
        columns=columns,
        expected=leaders,
        row_of=lambda _, leader: leader,
    )


def ledger_check(expected: Expected, settled: Settled) -> Check:
    """The entries that the log says one by one: of gifts, and estimates of days not settled.

    What settlement books is to be left out of the rows (`Ledger.read`). Payouts are no earnings and
    not in the view; they are read with it because balances have them.
    """
    columns = f"entry_id, {_ms('occurred_at')}, {', '.join(LEDGER_COLUMNS[1:])}"
    return Check(
        view="earnings_ledger",
        sql=f"SELECT {columns} FROM earnings_ledger UNION ALL "
        f"SELECT {columns} FROM ledger FINAL WHERE source = 'payout'",
        keys=1,
        columns=LEDGER_COLUMNS,
        expected={(entry.entry_id,): entry for entry in shown(expected, settled)},
        row_of=lambda _, entry: row_of(entry)[1:],
        is_blank=lambda row: row[3] == ESTIMATED and row[4] == 0,
    )


def shown(expected: Expected, settled: Settled) -> list[Entry]:
    """Return the entries of the log alone that the ledger shows."""
    return [
        entry
        for entry in expected.ledger.values()
        if entry.state != ESTIMATED or not settled.holds(entry)
    ]


def content_check(expected: Expected, ledger: Ledger) -> Check:
    """What kinds of content come to."""

    def row_of(_: Key, sums: Performance) -> Row:
        rate = near(sums.likes_per_1000_views)
        low, high = sums.likes_per_1000_bounds
        shrunk = (near(sums.likes_per_1000_shrunk), near(low, 1e-9, 1e-9), near(high, 1e-9, 1e-9))
        whole = (sums.videos, sums.views, sums.likes, rate, sums.earnings_micros)
        return (*whole, near(sums.completion_rate), *shrunk)

    columns = (
        *("videos", "views", "likes", "likes_per_1000_views", "earnings_micros"),
        *("completion_rate", "likes_per_1000_shrunk", "likes_per_1000_low", "likes_per_1000_high"),
    )
    return Check(
        view="content_performance",
        sql=f"SELECT dimension, value, {', '.join(columns)} FROM content_performance",
        keys=2,
        columns=columns,
        expected=content_of(expected.videos, ledger.by_reference),
        row_of=row_of,
    )


def boosts_check(expected: Expected) -> Check:
    """Decisions of the For You pools, with the figures behind them."""
    columns = ", ".join(_ms(name) if name == "decided_at" else name for name in BOOST_COLUMNS)

    def row_of(_: Key, boost: Boost) -> Row:
        return tuple(
            near(value, 1e-9, 1e-9) if isinstance(value, float) else value for value in boost[1:]
        )

    return Check(
        view="boosts",
        sql=f"SELECT decision_id, {columns} FROM boosts",
        keys=1,
        columns=BOOST_COLUMNS,
        expected={(name,): boost for name, boost in expected.boosts.items()},
        row_of=row_of,
    )


def bursts_check(expected: Expected, settled: Settled) -> Check:
    """Bursts, as far as they were looked for; what came later may have changed them since."""
    columns = ("ended_at", "z", "events", "expected", "rules_version")

    def row_of(_: Key, burst: Burst) -> Row:
        figures = (burst.z, burst.events, burst.expected)
        near_figures = (near(figure, 1e-9, 1e-9) for figure in figures)
        return (burst.ended_ms, *near_figures, burst.rules_version)

    return Check(
        view="bursts",
        sql=f"SELECT kind, entity_id, {_ms('began_at')}, {_ms('ended_at')}, {', '.join(columns[1:])} "
        "FROM bursts",
        keys=3,
        columns=columns,
        expected=expected.bursts.through(settled.bursts_through_ms),
        row_of=row_of,
    )


def late_check(expected: Expected) -> Check:
    """Events that came after the horizon."""
    return Check(
        view="late_events",
        sql=f"SELECT {_ms('window_start')}, kind, subject_id, type, events FROM late_events",
        keys=4,
        columns=("events",),
        expected=expected.late_events,
        row_of=lambda _, events: (events,),
    )


def dead_letters_check(expected: Expected) -> Check:
    """Refused messages, byte for byte, and why; details of `decode` are pydantic's words."""
    return Check(
        view="dead_letters",
        sql="SELECT topic, `partition`, `offset`, stage, reason, detail, hex(raw), "
        "toUnixTimestamp64Milli(event_time) FROM dead_letters",
        keys=3,
        columns=("stage", "reason", "detail", "raw", "event_time"),
        expected=expected.dead_letters,
        row_of=lambda _, it: (
            it.stage,
            it.reason,
            it.detail,
            it.raw.hex().upper(),
            it.event_time_ms,
        ),
    )


def partitions_check(expected: Expected, positions: Mapping[tuple[str, int], Within]) -> Check:
    """How many messages of each fate there were; `positions` are the next offsets allowed."""
    return Check(
        view="partitions",
        sql=f"SELECT topic, `partition`, position, {_ms('max_event_time')}, {', '.join(SUMS)}, "
        "by_type FROM partitions FINAL",
        keys=2,
        columns=("position", "max_event_time", *SUMS, "by_type"),
        expected=expected.partitions,
        row_of=lambda key, sums: (
            positions[key[0], key[1]],
            max(0, sums.max_event_time_ms),
            *(getattr(sums, name) for name in SUMS),
            dict(sums.by_type),
        ),
        is_blank=lambda row: row[2] == 0,
    )


def all_checks(
    expected: Expected,
    settled: Settled,
    positions: Mapping[tuple[str, int], Within],
    ledger: Ledger | None = None,
) -> list[Check]:
    """Return the checks of all views, in the order in which they are reported.

    `ledger` are the sums of the rows that were read; without it, those of the log alone.
    """
    ledger = ledger_of(shown(expected, settled)) if ledger is None else ledger
    return [
        engagement_check(expected, "engagement_1m", MINUTE_MS),
        engagement_check(expected, "engagement_1h", HOUR_MS),
        engagement_check(expected, "engagement_1d", DAY_MS),
        videos_check(expected),
        lives_check(expected),
        trending_check(expected),
        windows_check(expected),
        top_windows_check(expected),
        creators_check(expected, ledger),
        ledger_check(expected, settled),
        *sums_checks(ledger),
        content_check(expected, ledger),
        boosts_check(expected),
        bursts_check(expected, settled),
        dead_letters_check(expected),
        late_check(expected),
        partitions_check(expected, positions),
        *audience_checks(expected, settled),
        *fact_checks(expected),
    ]


def _by_id(
    view: str,
    id_column: str,
    expected: dict[str, Columns],
    texts: tuple[str, ...],
    times: tuple[str, ...],
    numbers: tuple[str, ...],
) -> Check:
    """A view with one row for each id. A row without times and numbers says nothing."""
    columns = (*times, *numbers, *texts)
    said = len(times) + len(numbers)
    selected = ", ".join((id_column, *map(_ms, times), *numbers, *texts))
    return Check(
        view=view,
        sql=f"SELECT {selected} FROM {view}",
        keys=1,
        columns=columns,
        expected={(name,): row for name, row in expected.items()},
        row_of=lambda _, row: tuple(row[name] for name in columns),
        is_blank=lambda row: not any(row[:said]),
    )


def _ms(column: str) -> str:
    return f"toUnixTimestamp64Milli(toDateTime64({column}, 3, 'UTC'))"


def _says_something(value: object) -> bool:
    if isinstance(value, Within):
        return not value.accepts(0)
    return bool(value)
