"""`engage trends` on a real ClickHouse, against the recount, late data, restarts and its guard rails."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from schemas.weights import load_weights
from scripts.cli import dispatch, guarded
from scripts.recount.bursts import BurstInput, capped
from scripts.recount.checks import bursts_check
from scripts.recount.compare import compare
from scripts.recount.expected import Expected
from scripts.recount.facts import Engagement
from scripts.recount.settled import Settled
from scripts.trends import Minute, bursts_of
from sinks.embedded import EmbeddedClickHouse
from streams.bursts import capped_count
from tests.unit.clickhouse_rows import Row, Tables, rows, video

MINUTE_MS = 60_000
START_MS = 1_741_600_020_000 // MINUTE_MS * MINUTE_MS
WEIGHTS = load_weights()
RULES = WEIGHTS.bursts[0]
ENTITIES = {
    "v": {("hashtag", "hot"), ("sound", "s")},
    "w": {("hashtag", "calm"), ("challenge", "z")},
}


def engagement(minute: int, user: str, name: str = "v", **more: Any) -> Row:
    at_ms = START_MS + minute * MINUTE_MS + len(user)
    return {
        "video_id": name,
        "user_id": user,
        "event_id": f"{user}-{minute}-{more.get('number', 0)}",
        "type": "like",
        "event_time": at_ms,
        "counted": 1,
        "version": 1,
        **{key: cell for key, cell in more.items() if key != "number"},
    }


def story() -> list[Row]:
    """Two hours of a calm tag and another that is liked by a crowd for eight minutes."""
    made = [engagement(m, f"w{m}-{n}", "w") for m in range(120) for n in range(3)]
    made += [engagement(m, f"b{m}", "v") for m in range(0, 120, 10)]
    return made + [engagement(m, f"x{m}-{n}", "v") for m in range(80, 88) for n in range(30)]


@pytest.fixture
def trends(
    clickhouse: EmbeddedClickHouse, migrated: str, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> Any:
    monkeypatch.setenv("ENGAGE_DATABASE", migrated)
    tables.write(
        "video_totals",
        video("v", hashtags=["hot", "hot"], sound_id="s", published_at=1),
        video("w", hashtags=["calm"], challenge_id="z", published_at=1),
    )

    def run(*arguments: str) -> int:
        command = ["trends", "--clickhouse", clickhouse.url, *arguments]
        return guarded(lambda: dispatch(command))

    return run


def reached(tables: Tables, minute: int, version: int = 1) -> None:
    """Let the slowest of two partitions have reached a minute, and 10 s more."""
    for number, ahead in ((0, 0), (1, 500)):
        at_ms = START_MS + (minute + ahead) * MINUTE_MS + 10_000
        partition = {"topic": "engagement.events", "partition": number, "version": version}
        tables.write("partitions", partition | {"max_event_time": at_ms})


def recounted(facts: Iterable[Row], minute: int) -> Expected:
    """What the recount makes of these engagements, and through when."""
    standing = [
        Engagement(
            *(row["event_id"], row["event_time"], row["type"], row["user_id"], row["video_id"]),
            creator_id="",
        )
        for row in facts
        if row["counted"]
    ]
    return Expected(bursts=BurstInput((RULES,), standing, ENTITIES))


def differences(client: Client, facts: Iterable[Row], minute: int) -> list[Any]:
    settled = Settled(bursts_through_ms=START_MS + minute * MINUTE_MS)
    check = bursts_check(recounted(facts, minute), settled)
    return compare(check, rows(client, check.sql)).differences


def shown(client: Client) -> list[tuple[Any, ...]]:
    return rows(
        client,
        f"SELECT kind, entity_id, intDiv(toUnixTimestamp64Milli(began_at) - {START_MS}, 60000), "
        f"intDiv(toUnixTimestamp64Milli(ended_at) - {START_MS}, 60000) FROM bursts ORDER BY ALL",
    )


def test_a_burst_begins_and_ends_and_is_written_once(
    trends: Any, client: Client, tables: Tables, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = story()
    tables.write("engagements", *facts)
    reached(tables, 84)
    assert trends() == 0
    assert "hashtag hot bursts, z " in capsys.readouterr().out
    assert shown(client) == [("hashtag", "hot", 80, None), ("sound", "s", 80, None)]
    assert differences(client, facts, 84) == []
    reached(tables, 120, version=2)
    assert trends() == 0
    found = shown(client)
    assert [row[:3] for row in found] == [("hashtag", "hot", 80), ("sound", "s", 80)]
    assert all(88 <= row[3] <= 95 for row in found)
    assert differences(client, facts, 120) == []
    assert trends() == 0
    assert shown(client) == found
    assert rows(client, "SELECT count() FROM bursts_log FINAL") == [(2,)]


def test_what_is_invalidated_later_is_no_burst(trends: Any, client: Client, tables: Tables) -> None:
    facts = story()
    tables.write("engagements", *facts)
    reached(tables, 120)
    assert trends() == 0
    assert len(shown(client)) == 2
    bots = [row | {"counted": 0, "version": 2} for row in facts if row["user_id"][0] == "x"]
    tables.write("engagements", *bots)
    assert trends("--preview") == 0
    assert len(shown(client)) == 2
    reached(tables, 120, version=3)
    assert trends() == 0
    assert shown(client) == []
    kept = [row for row in facts if row["user_id"][0] != "x"]
    assert differences(client, kept, 120) == []


def test_one_users_many_likes_and_few_users_are_no_burst(
    trends: Any, client: Client, tables: Tables
) -> None:
    facts = [row for row in story() if row["user_id"][0] != "x"]
    facts += [engagement(90, "one", "v", number=n) for n in range(500)]
    facts += [engagement(91, f"few{n}", "v") for n in range(RULES.users_min - 1)]
    tables.write("engagements", *facts)
    reached(tables, 120)
    assert trends() == 0
    assert shown(client) == []


def test_nothing_is_looked_for_before_there_is_anything(trends: Any, client: Client) -> None:
    assert trends() == 0
    assert rows(client, "SELECT count() FROM burst_runs") == [(0,)]


def test_the_recount_finds_what_the_stage_finds(rng: random.Random) -> None:
    """Random minutes with gaps, by two programs; every figure to 1e-9."""
    rules = RULES.model_copy(
        update={
            "users_min": 2,
            "user_share_max": 0.5,
            "warmup_windows": 3,
            "dwell_windows": 2,
            "baseline_half_life_windows": 10,
            "z_enter": 2.0,
            "z_leave": 1.0,
        }
    )
    weights = WEIGHTS.model_copy()
    object.__setattr__(weights, "burst_rules", lambda _: rules)
    some = 0
    for _ in range(30):
        facts: list[Engagement] = []
        minute = START_MS // MINUTE_MS
        for _ in range(150):
            minute += rng.choice((1, 1, 1, 1, 2, 9))
            for number in range(rng.choice((1, 2, 3, 30))):
                user, name = f"u{rng.randrange(20)}", rng.choice("vw")
                fact = (f"{minute}-{number}", minute * MINUTE_MS + number, "like", user, name)
                facts.append(Engagement(*fact, creator_id=""))
        end_ms = (minute + 40) * MINUTE_MS
        found = {b.key: b for b in bursts_of(minutes_of(facts), weights, end_ms)}
        plain = BurstInput((rules,), facts, ENTITIES).through(end_ms)
        assert found.keys() == plain.keys()
        for key, burst in found.items():
            assert (burst.ended_ms or None) == plain[key].ended_ms
            for name in ("z", "events", "expected"):
                assert getattr(burst, name) == pytest.approx(getattr(plain[key], name), abs=1e-9)
        some += len(found)
    assert some > 30


def test_capped_counts_agree(rng: random.Random) -> None:
    for _ in range(300):
        users = {f"u{n}": rng.choice((1, 1, 2, 50)) for n in range(rng.randrange(1, 20))}
        share = rng.choice((0.1, 0.25, 0.5, 1.0))
        assert capped(users, share) == pytest.approx(capped_count(users, share))


def minutes_of(facts: Iterable[Engagement]) -> list[Minute]:
    minutes: dict[int, tuple[dict[tuple[str, str], dict[str, int]], list[int]]] = {}
    for fact in facts:
        users, traffic = minutes.setdefault(fact.event_time_ms // MINUTE_MS, ({}, []))
        traffic.append(1)
        for entity in ENTITIES[fact.video_id]:
            of_entity = users.setdefault(entity, {})
            of_entity[fact.user_id] = of_entity.get(fact.user_id, 0) + 1
    return [(m, users, len(traffic)) for m, (users, traffic) in sorted(minutes.items())]
