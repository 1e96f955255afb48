"""The measurements of state and take-over: what they count is what is there."""

from __future__ import annotations

import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest

from scripts.benchmarks.live_state import Growth, LiveState, census, new_state, taken_apart
from scripts.benchmarks.memory import remember
from scripts.benchmarks.recovery import Position, Reading, costs, load
from scripts.benchmarks.resident import in_fresh_process, read_pages, write_pages
from scripts.benchmarks.takeover import Takeover, report
from scripts.benchmarks.two_workers import Worker
from streams.pages import all_records, load_pages, pack

KEYS = 1_500


@pytest.fixture(scope="module")
def made() -> LiveState:
    return Growth(KEYS, seed=3).run(lambda keys, events: None, keep_pages=True)


def test_a_grown_state_is_read_back_from_its_pages_with_all_that_it_has(
    made: LiveState, tmp_path: Path
) -> None:
    found = census(made.state)
    assert found.keys >= KEYS
    assert min(found) > 0
    in_order = [page for _, page in sorted(made.alive.items())]
    size = write_pages(tmp_path / "pages", in_order)
    assert size == sum(map(len, in_order)) <= made.written_bytes
    position = Position(made.state.next_offset, made.state.max_event_time_ms)
    read, cpu_s, _, pages = load(tmp_path / "pages", position)
    assert read == found
    assert pages == len(list(read_pages(tmp_path / "pages")))
    assert cpu_s > 0


def test_a_state_taken_apart_loses_one_kind_after_the_other(made: LiveState) -> None:
    state = deepcopy(made.state)
    left = {}
    for content in taken_apart(state):
        other = new_state()
        other.resume(state.next_offset, state.max_event_time_ms)
        load_pages(other, pack(all_records(state)))
        left[content] = census(other)
    whole = left["everything"]
    assert left["without ids"] == whole._replace(ids=0)
    assert left["without ids and pairs"] == whole._replace(ids=0, pairs=0)
    assert left["videos alone"].videos == whole.videos
    assert left["videos alone"].lives == 0


def test_costs_are_differences_between_readings(made: LiveState) -> None:
    found = census(made.state)._replace(videos=10, pairs=100, lives=5, ids=1_000)
    readings = [
        Reading(content, found, 1, size, size, size / 1e6, 2 * size)
        for content, size in (("all", 10_000), ("no ids", 8_000), ("no pairs", 3_000), ("v", 2_000))
    ]
    each = [cost.page_bytes for cost in costs(readings)]
    assert each == [200.0, 50.0, 200.0, 2.0]


def test_ids_are_measured_in_a_process_of_their_own() -> None:
    found = in_fresh_process(remember, 50_000, 1)
    assert found.ids == 50_000
    assert 40 < found.bytes_per_id < 300


def test_a_worker_owns_what_its_log_says_it_began_and_did_not_give_up(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    log.write_text(
        "[2026-01-01] [1] [WARNING] engagement.events-3 ready at offset 7\n"
        "2026-01-01 WARNING engage.pipeline commerce.events-3 ready at offset 0 \n"
        "2026-01-01 WARNING engage.pipeline commerce.events-3 given up at offset 9 \n"
        "2026-01-01 WARNING engage.pipeline engagement.events-12 ready at offset 1\n"
    )
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    worker = Worker(process, log)
    assert worker.owned() == {("engagement.events", 3), ("engagement.events", 12)}
    assert not worker.lives


def test_the_report_has_a_row_for_each_session_timeout() -> None:
    found = [
        Takeover(6, 7.0, {"a-0": 8.0, "a-1": 9.0}, 1.0, 0.1),
        Takeover(6, 7.4, {"a-0": 8.5}, 3.0, 0.2),
        Takeover(10, 11.0, {"a-0": 12.0}, 1.5, 0.1),
    ]
    *_, six, ten = report(found).splitlines()
    assert six == "| 6 | 2 | 3 | 8.00 | 8.50 | 9.00 | 7.20 | 2.00 | 3.00 | 0.20 |"
    assert ten.startswith("| 10 | 1 | 1 | 12.00 |")
