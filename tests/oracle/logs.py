"""Hand-written logs, counted: `count(event("like"), ...)` is what they come to."""

from dataclasses import replace
from functools import cache
from typing import Any

from schemas.base import COMMERCE_TOPIC, ENGAGEMENT_TOPIC
from scripts.recount import Expected, Rules, recount, rules_of
from scripts.recount.model import COUNTERS
from scripts.recount.partition import Sums
from streams.config import Settings
from tests.oracle import NEVER_AHEAD_MS, expected_from_lines, records_from_lines
from tests.oracle.events import MINUTE_MS, T0_MS, line_of

ENGAGEMENT = (ENGAGEMENT_TOPIC, 0)
COMMERCE = (COMMERCE_TOPIC, 0)
Event = dict[str, Any]


@cache
def rules() -> Rules:
    """Return the rules of the default settings and the rates and weights that ship."""
    return rules_of(Settings())


def count(*events: Event, record_ms: int = NEVER_AHEAD_MS, **changed: Any) -> Expected:
    """Count a log of one partition; keyword arguments change rules."""
    by = replace(rules(), **changed)
    return expected_from_lines(map(line_of, events), 1, rules=by, timestamp_ms=record_ms)


def count_with_key(event: Event, key: bytes | None, topic: str = ENGAGEMENT_TOPIC) -> Expected:
    """Count one message under a key and a topic of the test's choice."""
    (record,) = records_from_lines([line_of(event)], 1)
    return recount([record._replace(key=key, topic=topic)], rules())


def minute(expected: Expected, at: int, kind: str = "video", subject: str = "") -> dict[str, int]:
    """Return the counters that are not 0 of the minute that holds T0 + at."""
    start_ms = (T0_MS + at) // MINUTE_MS * MINUTE_MS
    counts = expected.engagement_1m.get((start_ms, kind, subject or kind[0]), {})
    return {name: amount for name, amount in counts.items() if amount}


def totals(expected: Expected, video_id: str = "v") -> dict[str, Any]:
    """Return the counters and registers that are not 0 of a video."""
    names = (*COUNTERS, "net_likes", "net_favorites", "unique_viewers")
    row = expected.videos.get(video_id, {})
    return {name: row[name] for name in names if row.get(name)}


def sums(expected: Expected) -> dict[str, int]:
    """Return how many messages of the engagement topic there were of each fate, if any."""
    found: Sums = expected.partitions[ENGAGEMENT]
    names = ("counted", "duplicates", "suppressed", "late", "dead_letters")
    fates = {name: getattr(found, name) for name in names}
    assert sum(fates.values()) == found.messages, "each message has exactly one fate"
    return {name: number for name, number in fates.items() if number}


def reasons(expected: Expected) -> list[str]:
    """Return the reasons of all dead letters, in the log's order."""
    return [str(letter.reason) for _, letter in sorted(expected.dead_letters.items())]


def booked(expected: Expected) -> dict[str, tuple[str, int]]:
    """Return state and amount of each entry of the ledger."""
    return {
        name: (entry.state, entry.amount_micros) for name, entry in sorted(expected.ledger.items())
    }
