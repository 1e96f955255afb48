"""Finds bursts: hashtags, sounds and challenges that get more than their own baseline explains.

The second stage of trends. It merges what all partitions have written of each closed minute (who did
what with which video, `engagements`), by users, and judges the minutes in order: streams/bursts.py. A
minute is closed when the lowest event time of all partitions has passed it by the allowed disorder.
What is watched is left out, for views have no users in ClickHouse.

Every call judges the whole history again and writes whole rows with deterministic keys: calling
again, at any time, killed or twice at once, gives the same rows; late events correct earlier bursts.
`engage run` does it at the end; elsewhere call it when you settle, or as often as you like.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import groupby
from typing import Any, NamedTuple

from schemas.weights import WEIGHTS_PATH, Weights, load_weights
from scripts.kept_rules import settings_of_folder
from scripts.options import clickhouse_option, data_option
from scripts.progress import show_progress
from scripts.reading import open_ledger
from sinks.client import answering, connect
from sinks.writer import Writer
from streams.bursts import MINUTE_MS, Bursts, Transition
from streams.config import Settings
from streams.topics import ENGAGEMENT
from streams.trends import Entity

HELP = "find bursts of hashtags, sounds and challenges in closed minutes"
EXAMPLES = """\
Examples:
  engage trends --data ./results
  engage trends --data ./results --preview       say what would be written
  engage sql "SELECT * FROM bursts WHERE ended_at IS NULL" --data ./results
"""
RUN = "bursts"
_CLOSED = """
SELECT min(toUnixTimestamp64Milli(max_event_time)), sum(bitAnd(version, 1099511627775)),
       max(bitShiftRight(version, 40))
FROM partitions FINAL WHERE max_event_time > 0 AND topic = {topic:String}
"""
_TRAFFIC = """
SELECT intDiv(toUnixTimestamp64Milli(event_time), 60000) AS minute, count()
FROM engagements FINAL
WHERE counted = 1 AND type != 'reply' AND event_time < fromUnixTimestamp64Milli({end:Int64}, 'UTC')
GROUP BY minute ORDER BY minute
SETTINGS do_not_merge_across_partitions_select_final = 1
"""
_USERS = """
SELECT e.minute, v.kind AS kind, v.entity_id AS entity_id, e.user_id, sum(e.events) AS events
FROM (
    SELECT intDiv(toUnixTimestamp64Milli(event_time), 60000) AS minute, video_id, user_id,
           count() AS events
    FROM engagements FINAL
    WHERE counted = 1 AND type != 'reply'
        AND event_time < fromUnixTimestamp64Milli({end:Int64}, 'UTC')
    GROUP BY minute, video_id, user_id
    SETTINGS do_not_merge_across_partitions_select_final = 1
) AS e
INNER JOIN (
    SELECT video_id, entity.1 AS kind, entity.2 AS entity_id
    FROM video_state
    ARRAY JOIN arrayConcat(
        arrayMap(tag -> ('hashtag', tag), arrayDistinct(hashtags)),
        [('sound', sound_id), ('challenge', challenge_id)]
    ) AS entity
    WHERE entity_id != ''
) AS v ON v.video_id = e.video_id
GROUP BY e.minute, kind, entity_id, e.user_id
ORDER BY e.minute, kind, entity_id, e.user_id
"""
_KNOWN = """
SELECT kind, entity_id, toUnixTimestamp64Milli(began_at) FROM bursts_log FINAL WHERE counted = 1
"""
Minute = tuple[int, dict[Entity, dict[str, int]], int]  # number, users of entities, traffic
Key = tuple[str, str, int]


class Closed(NamedTuple):
    """How much of the log is looked at: minutes before `end_ms`; `version` grows with the log."""

    end_ms: int
    version: int


class Burst(NamedTuple):
    """One burst; `ended_ms` is 0 while it lasts."""

    kind: str
    entity_id: str
    began_ms: int
    ended_ms: int
    z: float
    events: float
    expected: float
    rules_version: str

    @property
    def key(self) -> Key:
        """Return what names it."""
        return (self.kind, self.entity_id, self.began_ms)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    clickhouse_option(parser)
    data_option(parser, note="of a running stack, or what a run left")
    parser.add_argument("--weights", metavar="FILE", help="the rules (default: the folder's)")
    parser.add_argument("--preview", action="store_true", help="write nothing, say what would be")


def run(args: argparse.Namespace) -> int:
    """Judge all closed minutes."""
    with open_ledger(args.data, args.clickhouse) as url:
        settings = settings_of_folder(args.data, clickhouse=url, weights=args.weights)
        with closing(connect(url, settings.database)) as client:
            found = find_bursts(client, settings, writes=not args.preview)
    for burst in found:
        if not burst.ended_ms:
            print(f"{burst.kind} {burst.entity_id} bursts, z {burst.z:.1f}")
    print(f"{len(found):,} bursts{' would be written' if args.preview else ''}")
    return 0


def find_bursts(client: Any, settings: Settings, *, writes: bool = True) -> list[Burst]:
    """Judge all closed minutes and write what was found; safe to repeat."""
    with answering(settings.clickhouse, doing="looking for bursts"):
        closed = closed_minutes(client, settings)
        minutes = read_minutes(client, closed.end_ms)
        weights = load_weights(settings.weights or WEIGHTS_PATH)
        with show_progress("judge minutes", 1.0, "minutes") as tell:
            found = list(bursts_of(minutes, weights, closed.end_ms))
            tell(1.0, closed.end_ms // MINUTE_MS)
        known = {(kind, name, at) for kind, name, at in client.query(_KNOWN).result_rows}
    if writes and closed.end_ms:
        gone = sorted(known - {burst.key for burst in found})
        with Writer(settings.clickhouse, settings.database) as writer:
            _write(writer, found, gone, closed)
    return found


def closed_minutes(client: Any, settings: Settings) -> Closed:
    """Return the end of the last minute that every partition with events has left behind."""
    parameters = {"topic": ENGAGEMENT}
    lowest_ms, offsets, incarnation = client.query(_CLOSED, parameters).result_rows[0]
    end_ms = max(0, lowest_ms - settings.disorder_ms) // MINUTE_MS * MINUTE_MS
    return Closed(end_ms, (incarnation << 40) + offsets)


def read_minutes(client: Any, end_ms: int) -> Iterator[Minute]:
    """Yield the minutes with engagement before a time, in order."""
    traffic = dict(client.query(_TRAFFIC, {"end": end_ms}).result_rows)
    rows = client.query(_USERS, {"end": end_ms}).result_rows
    of_minute = {minute: list(group) for minute, group in groupby(rows, key=lambda row: row[0])}
    for minute, events in traffic.items():
        users: dict[Entity, dict[str, int]] = {}
        for _, kind, name, user, number in of_minute.get(minute, ()):
            users.setdefault((kind, name), {})[user] = number
        yield minute, users, events


def bursts_of(minutes: Iterable[Minute], weights: Weights, end_ms: int) -> Iterator[Burst]:
    """Yield the bursts of minutes in order; the last ones may have no end yet.

    Minutes without any event are judged while something bursts, so that it ends in its time. Rules
    are those valid at a minute's start; where there are none, nothing is judged.
    """
    open_bursts: dict[Entity, Burst] = {}
    for transition, version in _transitions(minutes, weights, end_ms // MINUTE_MS):
        kind, name = transition.entity
        at_ms = transition.window * MINUTE_MS
        if transition.bursting:
            seen = (transition.z, transition.events, transition.expected)
            open_bursts[transition.entity] = Burst(kind, name, at_ms, 0, *seen, version)
        else:
            yield open_bursts.pop(transition.entity)._replace(ended_ms=at_ms)
    yield from open_bursts.values()


def _transitions(
    minutes: Iterable[Minute], weights: Weights, end: int
) -> Iterator[tuple[Transition, str]]:
    bursts: Bursts | None = None
    for minute, users, traffic in _with_gaps(minutes, end):
        if users is None and (bursts is None or not bursts.active):
            continue
        rules = weights.burst_rules(minute * MINUTE_MS)
        if rules is None:
            continue
        if bursts is None:
            bursts = Bursts(rules)
        bursts.rules = rules
        for transition in bursts.close(minute, users or {}, traffic):
            yield transition, rules.version


def _with_gaps(
    minutes: Iterable[Minute], end: int
) -> Iterator[tuple[int, dict[Entity, dict[str, int]] | None, int]]:
    """Yield every minute; one without events has None as users."""
    expected = -1
    for minute, users, traffic in minutes:
        for empty in range(expected, minute) if expected >= 0 else ():
            yield empty, None, 0
        yield minute, users, traffic
        expected = minute + 1
    for empty in range(expected, end) if expected >= 0 else ():
        yield empty, None, 0


def _write(writer: Writer, found: list[Burst], gone: list[Key], closed: Closed) -> None:
    rows = [(*burst, 1, closed.version) for burst in found]
    rows += [(*key, 0, 0.0, 0.0, 0.0, "", 0, closed.version) for key in gone]
    if rows:
        writer.write("bursts_log", list(zip(*rows, strict=True)))
    writer.write("burst_runs", [[RUN], [closed.end_ms], [closed.version]])
