"""Figures of the load test, from acknowledgements and looks whose answers are known."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from schemas.events import parse_event
from schemas.refusals import EventError
from scripts.load_test import write
from scripts.loadtest.latency import Backlog, Latency, Look, grows, latencies, percentile
from scripts.loadtest.profiles import GIFTS, PROFILES, stream_of
from scripts.loadtest.report import Found, as_markdown
from scripts.loadtest.steps import Recovery, Step
from scripts.records import LogRecord
from scripts.sending import Ack

RATE = 100.0  # one batch of ten every 100 ms
ORIGIN_MS = 1_000_000.0
PLACE = ("t", 0)


def batches(count: int) -> list[Ack]:
    return [Ack(*PLACE, 10 * (n + 1), 10 * n, 10) for n in range(count)]


def looks_that_see(delay_ms: float, count: int, *, stall: int | None = None) -> list[Look]:
    """A look at every moment at which a batch becomes visible; from `stall` on five seconds later."""
    return [
        Look(
            ORIGIN_MS + 100 * n + delay_ms + (5_000 if stall is not None and n >= stall else 0),
            {PLACE: 10 * (n + 1)},
        )
        for n in range(count)
    ]


def test_latency_counts_from_when_a_record_was_due() -> None:
    found, missing = latencies(batches(20), looks_that_see(250, 20), ORIGIN_MS, RATE)
    assert missing == 0
    assert {each.took_ms for each in found} == {250.0}
    assert sum(each.records for each in found) == 200


def test_a_stall_is_in_the_latency_of_everything_that_was_due_meanwhile() -> None:
    found, _ = latencies(batches(20), looks_that_see(250, 20, stall=10), ORIGIN_MS, RATE)
    assert [each.took_ms for each in found] == [250.0] * 10 + [5_250.0] * 10
    assert percentile(found, 0.5) == 250
    assert percentile(found, 0.51) == 5_250


def test_what_was_never_seen_is_missing_and_not_left_out() -> None:
    found, missing = latencies(batches(20), looks_that_see(0, 15), ORIGIN_MS, RATE)
    assert (missing, len(found)) == (50, 15)


def test_percentiles_weigh_batches_by_their_records() -> None:
    found = [Latency(0, 10, 98), Latency(0, 1_000, 1), Latency(0, 500, 1)]
    assert [percentile(found, share) for share in (0.5, 0.98, 0.99, 1.0)] == [10, 10, 500, 1_000]
    assert percentile([], 0.5) == 0


def test_a_backlog_that_stays_does_not_grow() -> None:
    count = 200
    backlog = Backlog(
        batches(count), looks_that_see(3_000, count), ORIGIN_MS, RATE, sent=10 * count
    )
    assert backlog.mean(ORIGIN_MS + 5_000, ORIGIN_MS + 15_000) == pytest.approx(290, abs=1)
    assert not grows(backlog, ORIGIN_MS, 20, RATE)


def test_a_backlog_that_grows_is_seen() -> None:
    count = 200  # seen at half the rate
    looks = [Look(ORIGIN_MS + 200 * n, {PLACE: 10 * (n + 1)}) for n in range(count)]
    backlog = Backlog(batches(count), looks, ORIGIN_MS, RATE, sent=10 * count)
    assert grows(backlog, ORIGIN_MS, 20, RATE)
    assert backlog.most(ORIGIN_MS, ORIGIN_MS + 60_000) == pytest.approx(990, abs=20)


def test_a_backlog_is_back_when_it_stays_so() -> None:
    seen = [10, 20, 20, 20, 50, 50, 50, 50, 90]  # behind by 10 at 300 ms, by 10 and 20 later
    looks = [Look(ORIGIN_MS + 100 * n, {PLACE: end}) for n, end in enumerate(seen)]
    backlog = Backlog(batches(9), looks, ORIGIN_MS, RATE, sent=90)
    assert backlog.back_at_ms(ORIGIN_MS + 200, most=0) == ORIGIN_MS + 800
    assert backlog.back_at_ms(ORIGIN_MS + 200, most=10) == ORIGIN_MS + 800
    assert backlog.back_at_ms(ORIGIN_MS + 200, most=20) == ORIGIN_MS + 200
    cut = Backlog(batches(9), looks[:4], ORIGIN_MS, RATE, sent=90)
    assert cut.back_at_ms(ORIGIN_MS, most=0) is None


def events_of(profile: str, count: int, *, chunk: int = 500) -> list[LogRecord]:
    stream = stream_of(profile, "a", users=1_000)
    made: list[LogRecord] = []
    while len(made) < count:
        made += stream.chunk(chunk, 1_700_000_000_000 + len(made))
    return made


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_makes_as_many_events_as_asked_for(profile: str) -> None:
    stream = stream_of(profile, "a", users=1_000)
    assert stream.opening(1_700_000_000_000)
    for count in (1, 7, 1_000):
        assert len(stream.chunk(count, 1_700_000_000_000)) == count
    broken = 0
    for record in stream.chunk(5_000, 1_700_000_005_000):
        try:
            parse_event(record.value)
        except EventError:
            broken += 1
    assert broken < 50


def test_each_profile_is_hard_in_its_own_way() -> None:
    made = {profile: events_of(profile, 20_000) for profile in PROFILES}
    keys = {profile: Counter(r.key for r in records) for profile, records in made.items()}
    copies = {p: 1 - len({r.value for r in records}) / len(records) for p, records in made.items()}
    late = {
        p: sum(b"impression" in r.value and (r.event_time_ms or 0) < 1_700_000_000_000 for r in rs)
        for p, rs in made.items()
    }
    assert copies["duplicates"] > copies["even"] + 0.1
    assert late["disorder"] > 5 * late["even"]
    top = {profile: counted.most_common(1)[0][1] for profile, counted in keys.items()}
    assert top["skew"] > 2 * top["even"]
    assert 3_000 < keys["bursts"][b"load-post"] < 4_000
    assert keys["bursts"][b"load-live"] == pytest.approx(2_000, abs=50)


def test_a_live_gets_its_gifts_and_no_more() -> None:
    records = [r for r in events_of("bursts", 1_100_000, chunk=50_000) if r.key == b"load-live"]
    assert len(records) == GIFTS
    last = msgspec.json.decode(records[-1].value)
    assert (last["repeat_count"], last["repeat_end"]) == (50, True)


def step(rate: float, **changes: object) -> Step:
    fields = {
        "rate": rate,
        "sent": 10,
        "offered": True,
        "behind_s_max": 0.0,
        "sustained": True,
        "p50_ms": 900.0,
        "p95_ms": 1_500.0,
        "p99_ms": 1_800.0,
        "most_ms": 2_000.0,
        "backlog_at_end": 5,
        "drain_s": 1.0,
        "cores": {"worker": 0.5},
        "worker_peak_mb": 150.0,
        "load_average_1m": 0.5,
    }
    return msgspec.convert(fields | changes, Step)


def found_of(*steps: Step) -> Found:
    machine = {"measured_at": "now", "cpu": "a <cpu>", "cores": 2, "commit": "c" * 40}
    recovery = Recovery(500.0, 7.5, 100, 4_000, 9_000.0)
    return Found("even", 1, "embedded", 20.0, steps, recovery, machine)


def test_a_rate_that_could_not_be_offered_is_not_held_against_the_pipeline(tmp_path: Path) -> None:
    behind = step(3_000, offered=False, behind_s_max=2.5, sustained=False)
    found = found_of(step(1_000), step(2_000), behind)
    assert found.sustainable is not None
    assert found.sustainable.rate == 2_000
    assert "could not be offered" in found.limit
    assert "the sender is the limit" in as_markdown(found)
    write(found, tmp_path)
    content = json.loads((tmp_path / "load_test.json").read_text())
    assert content["sustainable_rate"] == 2_000
    assert [s["rate"] for s in content["steps"]] == [1_000, 2_000, 3_000]
    drawn = ElementTree.parse(tmp_path / "load_test.svg").getroot()
    assert "sustainable 2,000/s" in "".join(drawn.itertext())


def test_where_the_backlog_grows_is_the_limit() -> None:
    assert found_of(step(1_000), step(1_500, sustained=False)).limit == (
        "at 1,500/s the backlog grows"
    )
    assert found_of(step(1_000)).limit == "higher rates were not tried"
    nothing = found_of(step(1_000, sustained=False))
    assert nothing.sustainable is None
    assert "No rate was kept up with" in as_markdown(nothing)
