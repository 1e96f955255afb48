"""The audit's parts: archives, comparison, money under settlement, report, usage errors."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zstandard
from clickhouse_connect.driver.client import Client

from schemas.errors import InputError
from schemas.fact_rows import FACT_TABLES
from scripts.cli import dispatch, guarded
from scripts.recount import recount
from scripts.recount.archive import Archive, ArchiveWriter, find_archives, read_archive
from scripts.recount.checks import (
    all_checks,
    creators_check,
    ledger_check,
    trending_check,
    videos_check,
    windows_of,
)
from scripts.recount.compare import Check, OneOf, ViewReport, Within, compare
from scripts.recount.content import content_of
from scripts.recount.expected import Expected
from scripts.recount.ledger import ledger_of
from scripts.recount.model import DAY_MS, HOUR_MS, Record
from scripts.recount.parallel import recount_archives
from scripts.recount.report import as_json, as_text
from scripts.recount.settled import Settled
from tests.oracle import records_from_lines
from tests.oracle.chaos import chaotic_log
from tests.oracle.events import T0_MS, event
from tests.oracle.logs import count, rules

# Archives


def write(folder: Path, records: list[Record]) -> None:
    writers: dict[tuple[str, int], ArchiveWriter] = {}
    for record in records:
        name = f"{record.topic}-{record.partition}.msgpack.zst"
        archive = Archive(record.topic, record.partition, folder / name)
        if record[:2] not in writers:
            writers[record[:2]] = ArchiveWriter(archive)
        writers[record[:2]].write(*record[2:])
    for writer in writers.values():
        writer.close()


def test_an_archive_gives_back_what_was_written(tmp_path: Path) -> None:
    values = [None, b"", b"x", b"y" * 31, b"z" * 32, b"a" * 255, b"b" * 256, b"c" * (3 << 20)]
    offsets = [0, 1, 127, 128, 255, 256, 65_536, 1 << 33]
    times = [-1, 0, 5, 300, 70_000, 1 << 40, -100, -(1 << 40)]
    records = [
        Record("a-topic", 7, offset, time_ms, value and value[:9], value)
        for offset, time_ms, value in zip(offsets, times, values, strict=True)
    ]
    write(tmp_path, records)
    (archive,) = find_archives(tmp_path, ("a-topic",))
    assert (archive.topic, archive.partition) == ("a-topic", 7)
    assert list(read_archive(archive)) == records


def test_an_open_archive_can_be_read_and_written_on(tmp_path: Path) -> None:
    writer = ArchiveWriter(Archive("t", 0, tmp_path / "t-0.msgpack.zst"))
    for offset in (0, 1):
        writer.write(offset, 0, None, b"value")
        writer.flush()
        assert [r.offset for r in read_archive(writer.archive)] == list(range(offset + 1))
    assert writer.next_offset == 2
    writer.close()


def test_a_damaged_archive_is_refused_with_its_place(tmp_path: Path) -> None:
    records = [Record("t", 0, offset, 0, b"k", bytes(999)) for offset in range(50)]
    write(tmp_path, records)
    (archive,) = find_archives(tmp_path, ("t",))
    whole = zstandard.ZstdDecompressor().decompressobj().decompress(archive.path.read_bytes())
    archive.path.write_bytes(zstandard.compress(whole[:-5]))
    with pytest.raises(InputError, match="damaged after offset 48: the file ends inside"):
        list(read_archive(archive))
    archive.path.write_bytes(zstandard.compress(b"\x93\x00"))
    with pytest.raises(InputError, match="damaged after offset -1: not an array"):
        list(read_archive(archive))
    archive.path.write_bytes(b"no zstd")
    with pytest.raises(InputError, match="damaged"):
        list(read_archive(archive))


def test_a_folder_without_archives_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other-0.msgpack.zst").touch()
    with pytest.raises(InputError, match="holds no archived topics"):
        find_archives(tmp_path, ("t",))


@pytest.mark.slow
def test_processes_come_to_what_one_process_does(tmp_path: Path) -> None:
    records = records_from_lines(chaotic_log(3, 1_500), 3)
    write(tmp_path, records)
    archives = find_archives(tmp_path, ("engagement.events", "commerce.events"))
    expected = recount_archives(archives, rules(), processes=2, tell=lambda _: None)
    assert expected == recount(records, rules())


# Comparison


def check(expected: dict[Any, Any], **options: Any) -> Check:
    return Check("view", "", 1, ("a", "b"), expected, lambda _, row: row, **options)


def test_what_is_the_same_is_counted_and_not_reported() -> None:
    report = compare(check({("x",): (1, 2), ("y",): (OneOf(frozenset("pq")), Within(1, 2))}), [])
    assert report.differing == 2
    rows = [("x", 1, 2), ["y", "q", 1.5]]
    report = compare(check({("x",): (1, 2), ("y",): (OneOf(frozenset("pq")), Within(1, 2))}), rows)
    assert (report.rows, report.cells, report.differing) == (2, 4, 0)


def test_cells_and_rows_that_differ_are_named() -> None:
    expected = {("x",): (1, 2), ("y",): (3, 4), ("z",): (5, 6)}
    report = compare(check(expected), [("x", 1, 9), ("z", 5, 6), ("z", 5, 6), ("w", 7, 8)])
    assert [difference[1:] for difference in report.differences] == [
        (("x",), "b", 2, 9),
        (("z",), "(row)", "one row", "another"),
        (("w",), "(row)", "no row", "a=7, b=8"),
        (("y",), "(row)", "a=3, b=4", "no row"),
    ]


def test_rows_that_say_nothing_may_be_there_or_not() -> None:
    silent = check({("x",): (0, 0)}, is_blank=lambda row: not any(row))
    assert compare(silent, []).differing == 0
    assert compare(silent, [("x", 0, 0), ("y", 0, 0)]).differing == 0
    assert compare(silent, [("x", 0, 1)]).differing == 1
    assert compare(silent, [("y", 0, 1)]).differing == 1


def test_a_wrong_type_is_a_difference() -> None:
    assert compare(check({("x",): (Within(0, 1), 1)}), [("x", "0", "1")]).differing == 2


# Views


def test_hours_and_days_are_sums_of_minutes_without_those_of_zeros() -> None:
    minute = (T0_MS, "video", "v")
    minutes = {
        minute: {"likes": 1, "views": -1},
        (T0_MS + 60_000, "video", "v"): {"likes": 2},
        (T0_MS + HOUR_MS, "video", "v"): {"likes": -3, "views": 1},
    }
    assert windows_of(minutes, HOUR_MS)[minute] == {"likes": 3, "views": -1}
    assert windows_of(minutes, DAY_MS) == {}


def test_every_public_view_is_checked_and_agrees_with_itself() -> None:
    expected = count(
        event("video_published"), event("view"), event("gift"), event("like", at=-2 * DAY_MS)
    )
    (position,) = expected.partitions
    checks = all_checks(expected, Settled(), {position: Within(4, 4)})
    assert {check.view for check in checks} == {
        *("engagement_1m", "engagement_1h", "engagement_1d", "videos", "lives", "creators"),
        *("trending_now", "trending_windows", "top_windows", "earnings_ledger", "earnings_daily"),
        *("balances", "payouts", "earnings_by_reference", "earnings_by_source"),
        *("audience", "follower_growth", "collaborations", "trend_lift", "bursts", "boosts"),
        *("content_performance", "dead_letters", "late_events", "partitions"),
        *("order_events", "affiliate_clicks", "product_views", "search_views", "shared_views"),
        *("deals", "follow_actions", "creator_registrations", "engagements", "video_earnings"),
    }
    for each in checks:
        assert len(each.sql.split(" FROM ")[0].split(", ")) >= len(each.columns)
        rows = [(*key, *each.row_of(key, item)) for key, item in each.expected.items()]
        as_found = [tuple(_as_found(cell) for cell in row) for row in rows]
        assert compare(each, as_found).differences == []


def test_every_column_of_every_public_view_is_compared(client: Client) -> None:
    views = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View'"
    public = {name for (name,) in client.query(views).result_rows} - {
        "estimated_earnings",
        "video_state",
    }
    checks = {check.view: check for check in all_checks(count(), Settled(), {})}
    assert checks.keys() - {"partitions", "video_earnings", *FACT_TABLES} == public
    for view in public:
        described = {row[0] for row in client.query(f"DESCRIBE TABLE {view}").result_rows}
        assert set(checks[view].columns) <= described
        assert checks[view].keys + len(checks[view].columns) == len(described), view


def test_a_cell_that_is_changed_is_found_in_every_column() -> None:
    expected = count(
        event("video_published"), event("view"), event("gift"), event("like", at=-2 * DAY_MS), {}
    )
    (position,) = expected.partitions
    for check in all_checks(expected, Settled(), {position: Within(5, 5)}):
        for key, item in check.expected.items():
            cells = [_as_found(cell) for cell in check.row_of(key, item)]
            for index, column in enumerate(check.columns):
                wrong = [*cells[:index], "another", *cells[index + 1 :]]
                report = compare(check, [(*key, *wrong)])
                assert column in {each.column for each in report.differences}, check.view


def _as_found(cell: object) -> object:
    return cell.low if isinstance(cell, Within) else cell


def test_a_video_of_which_all_was_taken_back_may_leave_an_empty_row() -> None:
    empty = ["v", 0, *[0] * 20, "creator", "", 90_000, "", 0, 0, [], "", ""]
    assert compare(videos_check(Expected()), [empty]).differing == 0


def test_a_score_may_be_rounded_otherwise_but_not_be_another() -> None:
    expected = count(event("like"), event("like", user_id="w", at=HOUR_MS))
    view = trending_check(expected)
    trend = expected.trending_now["video", "v"]
    for off, differing in ((1e-10, 0), (1e-6, 2)):
        same = (trend.velocity, 1, trend.acceleration)
        rows = [(kind, name, trend.score + off, *same) for kind, name in view.expected]
        assert compare(view, rows).differing == differing


# Money (what settlement books: test_recount_settled.py)


def test_an_estimate_is_shown_until_its_day_is_settled() -> None:
    views = [event("view", user_id=f"u{n}") for n in range(1_003)]
    expected = count(event("video_published"), *views, event("gift", repeat_end=True))
    before = {key for (key,) in ledger_check(expected, Settled()).expected}
    settled = Settled(frozenset({("creator_rewards", T0_MS)}))
    after = {key for (key,) in ledger_check(expected, settled).expected}
    assert before - after == {"creator_rewards:v:2024-03-01"}
    ledger = ledger_of(expected.ledger.values())
    assert ledger.balances == {("c", "USD"): 25_000}
    assert ledger.daily[T0_MS, "c", "creator_rewards"] == (1_200, 1)


def test_what_no_rule_books_or_decides_is_a_difference() -> None:
    """Nothing is taken as found: a sale, a boost or a pool that the log does not make."""
    checks = {check.view: check for check in all_checks(count(), Settled(), {})}
    sale = ("sale:1", T0_MS, "c", "sale", "final", 5, "USD", "order:1", "r")
    boost = ("v:1", "v", "L1", "promote", T0_MS, "corrected", *(0.5,) * 4, 300, "L2", "w")
    for view, row in (
        ("earnings_ledger", sale),
        ("earnings_daily", (T0_MS, "c", "sale", 5, 1)),
        ("balances", ("c", "USD", 5)),
        ("boosts", boost),
        ("content_performance", ("hashtag", "x", 1, 0, 0, 0.0, 0, 0.0, 0.0, 0.0, 0.0)),
    ):
        assert compare(checks[view], [row]).differing == 1, view


def test_what_a_creator_earns_in_another_currency_is_in_balances_alone() -> None:
    expected = count(event("video_published"), event("gift", repeat_end=True))
    usd = next(iter(expected.ledger.values()))
    euros = replace(usd, entry_id="e", currency="EUR", amount_micros=7, reference="video:v")
    expected.ledger["e"] = euros
    ledger = ledger_of(expected.ledger.values())
    check = creators_check(expected, ledger)
    row = dict(zip(check.columns, check.row_of(("c",), check.expected["c",]), strict=True))
    assert row["earnings_micros"] == 25_000
    assert ledger.balances == {("c", "USD"): 25_000, ("c", "EUR"): 7}
    assert ledger.daily == {(T0_MS, "c", "gift"): (25_000, 1)}
    assert ledger.videos == {("v", "EUR"): (7, 1)}
    content = content_of(expected.videos, ledger.by_reference)
    assert {sums.earnings_micros for sums in content.values()} == {0}


# Report and usage


def test_the_report_shows_the_first_of_every_view() -> None:
    many = ViewReport("many")
    for number in range(5_000):
        many.differ((number,), "a", 1, 2)
    one = ViewReport("one", rows=1, cells=4_321)
    one.differ((T0_MS, "x", 5), "b", "p" * 500, None)
    text = as_text([many, one])
    assert "5,001 of 4,321 cells differ from the recount" in text
    assert "the first 20 of 5,001" in text
    assert "one [2024-03-01 00:00, x, 5] b: expected ppp" in text
    assert max(map(len, text.splitlines())) < 250
    found = json.loads(as_json([many, one]))
    assert found["differing"] == 5_001
    assert found["views"]["one"] == {"rows": 1, "cells": 4_321, "differing": 1}
    assert len(found["differences"]) == 20
    assert as_text([ViewReport("v", 1, 2)]).endswith("2 cells, no difference")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "say what to audit"),
        (["--kafka", "127.0.0.1:9"], "say where ClickHouse is"),
        (["--data", "/nowhere/at/all"], "holds no results"),
        (["--processes", "0", "--data", "/x"], "must be at least 1"),
        (["--rates", "/no.toml", "--data", "/x"], "no such file"),
        (
            ["--input-topics-archive", "/x", "--clickhouse", "http://default@127.0.0.1:9"],
            "ClickHouse at http://127.0.0.1:9 does not answer",
        ),
    ],
)
def test_wrong_usage_is_said_in_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(lambda: dispatch(["audit", *arguments])) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
