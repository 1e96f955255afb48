"""Fraud rules in small cases: what is found, what is not, and what becomes of it."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import wire
from schemas.events import parse_event
from schemas.weights import load_weights
from streams.decode import decode_run
from streams.fraud import (
    Buckets,
    device_fan_in,
    distrusted,
    find,
    invalidations,
    lockstep,
    over_rate,
    self_engagement,
    unwatched,
    watched_pairs,
)
from streams.lockstep import groups
from tests.oracle.events import HOUR_MS, MINUTE_MS, T0_MS, event, line_of

RULES = load_weights().frauds[0]
SMALL = RULES.model_copy(update={"lockstep_users": 3, "lockstep_videos": 2, "device_users": 3})


def acts(*made: dict[str, Any]) -> list[wire.VideoEvent]:
    decoded, _ = decode_run([line_of(one) for one in made])
    assert all(isinstance(one, wire.VideoEvent) for one in decoded), decoded
    return [one for one in decoded if isinstance(one, wire.VideoEvent)]


def like(user: str, video: str = "v", at: int = 0, **fields: Any) -> dict[str, Any]:
    return event("like", at=at, user_id=user, video_id=video, **fields)


def view(user: str, video: str = "v", at: int = 0, watch_ms: int = 6_000) -> dict[str, Any]:
    return event("view", at=at, user_id=user, video_id=video, watch_ms=watch_ms)


def ids(events: list[wire.VideoEvent]) -> list[str]:
    return [one.id for one in events]


def test_a_bucket_gives_thirty_at_once_and_thirty_a_minute() -> None:
    buckets = Buckets(RULES)
    assert [buckets.take("u", T0_MS) for _ in range(32)] == [True] * 30 + [False] * 2
    assert not buckets.take("u", T0_MS + 1_999)
    assert buckets.take("u", T0_MS + 2_000)
    assert not buckets.take("u", T0_MS + 2_001)
    assert buckets.take("other", T0_MS)
    later = sum(buckets.take("u", T0_MS + 10 * MINUTE_MS) for _ in range(99))
    assert later == 30, "no more than that is saved up"


def test_a_full_bucket_is_forgotten() -> None:
    buckets = Buckets(RULES)
    buckets.take("u", T0_MS)
    buckets.forget(T0_MS + 2_000)
    assert set(buckets.dump()) == {"u"}
    buckets.forget(T0_MS + 2_001)
    assert buckets.dump() == {}


def test_likes_over_the_rate_are_found_also_across_spans() -> None:
    likes = acts(*(like("u", f"v{n}", at=n) for n in range(40)))
    buckets, again = Buckets(RULES), Buckets(RULES)
    assert over_rate(likes, RULES, buckets) == likes[30:]
    found = over_rate(likes[:20], RULES, again)
    again.load(msgspec.msgpack.decode(msgspec.msgpack.encode(again.dump())))
    assert found + over_rate(likes[20:], RULES, again) == likes[30:]


def test_one_like_without_watching_is_distrusted_and_not_found() -> None:
    events = acts(like("u"), view("u", watch_ms=999), like("w", at=5), view("w", watch_ms=1_000))
    watched = watched_pairs(events, RULES)
    assert watched == {("w", "v")}
    assert distrusted(events, watched) == [events[0]]
    assert unwatched(events, RULES) == []


def test_who_likes_again_and_again_without_watching_is_found() -> None:
    bare = [like("bot", f"v{n}", at=n) for n in range(5)]
    watched = [one for n in range(2) for one in (like("bot", f"w{n}", at=9), view("bot", f"w{n}"))]
    events = acts(*bare, *watched[:2])
    assert ids(unwatched(events, RULES)) == [one["id"] for one in bare]
    assert unwatched(acts(*bare[:4]), RULES) == [], "four are too few"
    assert unwatched(acts(*bare, *watched), RULES) == [], "five of seven are below four fifths"


def together(users: int, videos: int, apart_ms: int = 2_000) -> list[dict[str, Any]]:
    return [
        like(f"bot{u}", f"v{v}", at=v * HOUR_MS + 59_000 + u * apart_ms)
        for u in range(users)
        for v in range(videos)
    ]


def test_a_group_in_step_is_found_across_the_minute() -> None:
    crowd = [like(f"u{n}", f"v{n % 3}", at=n * 7_000 % HOUR_MS) for n in range(60)]
    bots = together(5, 3)
    found = lockstep(acts(*crowd, *bots), RULES)
    assert sorted(ids(found)) == sorted(one["id"] for one in bots)
    assert lockstep(acts(*crowd, *together(4, 3)), RULES) == []
    assert lockstep(acts(*crowd, *together(5, 2)), RULES) == []
    assert lockstep(acts(*crowd, *together(5, 3, apart_ms=90_000)), RULES) == []


def test_a_crowd_is_not_in_step() -> None:
    crowd = together(RULES.crowd_max + 1, 3, apart_ms=1)
    assert lockstep(acts(*crowd), RULES) == []


def test_groups_are_named_by_their_first() -> None:
    tied = [("b", "c"), ("d", "e"), ("a", "c"), ("x", "y")]
    assert groups(tied, 3) == dict.fromkeys("abc", "a")
    assert groups([*tied, ("e", "a")], 5) == dict.fromkeys("abcde", "a")


def test_a_device_of_many_users_is_found() -> None:
    farm = [like(f"u{n}", f"v{n}", at=n, device_id="d") for n in range(3)]
    family = [like(f"u{n}", device_id="home") for n in range(2)]
    later = [like("u9", at=2 * HOUR_MS, device_id="d")]
    none = [like(f"n{n}") for n in range(9)]
    published = event("video_published", user_id="c", device_id="d")
    events = acts(*farm, *family, *later, *none, published)
    assert ids(device_fan_in(events, SMALL)) == [one["id"] for one in farm]


def test_creators_do_not_lift_their_own() -> None:
    own = [event(kind, user_id="c") for kind in ("like", "share", "favorite", "comment", "follow")]
    fair = [event(kind, user_id="c") for kind in ("view", "reply", "impression")]
    found = self_engagement(acts(*own, *fair, like("u")), RULES)
    assert sorted(ids(found)) == sorted(one["id"] for one in own)


def test_findings_become_invalidations_that_the_schema_takes() -> None:
    bots = together(3, 2)
    events = acts(*bots, *(view(one["user_id"], one["video_id"]) for one in bots))
    findings = find(events, SMALL, Buckets(SMALL))
    assert [(f.rule, f.video_id, len(f.events)) for f in findings] == [
        ("lockstep", "v0", 3),
        ("lockstep", "v1", 3),
    ]
    made = list(invalidations(findings, T0_MS + HOUR_MS))
    for finding, invalidated in zip(findings, made, strict=True):
        parsed = parse_event(msgspec.json.encode(invalidated))
        assert isinstance(parsed.event_time_ms, int)
        assert parsed.type == "invalidated"
        assert [target.id for target in parsed.targets] == ids(list(finding.events))
        assert parsed.reason == "lockstep (fraud-1)"
        assert all(target.video_id == parsed.video_id for target in parsed.targets)
    assert list(invalidations(find(events[::-1], SMALL, Buckets(SMALL)), T0_MS + HOUR_MS)) == made


def test_large_findings_come_in_parts() -> None:
    own = acts(*(event("comment", user_id="c") for _ in range(1_201)))
    made = list(invalidations(find(own, RULES, Buckets(RULES)), T0_MS))
    assert [len(one["targets"]) for one in made] == [500, 500, 201]
    assert len({one["id"] for one in made}) == 3


@settings(max_examples=50)
@given(st.integers(0, 1 << 32).map(Random))
def test_order_and_partitions_do_not_change_what_is_found(rng: Random) -> None:
    made = []
    for number in range(120):
        kind = rng.choice(("like", "like", "view", "comment"))
        fields: dict[str, Any] = {"user_id": f"u{rng.randrange(6)}", "id": f"e{number}"}
        fields |= {"video_id": f"v{rng.randrange(4)}", "creator_id": f"u{rng.randrange(9)}"}
        fields["device_id"] = rng.choice(("d1", "d2"))
        made.append(event(kind, at=rng.randrange(3 * MINUTE_MS), **fields))
    events = acts(*made)
    whole = find(events, SMALL, Buckets(SMALL))
    parts: list[list[wire.VideoEvent]] = [[] for _ in range(8)]
    for one in events:
        rng.choice(parts).append(one)
    rng.shuffle(parts)
    assert find([one for part in parts for one in part], SMALL, Buckets(SMALL)) == whole
