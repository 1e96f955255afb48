"""The public views over the tables in memory, row by row as `engage audit` reads them."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from math import exp2, log, log2

from schemas.rows import COUNTERS, NO_SCORE
from scripts.recount.checks import BOOST_COLUMNS
from scripts.recount.compare import Row
from tests.simulation.fact_views import FACT_VIEWS
from tests.simulation.tables import Row as TableRow
from tests.simulation.tables import Tables

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def engagement(tables: Tables, size_ms: int) -> list[Row]:
    """Sums over panes and source partitions; cells of nothing but 0 are left out."""
    cells: dict[tuple[int, str, str], list[int]] = {}
    creators: dict[tuple[int, str, str], tuple[int, str]] = {}
    for row in tables.rows("windows_1m"):
        start_ms = row["window_start"] * 1_000 // size_ms * size_ms
        cell = (start_ms, row["kind"], row["subject_id"])
        _add(cells.setdefault(cell, [0] * len(COUNTERS)), row)
        creators[cell] = max(creators.get(cell, (-1, "")), (row["version"], row["creator_id"]))
    return [(*cell, creators[cell][1], *sums) for cell, sums in cells.items() if any(sums)]


def video_states(tables: Tables) -> dict[str, TableRow]:
    """One row for each video: the metadata that stands, sums, and scores that add up."""
    states: dict[str, TableRow] = {}
    for video_id, rows in _by(tables.rows("video_totals"), "video_id").items():
        stands = max(rows, key=lambda row: (row["published_at"], row["version"]))
        names = (*COUNTERS, "net_likes", "net_favorites", "unique_viewers")
        sums = {name: sum(row[name] for row in rows) for name in names}
        if not stands["published_at"]:
            sums["duration_ms"] = max(row["duration_ms"] for row in rows)
        scores = {name: _add_logs(row[name] for row in rows) for name in ("score", "fast_score")}
        states[video_id] = stands | sums | scores
    return states


def videos(tables: Tables) -> list[Row]:
    """Videos of which something is known."""
    numbers = (*COUNTERS, "net_likes", "net_favorites", "unique_viewers")
    texts = ("creator_id", "content_type", "duration_ms", "pool", "is_original", "is_promoted")
    names = ("video_id", "published_at", *numbers, *texts, "hashtags", "sound_id", "challenge_id")
    return [tuple(row[name] for name in names) for row in _listed(tables)]


def lives(tables: Tables) -> list[Row]:
    """Live sessions of which something is known."""
    found: list[Row] = []
    for live_id, rows in _by(tables.rows("live_totals"), "live_id").items():
        last = max(rows, key=lambda row: row["version"])
        times = [max(row[name] for row in rows) for name in ("started_at", "ended_at")]
        names = (*COUNTERS, "unique_viewers", "viewers_now")
        numbers = [sum(row[name] for row in rows) for name in names]
        if any(times) or any(numbers[: len(COUNTERS)]):
            found.append((live_id, *times, *numbers, last["creator_id"]))
    return found


def trending_now(tables: Tables) -> list[Row]:
    """Scores, velocities and ranks of videos and of what their metadata names."""
    now_ms = max((row["max_event_time"] for row in tables.rows("partitions")), default=0)
    scores: dict[tuple[str, str], list[float]] = {}
    velocities: dict[tuple[str, str], float] = {}
    for row in video_states(tables).values():
        for entity in _entities(row):
            velocities[entity] = velocities.get(entity, 0.0) + _velocity(row, now_ms)
            if row["score"] > NO_SCORE:
                scores.setdefault(entity, []).append(row["score"])
    summed = {entity: _add_logs(parts) for entity, parts in scores.items()}
    ranked: Counter[str] = Counter()
    found: list[Row] = []
    for kind, name in sorted(summed, key=lambda entity: (-summed[entity], entity[1])):
        ranked[kind] += 1
        found.append((kind, name, summed[kind, name], velocities[kind, name], ranked[kind]))
    return found


def earnings_ledger(tables: Tables) -> list[Row]:
    """Booked entries, and estimates that are not 0 of days that are not settled."""
    head = ("entry_id", "occurred_at", "creator_id", "source", "state")
    names = (*head, "amount_micros", "currency", "reference", "rate_version")
    settled = {(row["source"], row["day"]) for row in tables.rows("settlements")}
    rows = list(tables.rows("ledger"))
    rows += [
        row
        for row in tables.rows("estimates")
        if row["amount_micros"] and (row["source"], row["occurred_at"] // DAY_MS) not in settled
    ]
    return [tuple(row[name] for name in names) for row in rows]


def earnings_daily(tables: Tables) -> list[Row]:
    """The USD of the ledger by day, creator and source."""
    sums: dict[tuple[int, str, str], tuple[int, int]] = {}
    for _, occurred_at, creator_id, source, _, amount, currency, *_ in earnings_ledger(tables):
        if currency != "USD":
            continue
        key = (occurred_at // DAY_MS * DAY_MS, creator_id, source)
        before, entries = sums.get(key, (0, 0))
        sums[key] = (before + amount, entries + 1)
    return [(*key, *both) for key, both in sums.items()]


def balances(tables: Tables) -> list[Row]:
    """What is booked."""
    sums: Counter[tuple[str, str]] = Counter()
    for row in tables.rows("ledger"):
        if row["state"] in ("final", "adjustment"):
            sums[row["creator_id"], row["currency"]] += row["amount_micros"]
    return [(*key, amount) for key, amount in sums.items()]


def creators(tables: Tables) -> list[Row]:
    """Everybody with a video, a live, a follow or an entry."""
    sums: dict[str, Counter[str]] = {}
    for rows, counts_from, of_video in ((videos(tables), 2, 1), (lives(tables), 3, 0)):
        for row in rows:
            creator = sums.setdefault(row[-9] if of_video else row[-1], Counter())
            creator["videos"] += of_video
            for name, number in zip(COUNTERS, row[counts_from:], strict=False):
                creator[name] += number
                creator[f"video {name}"] += number * of_video
    for creator_id, following in _followers(tables):
        sums.setdefault(creator_id, Counter())["followers"] += following
    for entry in earnings_ledger(tables):
        booked = entry[5] if entry[4] in ("final", "adjustment") and entry[6] == "USD" else 0
        sums.setdefault(entry[2], Counter())["earnings"] += booked
    return [_creator(creator_id, creator) for creator_id, creator in sums.items()]


def content_performance(tables: Tables) -> list[Row]:
    """What the videos of each value of each dimension come to."""
    earnings: Counter[str] = Counter()
    for _, _, _, _, _, amount, currency, reference, _ in earnings_ledger(tables):
        earnings[reference] += amount if currency == "USD" else 0
    sums: dict[tuple[str, str], list[int]] = {}
    for row in _listed(tables):
        for value in _values(row):
            videos_views_likes_money = sums.setdefault(value, [0, 0, 0, 0])
            money = earnings[f"video:{row['video_id']}"]
            for i, number in enumerate((1, row["views"], row["likes"], money)):
                videos_views_likes_money[i] += number
    return [
        (*value, number, views, likes, 1000 * likes / views if views else 0.0, money)
        for value, (number, views, likes, money) in sums.items()
    ]


def earnings_by_reference(tables: Tables) -> list[Row]:
    """The ledger by what it is for and by source, in USD."""
    sums: dict[tuple[str, str], list[int]] = {}
    for _, _, _, source, _, amount, currency, reference, _ in earnings_ledger(tables):
        if currency == "USD":
            of_one = sums.setdefault((reference, source), [0, 0])
            of_one[0] += amount
            of_one[1] += 1
    return [(*key, amount, entries) for key, (amount, entries) in sums.items()]


def payouts(tables: Tables) -> list[Row]:
    """What was paid out: nothing, for nothing is settled."""
    assert not any(row["source"] == "payout" for row in tables.rows("ledger"))
    return []


def boosts(tables: Tables) -> list[Row]:
    """Decisions of the For You pools."""
    names = ("decision_id", *BOOST_COLUMNS)
    return [tuple(row[name] for name in names) for row in tables.rows("boosts_log")]


def dead_letters(tables: Tables) -> list[Row]:
    """Refused messages."""
    names = ("topic", "partition", "offset", "stage", "reason", "detail", "raw", "event_time")
    rows = (row | {"raw": row["raw"].hex().upper()} for row in tables.rows("dead_letters_log"))
    return [tuple(row[name] for name in names) for row in rows]


def late_events(tables: Tables) -> list[Row]:
    """What came after the horizon, per window and type."""
    counts: Counter[tuple[int, str, str, str]] = Counter()
    for row in tables.rows("late"):
        cell = (row["window_start"] * 1_000, row["kind"], row["subject_id"], row["type"])
        counts[cell] += 1
    return [(*cell, number) for cell, number in counts.items()]


def partitions(tables: Tables) -> list[Row]:
    """How far each partition is counted, and the fates of its messages."""
    head = ("topic", "partition", "position", "max_event_time", "messages", "counted")
    fates = ("duplicates", "suppressed", "late", "dead_letters", "unknown_fields")
    names = (*head, *fates, "by_type")
    return [tuple(row[name] for name in names) for row in tables.rows("partitions")]


VIEWS: dict[str, Callable[[Tables], list[Row]]] = {
    "engagement_1m": lambda tables: engagement(tables, 60_000),
    "engagement_1h": lambda tables: engagement(tables, HOUR_MS),
    "engagement_1d": lambda tables: engagement(tables, DAY_MS),
    "videos": videos,
    "lives": lives,
    "trending_now": trending_now,
    "creators": creators,
    "earnings_ledger": earnings_ledger,
    "earnings_daily": earnings_daily,
    "balances": balances,
    "content_performance": content_performance,
    "payouts": payouts,
    "earnings_by_reference": earnings_by_reference,
    "boosts": boosts,
    "dead_letters": dead_letters,
    "late_events": late_events,
    "partitions": partitions,
    **FACT_VIEWS,
}


def _listed(tables: Tables) -> list[TableRow]:
    """The states of videos that are published, or have a counter or register other than 0."""
    numbers = (*COUNTERS, "net_likes", "net_favorites")
    return [
        row | {"hashtags": list(row["hashtags"])}
        for row in video_states(tables).values()
        if row["published_at"] or any(row[name] for name in numbers)
    ]


def _values(row: TableRow) -> set[tuple[str, str]]:
    seconds = row["duration_ms"] / 1000
    steps = ((15, "0-15 s"), (30, "15-30 s"), (60, "30-60 s"), (180, "1-3 min"), (600, "3-10 min"))
    length = next((name for end, name in steps if seconds < end), "10 min and more")
    values = {
        ("content_type", row["content_type"] or "unknown"),
        ("length", length if seconds > 0 else "unknown"),
        *(("hashtag", tag) for tag in row["hashtags"]),
    }
    if row["sound_id"]:
        values.add(("sound", row["sound_id"]))
    if row["published_at"]:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=row["published_at"])
        original = "original" if row["is_original"] else "not original"
        values |= {("hour", f"{at:%H}"), ("weekday", f"{at:%A}"), ("originality", original)}
    return values


def _by(rows: Iterable[TableRow], name: str) -> dict[str, list[TableRow]]:
    groups: dict[str, list[TableRow]] = {}
    for row in rows:
        groups.setdefault(row[name], []).append(row)
    return groups


def _add(sums: list[int], row: TableRow) -> None:
    for i, name in enumerate(COUNTERS):
        sums[i] += row[name]


def _add_logs(scores: Iterable[float]) -> float:
    known = sorted(score for score in scores if score > NO_SCORE)
    return known[-1] + log2(sum(exp2(s - known[-1]) for s in known)) if known else NO_SCORE


def _velocity(row: TableRow, now_ms: int) -> float:
    half_life_ms: int = row["fast_half_life_ms"]
    if row["fast_score"] <= NO_SCORE:
        return 0.0
    fast_score: float = row["fast_score"]
    return exp2(fast_score - now_ms / half_life_ms) * log(2) * HOUR_MS / half_life_ms


def _entities(row: TableRow) -> set[tuple[str, str]]:
    entities = {("video", row["video_id"]), ("creator", row["creator_id"])}
    entities |= {("hashtag", tag) for tag in row["hashtags"]}
    entities |= {("sound", row["sound_id"]), ("challenge", row["challenge_id"])}
    return {entity for entity in entities if entity[1]}


def _followers(tables: Tables) -> list[tuple[str, int]]:
    last: dict[tuple[str, str], tuple[int, str, int]] = {}
    for row in tables.rows("follows"):
        key = (row["creator_id"], row["user_id"])
        word = (row["event_time_ms"], row["event_id"], row["following"])
        last[key] = max(last.get(key, word), word)
    return [(creator_id, following) for (creator_id, _), (*_, following) in last.items()]


def _creator(creator_id: str, sums: Counter[str]) -> Row:
    engaged = sums["video likes"] + sums["video comments"] + sums["video shares"]
    rates = (
        engaged / sums["video views"] if sums["video views"] else 0.0,
        sums["replies"] / sums["comments"] if sums["comments"] else 0.0,
    )
    counts = [sums[name] for name in ("followers", "videos", *COUNTERS)]
    return (creator_id, *counts, *rates, sums["earnings"])
