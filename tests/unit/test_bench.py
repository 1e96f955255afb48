"""`engage bench`: from samples to figures, tables and pictures; and one short run of all of it."""

from __future__ import annotations

import argparse
import json
import os
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.errors import ConfigError
from scripts import bench, cli
from scripts.benchmarks import report
from scripts.benchmarks.chart import svg
from scripts.benchmarks.child import Told, tell
from scripts.benchmarks.cores import cpu_s, on, share_out
from scripts.benchmarks.inexact_worker import NoPages
from scripts.benchmarks.machine import LIBRARIES, cpu_model, loop_ns, machine
from scripts.benchmarks.measured import Result, Sample, result_of
from scripts.benchmarks.report import EXACT, FLOOR, INEXACT, STOCK, Run
from scripts.benchmarks.stock_faust import SAMPLE_EVERY, Progress
from scripts.benchmarks.verify import Checked, WrongResult
from scripts.generator.load import LoadModel, LoadSpec
from scripts.generator.model import START_MS
from scripts.recount.compare import ViewReport
from streams.agents import rules_of
from streams.config import Settings
from streams.decode import decode_run
from streams.pages import changed_records
from streams.partition import Partition
from streams.sweep import PageWriter
from streams.topics import ENGAGEMENT
from streams.values import Run as FetchedRun
from tests.simulation.dump import dump

SECOND_OF_CPU = 1_000_000


def result(job: str, rate: int, cpu_us: float) -> Result:
    """A run of a thousand seconds' start-up and then an even pace."""
    steps = range(0, 1_000_001, 100_000)
    even = [Sample(1_000 + n / rate, n, 1.0 + n * cpu_us / SECOND_OF_CPU) for n in steps]
    samples = [Sample(0.0, 0, 0.0), *even]
    return result_of(job, "counted", samples, 100.04)


def two_rounds() -> list[Run]:
    figures = {EXACT: (100_000, 8.0), INEXACT: (125_000, 7.2), STOCK: (4_000, 240.0)}
    runs = []
    for number, slower in ((1, 1.0), (2, 0.9)):
        for job, (rate, cpu_us) in figures.items():
            runs.append(Run(number, 1.5, 30.0, result(job, int(rate * slower), cpu_us)))
    return runs


def content(runs: list[Run]) -> dict[str, Any]:
    source = {"broker": "Kafka", "messages": 10, "bytes_per_event": 150.0, "seed": 7}
    return report.as_content(machine(), source, runs, ["a caveat", "another"])


# ---------------------------------------------------------------- figures


def test_the_steady_part_is_without_start_up() -> None:
    found = result("job", 50_000, 8.0)
    assert (found.steady.events, found.steady.seconds) == (800_000, 16.0)
    assert (found.steady.events_per_s, found.steady.cpu_us_per_event) == (50_000, 8.0)
    assert found.whole.events == 1_000_000
    assert found.whole.seconds == 1_020.0
    assert found.whole.cpu_us_per_event == 9.0
    assert found.peak_rss_mb == 100.0


def test_a_run_too_short_for_a_steady_part_counts_whole() -> None:
    found = result_of("job", "counted", [Sample(0, 0, 0), Sample(2, 100, 0.001)], 1)
    assert found.steady == found.whole
    assert found.whole.events_per_s == 50


def test_medians_and_comparisons() -> None:
    found = report.summaries(two_rounds())
    assert list(found) == [EXACT, INEXACT, STOCK]
    exact = found[EXACT]
    assert (exact.runs, exact.events_per_s, exact.events_per_cpu_s) == (2, 95_000, 125_000)
    by = report.comparison(found)
    assert by.times_stock == 25
    assert by.times_stock_by_cpu == 30
    assert by.exactness_cost == pytest.approx(0.2)
    assert by.exactness_cost_by_cpu == pytest.approx(0.1)


def test_the_json_holds_every_single_run_and_where_it_was() -> None:
    found = json.loads(json.dumps(content(two_rounds())))
    assert [(run["round"], run["job"]) for run in found["runs"]][:2] == [(1, EXACT), (1, INEXACT)]
    assert len(found["runs"]) == 6
    assert found["runs"][0]["steady"]["events_per_s"] == 100_000
    assert found["runs"][0]["load_average_1m"] == 1.5
    assert found["runs"][0]["loop_ns"] == 30.0
    assert found["comparison"]["times_stock"] == 25
    assert set(found["machine"]["libraries"]) == set(LIBRARIES)
    assert {"cpu", "cores", "memory_gb", "python", "commit"} <= set(found["machine"])
    assert found["caveats"] == ["a caveat", "another"]


def test_the_table_says_it_all() -> None:
    runs = two_rounds()
    text = report.as_markdown(content(runs), runs)
    assert "| engage | counted | 95,000 | 8.00 | 125,000 |" in text
    assert "**25 times stock Faust** in events/s (30 times by CPU time)" in text
    assert "costs 10.0% of the CPU time (20.0% of the events/s)" in text
    assert text.endswith("\n- a caveat\n- another")


def test_a_commit_is_short_and_says_when_files_were_changed() -> None:
    assert report.short("0123456789abcdef with changes") == "0123456789 with changes"
    assert report.short("unknown") == "unknown"


def test_the_processor_is_named_where_the_system_does() -> None:
    assert cpu_model("processor\t: 0\nmodel name\t: A fast one\n") == "A fast one"
    assert cpu_model("") != ""
    assert loop_ns() > 1


def test_bars_are_as_long_as_their_numbers() -> None:
    found = list(report.summaries(two_rounds()).values())
    root = ET.fromstring(svg(found, "a <machine>"))
    bars = [float(b.attrib["width"]) for b in root if b.attrib.get("rx")]
    assert bars[0] / bars[1] == pytest.approx(7.2 / 8, abs=0.001)
    assert bars[2] / bars[1] == pytest.approx(7.2 / 240, abs=0.001)
    texts = [text.text for text in root if text.tag.endswith("text")]
    assert "125,000" in texts
    assert texts[-1] == "a <machine>"


# ---------------------------------------------------------------- what runs


def test_the_measured_core_is_none_of_the_others() -> None:
    before = os.sched_getaffinity(0)
    cores = share_out()
    assert cores.shared == (len(before) == 1)
    with on(cores.measured):
        assert os.sched_getaffinity(0) == cores.measured
    assert os.sched_getaffinity(0) == before
    assert cpu_s(os.getpid()) > 0


def test_a_child_tells_its_samples(tmp_path: Path) -> None:
    path = tmp_path / "told.json"
    progress = Progress(2 * SAMPLE_EVERY, path)
    for _ in range(2 * SAMPLE_EVERY):
        progress.step()
    assert not path.exists()
    progress.step()
    told = told_in(path)
    assert [sample.events for sample in told.samples] == [0, SAMPLE_EVERY, 2 * SAMPLE_EVERY]
    assert told.peak_rss_mb > 1
    tell([], path)
    assert told_in(path).samples == []


def told_in(path: Path) -> Told:
    return msgspec.json.decode(path.read_bytes(), type=Told)


def test_a_wrong_cell_fails_the_bench() -> None:
    checked = Checked()
    checked.take([ViewReport("videos", rows=1, cells=20)])
    checked.take([ViewReport("videos", rows=1, cells=20)])
    assert (checked.runs, checked.cells) == (2, 40)
    with pytest.raises(WrongResult, match="videos") as raised:
        checked.take([ViewReport("videos", rows=1, cells=20, differing=1)])
    assert raised.value.exit_code == 1


def test_without_checkpoints_the_state_is_the_same_and_nothing_is_left_over() -> None:
    model = LoadModel(LoadSpec(seed=3, users=50, videos=20, broken=0, unknown=0))
    states = [Partition(rules_of(Settings())) for _ in range(2)]
    writers = (PageWriter(0, 0, 0), NoPages(0, 0, 0))
    for records in (model.opening(START_MS), model.chunk(3_000, START_MS + 60_000)):
        chosen = [r for r in records if r.topic == ENGAGEMENT]
        for state, pages in zip(states, writers, strict=True):
            first = state.next_offset
            run = FetchedRun(
                range(first, first + len(chosen)),
                [START_MS + 60_000] * len(chosen),
                [record.key for record in chosen],
                [record.value for record in chosen],
            )
            state.apply(run, *decode_run(run.values))
            assert bool(pages.take(state).written) is (pages is writers[0])
    assert dump(states[0]) == dump(states[1])
    states[1].dedup.take_new()
    assert list(changed_records(states[1])) == []


# ---------------------------------------------------------------- the command


@pytest.mark.parametrize(
    ("options", "words"),
    [(["--events", "5"], "at least 20,000"), (["--rounds", "99"], "from 1 to 20")],
)
def test_what_cannot_be_measured_is_refused(options: list[str], words: str) -> None:
    args: argparse.Namespace = cli.parser_of("bench").parse_args(options)
    with pytest.raises(ConfigError, match=words):
        bench.run(args)


@pytest.mark.stack
@pytest.mark.slow
def test_a_quick_bench_measures_checks_and_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, chart = tmp_path / "bench.json", tmp_path / "bench.svg"
    options = ["--quick", "--kafka", "embedded", "--output", str(output), "--chart", str(chart)]
    assert cli.main(["bench", *options]) == 0
    found = json.loads(output.read_text())
    assert [run["job"] for run in found["runs"]] == [EXACT, INEXACT, STOCK, FLOOR]
    assert found["source"]["messages"] > 25_000
    assert found["source"]["seed"] == 7
    assert all(run["steady"]["events_per_s"] > 0 for run in found["runs"])
    assert any("after 2 runs against the independent recount" in line for line in found["caveats"])
    assert ET.fromstring(chart.read_text()).tag.endswith("svg")
    assert "times stock Faust" in capsys.readouterr().out
