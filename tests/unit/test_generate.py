"""The generator: reproducible, valid, with every case, and with the figures it claims."""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles
from typing import Any

import msgspec
import pytest

from schemas.errors import ConfigError
from schemas.events import EVENT_TYPES
from schemas.failures import Failure, Reason
from scripts import generate as command
from scripts.generator.arrival import Message
from scripts.generator.faults import BROKEN
from scripts.generator.figures import DAY_MS, HOUR_MS, LATE_MIN, LIKE_RATE, Quantiles
from scripts.generator.load import LoadModel, LoadSpec
from scripts.generator.model import EVENTS_MIN, START_MS, Spec, generate
from scripts.generator.population import popularity, top_count
from scripts.logs import open_log
from streams.decode import decode_run

LARGE = Spec(seed=3, events=200_000)
DECODE_REASONS = {
    *(Reason.EMPTY, Reason.TOO_LARGE, Reason.INVALID_UTF8, Reason.MALFORMED_JSON),
    *(Reason.NOT_AN_OBJECT, Reason.UNKNOWN_TYPE, Reason.MISSING_FIELD, Reason.WRONG_TYPE),
    Reason.OUT_OF_RANGE,
}


def parse(messages: list[Message]) -> list[dict[str, Any]]:
    return [msgspec.json.decode(m.value) for m in messages if m.kind == "event"]


@pytest.fixture(scope="module")
def large() -> list[dict[str, Any]]:
    """The events of a log large enough for shares, without those of bots."""
    events = parse(generate(LARGE))
    return [event for event in events if not event["user_id"].startswith("x")]


def count(events: list[dict[str, Any]]) -> Counter[str]:
    return Counter(event["type"] for event in events)


def arguments(*line: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(line)


@pytest.mark.parametrize("events", [EVENTS_MIN, 5_000])
def test_a_seed_always_gives_the_same_bytes(events: int, seed: int) -> None:
    spec = Spec(seed=seed, events=events)
    assert generate(spec) == generate(spec)
    assert generate(spec) != generate(Spec(seed=seed + 1, events=events))


@pytest.mark.parametrize("events", [EVENTS_MIN, 1_777, 20_000])
def test_every_type_and_every_fault_in_any_size(events: int, seed: int) -> None:
    messages = generate(Spec(seed=seed, events=events))
    assert len(messages) == events
    assert set(count(parse(messages))) == set(EVENT_TYPES) - {"tick"}  # workers write those
    results, unknown_fields = decode_run([message.value for message in messages])
    reasons = set()
    for message, result in zip(messages, results, strict=True):
        if isinstance(result, Failure):
            assert message.kind in ("broken", "unknown"), (result, message.value[:300])
            reasons.add(result.reason)
        elif message.kind in ("broken", "unknown"):
            assert b'"mistaken"' in message.value, "only admission sees that a target is foreign"
    assert reasons == DECODE_REASONS
    assert unknown_fields >= 2


def test_event_ids_are_unique(seed: int) -> None:
    ids = [event["id"] for event in parse(generate(Spec(seed=seed, events=5_000)))]
    assert len(ids) == len(set(ids))


def test_arrivals_are_in_order_and_events_within_the_log(seed: int) -> None:
    spec = Spec(seed=seed, events=5_000, hours=24)
    messages = generate(spec)
    arrivals = [message.arrival_ms for message in messages]
    assert arrivals == sorted(arrivals)
    times = [event["event_time_ms"] for event in parse(messages)]
    assert max(times) < spec.end_ms
    assert sum(time_ms < spec.start_ms for time_ms in times) <= 5, "only the forgotten ones"


def test_shares_are_as_asked_for(seed: int) -> None:
    spec = Spec(seed=seed, events=20_000, duplicates=0.1, broken=0.02, unknown=0.03, late=0.05)
    messages = generate(spec)
    kinds = Counter(message.kind for message in messages)
    assert kinds["duplicate"] == 2_000
    assert kinds["broken"] == 400
    assert kinds["unknown"] == 600
    assert sum("sent_at_ms" in event for event in parse(messages)) == 1_000


def test_nothing_odd_when_not_asked_for(seed: int) -> None:
    messages = generate(Spec(seed=seed, events=2_000, duplicates=0, broken=0, unknown=0, late=0))
    assert {message.kind for message in messages} == {"event"}
    assert not [event for event in parse(messages) if "sent_at_ms" in event]


def test_duplicates_come_after_their_original(seed: int) -> None:
    seen: set[str] = set()
    altered = 0
    first: dict[str, bytes] = {}
    for message in generate(Spec(seed=seed, events=20_000)):
        if message.kind == "event":
            event_id = msgspec.json.decode(message.value)["id"]
            first[event_id] = message.value
            seen.add(event_id)
        elif message.kind == "duplicate":
            event_id = msgspec.json.decode(message.value)["id"]
            assert event_id in seen
            altered += message.value != first[event_id]
    assert 0 < altered < 60, "a few copies differ, as in real logs"


def test_some_events_arrive_after_the_horizon_and_some_unsorted(seed: int) -> None:
    high, beyond, unsorted = 0, 0, 0
    for event in parse(generate(Spec(seed=seed, events=5_000))):
        beyond += event["event_time_ms"] < high - DAY_MS
        unsorted += event["event_time_ms"] < high
        high = max(high, event["event_time_ms"])
    assert beyond >= 3, "five are sent; event time may stand still for an hour before one of them"
    assert unsorted > 100


def test_invalidated_targets_are_whole_and_some_come_later(seed: int) -> None:
    arrived: set[str] = set()
    named: list[str] = []
    before = 0
    originals: dict[str, Any] = {}
    events = parse(generate(Spec(seed=seed, events=10_000)))
    for event in events:
        if event["type"] == "invalidated":
            ids = [target["id"] for target in event["targets"]]
            named += ids
            before += sum(target not in arrived for target in ids)
            originals |= {target["id"]: target for target in event["targets"]}
            assert {t["video_id"] for t in event["targets"]} == {event["video_id"]}
        arrived.add(event["id"])
    sent = {event["id"]: event for event in events}
    odd = ("app_version", "experiment", "tags")  # unknown fields are put on the way
    for event_id, target in originals.items():
        known = {name: value for name, value in sent[event_id].items() if name not in odd}
        assert target == known
    assert before > 0, "some are invalidated before they arrive"
    assert len(named) > len(set(named)), "some are invalidated twice"


def test_gift_streaks_have_all_fates(seed: int) -> None:
    frames: dict[str, list[dict[str, Any]]] = defaultdict(list)
    refunds: dict[str, int] = {}
    order_of_arrival: dict[str, int] = {}
    for place, event in enumerate(parse(generate(Spec(seed=seed, events=5_000)))):
        if event["type"] == "gift":
            frames[event["group_id"]].append(event)
            order_of_arrival.setdefault(event["order_id"], place)
        elif event["type"] == "gift_refunded":
            refunds[event["order_id"]] = place
    ends = [sum(frame["repeat_end"] for frame in streak) for streak in frames.values()]
    assert {0, 1, 2} <= set(ends), "lost, whole and repeated final frames"
    assert max(frame["repeat_count"] for streak in frames.values() for frame in streak) > 1
    assert [o for o, place in refunds.items() if place < order_of_arrival[o]], "refunded before"
    assert [o for o, place in refunds.items() if place > order_of_arrival[o]], "refunded after"


def test_some_videos_earn_creator_rewards() -> None:
    events = [e for e in parse(generate(Spec())) if not e["user_id"].startswith("x")]
    videos = {e["video_id"]: e for e in events if e["type"] == "video_published"}
    viewers: dict[str, set[str]] = defaultdict(set)
    for event in events:
        is_qualified = event["type"] == "view" and event["watch_ms"] > 5_000
        if is_qualified and event["feed"] == "for_you" and not event.get("is_promoted"):
            viewers[event["video_id"]].add(event["user_id"])
    earning = [
        video
        for video, users in viewers.items()
        if len(users) > 1_000
        and videos[video]["is_original"]
        and not videos[video]["is_promoted"]
        and videos[video]["duration_ms"] >= 60_000
    ]
    assert len(earning) >= 2


def test_rates_of_undoing(large: list[dict[str, Any]]) -> None:
    counts = count(large)
    for done, undone, share in (
        ("like", "unlike", 0.081),
        ("follow", "unfollow", 0.133),
        ("favorite", "unfavorite", 0.265),
        ("comment", "comment_deleted", 0.053),
    ):
        expected = counts[done] * share
        # What would be undone after the end of the log is missing; four standard errors of chance.
        assert abs(counts[undone] - expected) < 0.1 * expected + 4 * expected**0.5, (done, undone)


def test_views_are_like_real_ones(large: list[dict[str, Any]]) -> None:
    views = [event for event in large if event["type"] == "view"]
    timed = [view for view in views if view["duration_ms"] > 0]
    loops = sum(view["watch_ms"] > view["duration_ms"] for view in timed) / len(timed)
    assert loops == pytest.approx(0.137, abs=0.03)
    assert len(views) / count(large)["impression"] == pytest.approx(0.893, abs=0.01)
    for_you = sum(view["feed"] == "for_you" for view in views) / len(views)
    assert for_you == pytest.approx(0.67, abs=0.02)
    long = sum(view["watch_ms"] > 5_000 for view in views) / len(views)
    assert long == pytest.approx(0.546, abs=0.05)


def test_likes_with_hardly_a_watch(large: list[dict[str, Any]]) -> None:
    """Likes come at half of the watch, so a like and its view tell the watch time."""
    watched = {}
    for event in large:
        if event["type"] == "view":
            start_ms = event["event_time_ms"] - event["watch_ms"]
            like_ms = start_ms + event["watch_ms"] // 2
            watched[event["user_id"], event["video_id"], like_ms] = event["watch_ms"]
    likes = [e for e in large if e["type"] == "like"]
    found = [watched.get((e["user_id"], e["video_id"], e["event_time_ms"])) for e in likes]
    known = [watch_ms for watch_ms in found if watch_ms is not None]
    assert len(known) > 0.9 * len(likes)
    assert sum(watch_ms < 1_000 for watch_ms in known) / len(likes) == pytest.approx(
        0.03, abs=0.012
    )


def test_exposures_are_as_unequal_as_real_ones(large: list[dict[str, Any]]) -> None:
    shown = Counter(event["video_id"] for event in large if event["type"] == "impression")
    videos = count(large)["video_published"]
    top = sum(times for _, times in shown.most_common(top_count(videos)))
    assert top / shown.total() == pytest.approx(0.44, abs=0.06)
    hours = Counter(e["event_time_ms"] % DAY_MS // HOUR_MS for e in large if e["type"] == "view")
    assert hours[21] > 4 * hours[4], "night and evening"


def test_weights_of_popularity() -> None:
    for videos in (1, 2, 50, 10_000):
        weights = popularity(videos)
        assert len(weights) == videos
        assert min(weights) > 0
        if videos > 1:
            share = sum(weights[: top_count(videos)]) / sum(weights)
            assert share == pytest.approx(0.44, abs=0.001)


def test_rates_of_videos_keep_the_published_quantiles() -> None:
    world = Spec(seed=1, events=EVENTS_MIN, videos=20_000).world()
    rates = [video.rates_ppm["like"] / 10_000 for video in world.videos]
    cuts = quantiles(rates, n=100)
    for percent in (50, 75, 90, 95):
        assert cuts[percent - 1] == pytest.approx(LIKE_RATE(percent / 100), rel=0.06)


def test_delays_of_late_events() -> None:
    late = [LATE_MIN(n / 10_000) for n in range(10_000)]
    cuts = quantiles(late, n=100)
    assert [cuts[49], cuts[89], cuts[98]] == pytest.approx([5.2, 13.3, 36], rel=0.02)
    assert LATE_MIN(1.0) == 131


def test_quantiles_are_lines_between_points() -> None:
    curve = Quantiles((0.0, 10), (0.5, 20), (1.0, 120))
    assert [curve(share) for share in (0.0, 0.25, 0.5, 0.75, 1.0)] == [10, 15, 20, 70, 120]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"events": 10}, "--events 10"),
        ({"hours": 0.5}, "--hours"),
        ({"duplicates": 0.5}, "--duplicates"),
        ({"broken": -0.1}, "--broken"),
        ({"videos": -1}, "--videos"),
    ],
)
def test_wrong_sizes_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Spec(**change)


def test_too_few_events_for_so_many_videos() -> None:
    with pytest.raises(ConfigError, match="too few"):
        generate(Spec(events=EVENTS_MIN, videos=900))


def test_the_sample_is_what_its_command_makes(repository: Path, tmp_path: Path) -> None:
    sample = repository / "samples" / "day.jsonl.zst"
    again = tmp_path / "again.jsonl.zst"
    assert command.run(arguments("--seed", "7", "--output", str(again))) == 0
    # The compressed bytes depend on the version of zstd, the lines do not.
    assert list(open_log(sample).records()) == list(open_log(again).records())
    assert sample.stat().st_size < 2_500_000


def test_some_creators_lift_their_own_videos(large: list[dict[str, Any]]) -> None:
    own = [e for e in large if e.get("creator_id") == e["user_id"] and "video_id" in e]
    kinds = Counter(e["type"] for e in own)
    assert kinds["view"]
    assert kinds["like"]
    assert kinds["like"] < sum(e["type"] == "like" for e in large) / 20


def test_the_command_writes_every_wrapping(tmp_path: Path) -> None:
    lines = []
    for name in ("a.jsonl", "a.jsonl.gz", "a.jsonl.zst"):
        line = arguments("--events", "1000", "--output", str(tmp_path / name))
        assert command.run(line) == 0
        lines.append([record.value for record in open_log(tmp_path / name).records()])
    assert lines[0] == lines[1] == lines[2]
    assert len(lines[0]) == 1_000


def test_logs_do_not_reach_into_the_future(tmp_path: Path) -> None:
    line = arguments("--start", "2090-01-01", "--output", str(tmp_path / "a.jsonl"))
    with pytest.raises(ConfigError, match="ends in the future"):
        command.run(line)
    assert not list(tmp_path.iterdir())


def test_some_clicks_are_made_inside_a_live_of_their_creator(large: list[dict[str, Any]]) -> None:
    lives: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for event in large:
        if event["type"] in ("live_started", "live_ended"):
            lives[event["live_id"]][event["type"]] = event
    clicks = [event for event in large if event["type"] == "affiliate_click"]
    inside = [click for click in clicks if "live_id" in click]
    assert 0.05 < len(inside) / len(clicks) < 0.3
    for click in inside:
        started, ended = (lives[click["live_id"]][f"live_{word}"] for word in ("started", "ended"))
        assert started["event_time_ms"] <= click["event_time_ms"] < ended["event_time_ms"]
        assert click["creator_id"] == started["creator_id"]


def load_values(spec: LoadSpec, chunk: Callable[[int], int]) -> list[bytes]:
    model = LoadModel(spec)
    values = [record.value for record in model.opening(START_MS)]
    made = 0
    while made < 30_000:
        size = chunk(made)
        values += [record.value for record in model.chunk(size, START_MS + made // 10_000)]
        made += size
    return values


def test_a_load_stream_depends_on_its_seed_and_times_alone(seed: int) -> None:
    spec = LoadSpec(seed=seed, videos=100)
    assert load_values(spec, lambda _: 5_000) == load_values(spec, lambda _: 5_000)
    assert load_values(spec, lambda _: 5_000) != load_values(
        LoadSpec(seed=seed + 1, videos=100), lambda _: 5_000
    )


def test_a_load_stream_is_valid_but_for_its_faults(seed: int) -> None:
    spec = LoadSpec(seed=seed, videos=300, broken=0.002, unknown=0.001, duplicates=0.03)
    model = LoadModel(spec)
    records = model.opening(START_MS)
    records += [r for n in range(60) for r in model.chunk(2_000, START_MS + n)]
    results, _ = decode_run([record.value for record in records])
    failures = [result for result in results if isinstance(result, Failure)]
    share = len(failures) / len(results)
    assert share == pytest.approx(0.003, abs=0.001)
    kinds = {result.__struct_config__.tag for result in results if not isinstance(result, Failure)}
    assert kinds == set(EVENT_TYPES) - {"tick"}  # workers write those
    valid = [
        r for r, result in zip(records, results, strict=True) if not isinstance(result, Failure)
    ]
    ids = [msgspec.json.decode(record.value)["id"] for record in valid]
    assert 1 - len(set(ids)) / len(ids) == pytest.approx(0.03, abs=0.005), "duplicates"
    assert all(record.key for record in valid)


def test_load_streams_run_twice_do_not_share_ids() -> None:
    ids = []
    for run in (".1", ".2"):
        model = LoadModel(LoadSpec(videos=50, run=run, broken=0, unknown=0))
        records = model.opening(START_MS) + model.chunk(5_000, START_MS)
        ids.append({msgspec.json.decode(record.value)["id"] for record in records})
    assert not ids[0] & ids[1]


def test_broken_kinds_are_all_refused() -> None:
    like = {"id": "e", "type": "like", "event_time_ms": START_MS, "user_id": "u"}
    like |= {"video_id": "v", "creator_id": "c"}
    for name, make in BROKEN.items():
        ((result,), _) = decode_run([make(like)])
        assert isinstance(result, Failure) or name == "target_mismatch", name
        if name in {str(reason) for reason in Reason} and isinstance(result, Failure):
            assert result.reason == name
