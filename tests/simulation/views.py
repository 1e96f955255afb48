"""The public views over the tables in memory, row by row as `engage audit` reads them."""

from collections import Counter
from collections.abc import Callable, Iterable
from math import exp2, log, log2
from typing import Any

from schemas.entries import entry_id
from schemas.rows import COUNTERS, NO_SCORE
from scripts.recount.checks import BOOST_COLUMNS
from scripts.recount.compare import Row
from tests.simulation.audience_views import AUDIENCE_VIEWS, audience_view
from tests.simulation.content_values import performance, values_of
from tests.simulation.fact_views import FACT_VIEWS
from tests.simulation.tables import Row as TableRow
from tests.simulation.tables import Tables
from tests.simulation.top_windows import top_windows

MINUTE_MS = 60_000
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
        feeds: Counter[str] = Counter()
        for feed, _, views in (text.partition(":") for row in rows for text in row["feeds"]):
            feeds[feed] += int(views)
        scores: dict[str, Any] = {
            name: _add_logs(row[name] for row in rows) for name in ("score", "fast_score")
        }
        states[video_id] = stands | sums | scores | {"views_of_feed": feeds}
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
    moves: dict[tuple[str, str], tuple[float, float]] = {}
    for row in video_states(tables).values():
        for entity in _entities(row):
            before, now = moves.get(entity, (0.0, 0.0)), _moves(row, now_ms)
            moves[entity] = (before[0] + now[0], before[1] + now[1])
            if row["score"] > NO_SCORE:
                scores.setdefault(entity, []).append(row["score"])
    summed = {entity: _add_logs(parts) for entity, parts in scores.items()}
    ranked: Counter[str] = Counter()
    found: list[Row] = []
    for kind, name in sorted(summed, key=lambda entity: (-summed[entity], entity[1])):
        ranked[kind] += 1
        velocity, acceleration = moves[kind, name]
        found.append((kind, name, summed[kind, name], velocity, ranked[kind], acceleration))
    return found


def trending_windows(tables: Tables) -> list[Row]:
    """The leaders of five minutes, for each of the last sixty full minutes."""
    newest = max((row["max_event_time"] for row in tables.rows("partitions")), default=0)
    newest_s = newest // MINUTE_MS * 60
    states = video_states(tables)
    sums: dict[tuple[int, str, str], Counter[str]] = {}
    for row in tables.rows("windows_1m"):
        for hop in range(1, 6) if row["kind"] == "video" else ():
            end_s = row["window_start"] + 60 * hop
            if not newest_s - 3_600 < end_s <= newest_s:
                continue
            for entity in _entities(states[row["subject_id"]]):
                cell = sums.setdefault((end_s, *entity), Counter())
                likes = row["likes"] - row["unlikes"]
                others = (row[name] for name in ("comments", "shares", "favorites", "follows"))
                numbers = {"views": row["views"], "likes": likes, "all": likes + sum(others)}
                for name, number in numbers.items():
                    cell[name] += number
    ranked: Counter[tuple[int, str]] = Counter()
    found: list[Row] = []
    for key in sorted(sums, key=lambda key: (-sums[key]["all"], -sums[key]["views"], key[2])):
        cell = sums[key]
        if cell["views"] > 0 or cell["all"] > 0:
            ranked[key[:2]] += 1
            numbers_of = (cell["views"], cell["likes"], cell["all"], ranked[key[:2]])
            found.append((key[0] * 1_000, *key[1:], *numbers_of))
    return found


def earnings_ledger(tables: Tables) -> list[Row]:
    """Booked entries, and estimates that are not 0 of days that are not settled."""
    head = ("entry_id", "occurred_at", "creator_id", "source", "state")
    names = (*head, "amount_micros", "currency", "reference", "rate_version")
    settled = {(row["source"], row["day"]) for row in tables.rows("settlements")}
    rows = list(tables.rows("ledger"))
    rows += [
        part
        for row in tables.rows("estimates")
        if (row["source"], row["occurred_at"] // DAY_MS) not in settled
        for part in _parts(row)
        if part["amount_micros"]
    ]
    return [tuple(row[name] for name in names) for row in rows]


def _parts(row: dict[str, Any]) -> list[dict[str, Any]]:
    """An estimate by creator; that of a shared video is named by the creator as well."""
    if not row["parts"]:
        return [row]
    parts = [text.rpartition(":") for text in row["parts"]]
    return [
        {
            **row,
            "entry_id": f"{row['entry_id']}:{entry_id(creator_id)}",
            "creator_id": creator_id,
            "amount_micros": int(micros),
        }
        for creator_id, _, micros in parts
    ]


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


def earnings_by_source(tables: Tables) -> list[Row]:
    """The ledger by day, source and currency."""
    sums: dict[tuple[int, str, str], list[int]] = {}
    for _, occurred_at, _, source, _, amount, currency, *_ in earnings_ledger(tables):
        of_one = sums.setdefault((occurred_at // DAY_MS * DAY_MS, source, currency), [0, 0])
        of_one[0] += amount
        of_one[1] += 1
    return [(*key, amount, entries) for key, (amount, entries) in sums.items()]


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
        for value in values_of(row):
            of_value = sums.setdefault(value, [0, 0, 0, 0, 0])
            money = earnings[f"video:{row['video_id']}"]
            done = row["completions"]
            for i, number in enumerate((1, row["views"], row["likes"], money, done)):
                of_value[i] += number
    types = [of_value for (dimension, _), of_value in sums.items() if dimension == "content_type"]
    views, likes = sum(s[1] for s in types), sum(s[2] for s in types)
    usual = min(1.0, max(0.0, likes / views)) if views > 0 else 0.0
    return [(*value, *performance(of_value, usual)) for value, of_value in sums.items()]


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


def _audience(view: str) -> Callable[[Tables], list[Row]]:
    def rows(tables: Tables) -> list[Row]:
        names = ("live_id", "started_at", "ended_at")
        known = [dict(zip(names, row, strict=False)) for row in lives(tables)]
        creators_of = [row[-1] for row in lives(tables)]
        shown = {
            row["live_id"]: row | {"creator_id": creator}
            for row, creator in zip(known, creators_of, strict=True)
        }
        listed = {row["video_id"]: row for row in _listed(tables)}
        return audience_view(view, tables, video_states(tables), listed, shown)

    return rows


VIEWS: dict[str, Callable[[Tables], list[Row]]] = {
    "engagement_1m": lambda tables: engagement(tables, 60_000),
    "engagement_1h": lambda tables: engagement(tables, HOUR_MS),
    "engagement_1d": lambda tables: engagement(tables, DAY_MS),
    "videos": videos,
    "lives": lives,
    "trending_now": trending_now,
    "trending_windows": trending_windows,
    "top_windows": lambda tables: top_windows(
        tables, {name: _entities(row) for name, row in video_states(tables).items()}
    ),
    "creators": creators,
    "earnings_ledger": earnings_ledger,
    "earnings_daily": earnings_daily,
    "balances": balances,
    "content_performance": content_performance,
    "payouts": payouts,
    "earnings_by_reference": earnings_by_reference,
    "earnings_by_source": earnings_by_source,
    "boosts": boosts,
    "bursts": lambda _: [],  # nobody has looked for any
    "video_earnings": lambda _: [],  # nothing was settled
    "dead_letters": dead_letters,
    "late_events": late_events,
    "partitions": partitions,
    **FACT_VIEWS,
    **{view: _audience(view) for view in AUDIENCE_VIEWS},
}


def _listed(tables: Tables) -> list[TableRow]:
    """The states of videos that are published, or have a counter or register other than 0."""
    numbers = (*COUNTERS, "net_likes", "net_favorites")
    return [
        row | {"hashtags": list(row["hashtags"])}
        for row in video_states(tables).values()
        if row["published_at"] or any(row[name] for name in numbers)
    ]


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


def _moves(row: TableRow, now_ms: int) -> tuple[float, float]:
    """Return velocity and acceleration."""
    constants, velocities = [], []
    for score, half_life in (("score", "half_life_ms"), ("fast_score", "fast_half_life_ms")):
        constants.append(row[half_life] / HOUR_MS / log(2))
        left = exp2(row[score] - now_ms / row[half_life]) if row[score] > NO_SCORE else 0.0
        velocities.append(left / constants[-1])
    gained = velocities[1] - velocities[0]
    return velocities[1], gained / (constants[0] - constants[1])


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
