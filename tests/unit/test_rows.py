"""Rows of changed state: valid, cumulative, versioned, and shown by the real views."""

from random import Random
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from schemas.rows import COLUMNS, TABLES
from scripts.recount import recount
from scripts.recount.checks import all_checks
from scripts.recount.compare import compare
from scripts.recount.settled import Settled
from sinks.embedded import EmbeddedClickHouse
from sinks.writer import Writer
from streams.programs.days import utc_day_name
from streams.rows import INCARNATION_SHIFT, RowBuilder
from tests.oracle.events import DAY_MS, HOUR_MS, T0_MS, event, invalidated
from tests.simulation.core import INCARNATION, by_partition, core_of, cut, new_core
from tests.simulation.ruleset import rule_set
from tests.simulation.story import random_steps, story_of
from tests.simulation.tables import Tables
from tests.simulation.verdict import positions_of
from tests.simulation.views import VIEWS

RULES = rule_set().pipeline
BASE = INCARNATION << INCARNATION_SHIFT


def rows_of(columns: dict[str, Any], table: str) -> list[dict[str, Any]]:
    names = COLUMNS[table]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.get(table, ()), strict=True)]


def test_every_row_of_random_logs_is_what_its_model_says(rng: Random) -> None:
    seen: set[str] = set()
    for _ in range(4):
        for tp, records in by_partition(story_of(random_steps(rng, 600))).items():
            core = new_core(tp, RULES)
            for run in cut(records, rng):
                core.apply(run)
                columns = core.flush()
                seen.update(columns)
                for table in columns:
                    for row in rows_of(columns, table):
                        lists = {name: list(v) for name, v in row.items() if isinstance(v, tuple)}
                        TABLES[table].model_validate(row | lists)
    others = ("settlements", "explanations", "payout_plans", "video_earnings", "heartbeats")
    assert seen == TABLES.keys() - {*others, "bursts_log", "burst_runs", "experiments"}


def test_versions_of_a_key_grow_and_carry_the_incarnation(rng: Random) -> None:
    log = by_partition(story_of(random_steps(rng, 300)))["engagement.events", 0]
    core, last = new_core(("engagement.events", 0), RULES), dict[tuple[Any, ...], int]()
    tables = Tables()
    for run in cut(log, rng):
        core.apply(run)
        tables.write_all(core.flush())
        for table, rows in tables.dump().items():
            at = COLUMNS[table].index("version")
            for key, row in rows.items():
                version = row[at]
                assert version >> INCARNATION_SHIFT == INCARNATION
                assert version >= last.get((table, *key), 0)
                assert version <= BASE + core.state.next_offset
                last[table, *key] = version


def test_rows_may_arrive_in_any_order_and_again(rng: Random) -> None:
    in_order, shuffled = Tables(), Tables()
    blocks = []
    for tp, records in by_partition(story_of(random_steps(rng, 300))).items():
        core = new_core(tp, RULES)
        for run in cut(records, rng):
            core.apply(run)
            blocks += list(core.flush().items())
    for table, columns in blocks:
        in_order.write(table, columns)
    again = blocks + blocks[::3]
    rng.shuffle(again)
    for table, columns in again:
        shuffled.write(table, columns)
    assert shuffled.dump() == in_order.dump()


def test_only_what_changed_has_rows() -> None:
    core = core_of(event("like"), event("like", video_id="w"), rules=RULES)
    assert len(rows_of(core.flush(), "video_totals")) == 2
    assert set(core.flush()) == {"partitions"}


def test_a_pane_that_only_closes_writes_no_row() -> None:
    core = core_of(event("like"), rules=RULES)
    core.flush()
    later = core_of(event("like"), event("tick", at=HOUR_MS), rules=RULES)
    assert not later.state.videos[b"v"].panes
    columns = later.flush()
    assert rows_of(columns, "video_totals")[0]["version"] == BASE


def test_metadata_stands_and_falls_with_its_publication() -> None:
    published = event("video_published", content_type="food", sound_id="s", creator_id="d")
    core = core_of(event("view", duration_ms=7), published, rules=RULES)
    (row,) = rows_of(core.flush(), "video_totals")
    assert (row["creator_id"], row["content_type"], row["sound_id"]) == ("d", "food", "s")
    assert (row["duration_ms"], row["published_at"]) == (90_000, T0_MS)
    view = event("view", duration_ms=7)
    (row,) = rows_of(
        core_of(view, published, invalidated(published), rules=RULES).flush(), "video_totals"
    )
    assert (row["creator_id"], row["content_type"], row["duration_ms"]) == ("c", "", 7)
    assert row["published_at"] == 0


def test_a_follow_row_is_the_last_word_of_its_partition() -> None:
    follow, unfollow = event("follow", id="a"), event("unfollow", id="b", at=5)
    (row,) = rows_of(core_of(unfollow, follow, rules=RULES).flush(), "follows")
    assert (row["following"], row["event_id"], row["version"]) == (0, "b", BASE + 1)
    log = (unfollow, follow, invalidated(unfollow))
    (row,) = rows_of(core_of(*log, rules=RULES).flush(), "follows")
    assert (row["following"], row["event_id"], row["event_time_ms"]) == (1, "a", T0_MS)


def test_late_events_and_dead_letters_say_where_they_came_from() -> None:
    late = event("like", at=-2 * DAY_MS)
    core = core_of(event("like"), late, event("gift", event_time_ms=1), rules=RULES)
    columns = core.flush()
    (row,) = rows_of(columns, "late")
    assert (row["offset"], row["version"], row["type"]) == (1, BASE + 1, "like")
    (row,) = rows_of(columns, "dead_letters_log")
    assert (row["offset"], row["reason"], row["event_time"]) == (2, "missing_rate", 1)


def test_the_same_offsets_of_a_topic_made_anew_have_higher_versions() -> None:
    old, new = (RowBuilder("t", 0, incarnation) for incarnation in (7, 8))
    assert new.base > old.base + 2**39


@pytest.mark.parametrize(("day", "text"), [(0, "1970-01-01"), (19_783, "2024-03-01")])
def test_days_are_written_out(day: int, text: str) -> None:
    assert utc_day_name(day) == text


def test_the_views_in_memory_are_those_of_clickhouse(
    client: Client, clickhouse: EmbeddedClickHouse, migrated: str, rng: Random
) -> None:
    """The simulation judges by views of its own: here they are held to the real ones."""
    tables = Tables()
    rules = rule_set(horizon_ms=2 * HOUR_MS)
    log = story_of(random_steps(rng, 400))
    with Writer(clickhouse.url, migrated) as writer:
        for tp, records in by_partition(log).items():
            core = new_core(tp, rules.pipeline)
            for run in cut(records, rng, 4):
                core.apply(run)
                rows = core.flush()
                tables.write_all(rows)
                for table, columns in rows.items():
                    writer.write(table, columns)
    for check in all_checks(recount(log, rules.plain), Settled(), positions_of(log)):
        real = list(client.query(check.sql).result_rows)
        assert not compare(check, real).differences, check.view
        ours = sorted(map(rounded, VIEWS[check.view](tables)))
        assert sorted(map(rounded, real)) == ours, check.view


def rounded(row: Any) -> list[str]:
    """Return a row's cells for comparing; floats may differ in their last bits."""
    return [f"{cell:.9g}" if isinstance(cell, float) else str(cell) for cell in row]
