"""Migrations: complete, repeatable, guarded; and the tables are what the row models say."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from schemas.errors import Refused
from schemas.rows import COLUMNS, COUNTERS, TABLES, clickhouse_types
from scripts.cli import main
from scripts.settlement.video_earnings import ADD_UP
from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse
from sinks.migrate import DIRECTORY, Target, migrate, pending, read_migrations
from sinks.sqltext import statements

VIEWS: dict[str, tuple[str, ...]] = {
    **{
        f"engagement_1{unit}": (
            *("window_start", "kind", "subject_id", "creator_id"),
            *(name for name in COUNTERS),
        )
        for unit in "mhd"
    },
    "trending_now": ("kind", "entity_id", "score", "velocity", "rank", "acceleration"),
    "trending_windows": (
        *("window_end", "kind", "entity_id", "views", "likes", "engagements", "rank"),
    ),
    "top_windows": ("window_end", "kind", "entity_id", "engagements", "users", "rank"),
    "boosts": (
        *("video_id", "pool", "verdict", "decided_at", "weights_version", "decision_id", "reason"),
        *("measure", "lower_bound", "upper_bound", "threshold", "impressions", "pool_after"),
    ),
    "audience": (
        *("creator_id", "fans", "returning_fans", "returning_rate", "replied_videos"),
        *("engaged_before", "engaged_after", "others_before", "others_after", "reply_lift"),
    ),
    "follower_growth": ("kind", "subject_id", "creator_id", "new_followers", "kept"),
    "collaborations": (
        *("video_id", "creator_id", "engaged", "own_followers", "from_others", "new_followers"),
        *("viewers", "viewers_from_others"),
    ),
    "trend_lift": (
        *("creator_id", "trending_videos", "trending_views", "trending_likes", "other_videos"),
        *("other_views", "other_likes", "views_lift", "likes_lift"),
    ),
    "bursts": (
        *("kind", "entity_id", "began_at", "ended_at", "z", "events", "expected"),
        "rules_version",
    ),
    "earnings_ledger": (
        *("entry_id", "occurred_at", "creator_id", "source", "state"),
        *("amount_micros", "currency", "reference", "rate_version"),
    ),
    "earnings_daily": ("day", "creator_id", "source", "amount_micros", "entries"),
    "balances": ("creator_id", "currency", "amount_micros"),
    "content_performance": (
        *("dimension", "value", "videos", "views", "likes"),
        *("likes_per_1000_views", "earnings_micros", "completion_rate"),
        *("likes_per_1000_shrunk", "likes_per_1000_low", "likes_per_1000_high"),
    ),
    "dead_letters": (
        *("topic", "partition", "offset", "stage", "reason", "detail", "raw", "event_time"),
    ),
    "late_events": ("window_start", "kind", "subject_id", "type", "events"),
}
WIDER_VIEWS = {
    "videos": (
        *("video_id", "creator_id", "content_type", "duration_ms", "published_at"),
        *(*COUNTERS, "net_likes", "unique_viewers", "pool"),
    ),
    "lives": ("live_id", "creator_id", "started_at", "ended_at", *COUNTERS, "unique_viewers"),
    "creators": (
        *("creator_id", "followers", "videos", *COUNTERS),
        *("engagement_rate", "reply_rate", "earnings_micros"),
    ),
}


def columns(client: Client, table: str) -> dict[str, str]:
    return {row[0]: row[1] for row in client.query(f"DESCRIBE TABLE {table}").result_rows}


@pytest.fixture
def bare(clickhouse: EmbeddedClickHouse, database: str) -> Iterator[Client]:
    """A client of a database that does not exist yet."""
    client = connect(clickhouse.url, database)
    yield client
    client.close()


@pytest.mark.parametrize("table", TABLES)
def test_tables_are_what_the_models_say(client: Client, table: str) -> None:
    assert columns(client, table) == clickhouse_types(TABLES[table])
    assert tuple(columns(client, table)) == COLUMNS[table]
    engine = client.query(
        "SELECT engine_full FROM system.tables "
        "WHERE database = currentDatabase() AND name = {table:String}",
        {"table": table},
    ).result_rows[0][0]
    assert engine.startswith("ReplacingMergeTree(version) ")


@pytest.mark.parametrize("view", VIEWS)
def test_public_views_keep_their_contract(client: Client, view: str) -> None:
    assert tuple(columns(client, view)) == VIEWS[view]
    assert client.query(f"SELECT * FROM {view}").row_count == 0


@pytest.mark.parametrize("view", WIDER_VIEWS)
def test_public_views_that_show_more(client: Client, view: str) -> None:
    wanted = WIDER_VIEWS[view]
    assert tuple(columns(client, view))[: len(wanted)] == wanted
    assert client.query(f"SELECT * FROM {view}").row_count == 0


def test_partitions_hold_only_what_identifies_a_row(client: Client) -> None:
    rows = client.query(
        "SELECT name, partition_key, sorting_key FROM system.tables "
        "WHERE database = currentDatabase() AND partition_key != ''"
    ).result_rows
    assert {row[0] for row in rows} == {"windows_1m", "ledger", "ledger_replaced", "engagements"}
    for _, partition_key, sorting_key in rows:
        column = partition_key.partition("(")[2].rstrip(")")
        assert column in sorting_key


def test_running_twice_does_nothing(client: Client, migrated: str) -> None:
    before = client.query("SELECT * FROM migrations ORDER BY number").result_rows
    assert [row[1] for row in before] == [one.name for one in read_migrations()]
    assert migrate(client, migrated) == []
    assert client.query("SELECT * FROM migrations ORDER BY number").result_rows == before


def test_every_statement_may_run_again(client: Client, migrated: str) -> None:
    client.command("INSERT INTO late (source, version) VALUES (1, 1)")
    for migration in read_migrations():
        for statement in statements(Target(migrated).render(migration.text)):
            client.command(statement)
    assert client.command("SELECT count() FROM late") == 1


def test_two_at_once_are_harmless(clickhouse: EmbeddedClickHouse, database: str) -> None:
    def run(_: int) -> None:
        one = connect(clickhouse.url, database)
        migrate(one, database)
        one.close()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(run, range(3)))
    client = connect(clickhouse.url, database)
    names = client.query("SELECT name FROM migrations FINAL ORDER BY number").result_columns[0]
    assert list(names) == [one.name for one in read_migrations()]
    assert migrate(client, database) == []
    client.close()


def before(number: int, directory: Path) -> Path:
    """The files of a version that did not have this one yet."""
    directory.mkdir()
    for one in read_migrations():
        if one.number < number:
            write(directory, one.name, one.text)
    return directory


def ledger_rows(client: Client) -> list[object]:
    return list(client.query("SELECT * FROM ledger FINAL ORDER BY ALL").result_rows)


INSERT_ENTRIES = """
INSERT INTO ledger (entry_id, occurred_at, creator_id, source, state, amount_micros, currency, version)
SELECT toString(number), toDateTime64('2023-01-01', 3, 'UTC') + number % 400 * 86400, 'c', 'gift', 'final',
    number, 'USD', 1 FROM numbers(2000)
"""


def partition_key(client: Client) -> object:
    return client.command(
        "SELECT partition_key FROM system.tables "
        "WHERE database = currentDatabase() AND name = 'ledger'"
    )


def test_a_ledger_by_month_becomes_one_by_week(bare: Client, database: str, tmp_path: Path) -> None:
    migrate(bare, database, directory=before(30, tmp_path / "old"))
    bare.command(INSERT_ENTRIES)
    bare.command(INSERT_ENTRIES)
    held = ledger_rows(bare)
    assert len(held) == 2_000
    assert partition_key(bare) == "toYYYYMM(occurred_at)"
    assert migrate(bare, database)[:2] == ["0030_ledger_by_week.sql", "0031_ledger_rest.sql"]
    assert ledger_rows(bare) == held
    assert partition_key(bare) == "toMonday(occurred_at)"
    assert columns(bare, "ledger") == clickhouse_types(TABLES["ledger"])
    bare.command(INSERT_ENTRIES)
    assert ledger_rows(bare) == held


def replacing(database: str) -> list[str]:
    """The statements that replace the ledger."""
    texts = [one.text for one in read_migrations() if one.number in (30, 31)]
    return [one for text in texts for one in statements(Target(database).render(text))]


@pytest.mark.parametrize("done", range(len(replacing(""))))
def test_no_entry_is_lost_wherever_replacing_the_ledger_is_cut_off(
    bare: Client, database: str, tmp_path: Path, done: int
) -> None:
    """By a kill, or by another run that does the same; and a worker may book between any two statements."""
    migrate(bare, database, directory=before(30, tmp_path / "old"))
    booked = 0

    def book() -> None:
        nonlocal booked
        booked += 1
        bare.command(INSERT_ENTRIES.replace("'c'", f"'c{booked}'").replace("2000", "500"))

    for statement in replacing(database)[:done]:
        book()
        bare.command(statement)
    for statement in replacing(database):
        book()
        bare.command(statement)
    book()
    migrate(bare, database)
    found = "SELECT count(), sum(amount_micros) FROM ledger FINAL"
    assert bare.query(found).result_rows == [(500 * booked, booked * 500 * 499 // 2)]


def test_a_folder_that_an_older_version_left_is_brought_up_to_date(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = before(29, tmp_path / "old")
    folder = tmp_path / "results" / "clickhouse"
    with EmbeddedClickHouse(folder) as engine, closing(connect(engine.url, "engagement")) as client:
        migrate(client, "engagement", directory=old)
        client.command(INSERT_ENTRIES)
    assert main(["migrate", "--data", str(tmp_path / "results")]) == 0
    assert (
        "0029_video_earnings.sql, 0030_ledger_by_week.sql, 0031_ledger_rest.sql"
        in capsys.readouterr().out
    )
    assert main(["migrate", "--data", str(tmp_path / "results")]) == 0
    assert capsys.readouterr().out == "migrations: all applied\n"
    with EmbeddedClickHouse(folder) as engine, closing(connect(engine.url, "engagement")) as client:
        assert len(ledger_rows(client)) == 2_000


def write(directory: Path, name: str, text: str) -> None:
    (directory / name).write_text(text)


def test_an_edited_file_is_refused(bare: Client, database: str, tmp_path: Path) -> None:
    write(tmp_path, "0001_a.sql", "CREATE VIEW IF NOT EXISTS {database}.a AS SELECT 1;")
    assert migrate(bare, database, directory=tmp_path) == ["0001_a.sql"]
    write(tmp_path, "0001_a.sql", "CREATE VIEW IF NOT EXISTS {database}.a AS SELECT 2;")
    with pytest.raises(Refused, match=r"0001_a\.sql was edited after it was applied"):
        migrate(bare, database, directory=tmp_path)


def test_a_newer_database_is_refused(bare: Client, database: str, tmp_path: Path) -> None:
    write(tmp_path, "0001_a.sql", "SELECT 1;")
    write(tmp_path, "0002_b.sql", "SELECT 2;")
    migrate(bare, database, directory=tmp_path)
    (tmp_path / "0002_b.sql").unlink()
    with pytest.raises(Refused, match=r"0002_b\.sql, which this version does not know"):
        migrate(bare, database, directory=tmp_path)


def test_a_failed_migration_is_named_and_tried_again(
    bare: Client, database: str, tmp_path: Path
) -> None:
    write(tmp_path, "0001_a.sql", "CREATE VIEW {database}.a AS SELECT 1; SELECT nope;")
    with pytest.raises(Refused, match=r"refuses in migration 0001_a\.sql: .*nope"):
        migrate(bare, database, directory=tmp_path)
    write(tmp_path, "0001_a.sql", "CREATE OR REPLACE VIEW {database}.a AS SELECT 1;")
    assert migrate(bare, database, directory=tmp_path) == ["0001_a.sql"]


@pytest.mark.parametrize("names", [["0002_a.sql"], ["0001_a.sql", "0001_b.sql"], ["1_a.sql"]])
def test_numbers_leave_no_gap(names: list[str], tmp_path: Path) -> None:
    for name in names:
        write(tmp_path, name, "")
    with pytest.raises(Refused):
        read_migrations(tmp_path)


def test_line_ends_are_no_edit(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_bytes(b"SELECT 1;\r\nSELECT 2;\r\n")
    (one,) = read_migrations(tmp_path)
    assert one.checksum == hashlib.sha256(b"SELECT 1;\nSELECT 2;\n").hexdigest()
    assert pending([one], {1: (one.name, one.checksum)}) == []


@pytest.mark.parametrize("name", ["", "a b", "a;b", "a`b", "1a"])
def test_odd_names_of_databases_are_refused(bare: Client, name: str) -> None:
    with pytest.raises(Refused, match="not a name"):
        migrate(bare, name)


def test_the_same_files_on_a_cluster(client: Client) -> None:
    """No cluster is at hand: every statement must parse, and the tables come in pairs."""
    target = Target("engagement", "main")
    rendered = [
        statement
        for migration in read_migrations()
        for statement in statements(target.render(migration.text))
    ]
    for statement in rendered:
        client.query("SELECT formatQuery({text:String})", {"text": statement})
        # rows go through the table over all shards, once
        assert "ON CLUSTER 'main'" in statement or statement.startswith("INSERT INTO ")
        assert "{" not in statement
    text = "\n".join(rendered)
    for table in TABLES:
        assert f"CREATE TABLE IF NOT EXISTS engagement.{table}_local ON CLUSTER 'main'\n(" in text
        assert f"ENGINE = Distributed('main', 'engagement', '{table}_local', " in text
    # each table once, and the ledger once more: by week
    assert text.count("ReplicatedReplacingMergeTree(version)") == len(TABLES) + 1
    assert "FINAL" in text
    add_up, *copies = (statement for statement in rendered if statement.startswith("INSERT INTO "))
    assert add_up.replace("engagement.", "").strip() == ADD_UP.strip()
    assert len(copies) == 2
    for (
        copy
    ) in copies:  # what waits on a shard's disk would be sent into the table that is replaced
        assert "distributed_foreground_insert = 1" in copy
    assert "parallel_distributed_insert_select = 0" in ADD_UP  # else every shard keeps its own sum


def test_shards_go_by_the_key() -> None:
    """Replacing works inside of one shard only, so the sharding key must be part of the key."""
    sharded = set()
    for migration in read_migrations(DIRECTORY):
        for table, sharding in re.findall(r"\{distributed (\w+) (.+)\}", migration.text):
            definition = migration.text.partition(f"{{database}}.{table}{{local}}")[2]
            sorting = re.search(r"ORDER BY (.+?)(?:;|\n)", definition)
            assert sorting is not None
            columns = sharding.removeprefix("cityHash64(").removesuffix(")").split(", ")
            assert all(column in sorting.group(1) for column in columns)
            sharded.add(table)
    assert sharded == {*TABLES, "ledger_replaced"}
