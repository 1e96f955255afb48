"""ClickHouse comes back with an empty disk: the workers refuse, one command fills it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from schemas.errors import Refused
from scripts import cli
from sinks.client import connect
from tests.crash.rig import Rig
from tests.stack.views import ask_all

pytestmark = pytest.mark.slow

WORKERS = 2
NOTICED_S_MAX = 30.0
COUNTED_S_MAX = 60.0


@pytest.fixture
def rig(kafka_possible: None, run_seed: int, tmp_path: Path) -> Iterator[Rig]:
    with closing(Rig(tmp_path, workers=WORKERS, seed=run_seed)) as made:
        yield made


def only_emptied(rig: Rig) -> None:
    """As a server whose volume was replaced."""
    rig.clickhouse.kill()
    rig.clickhouse.empty()
    rig.clickhouse.start()


def emptied_and_migrated(rig: Rig) -> None:
    """And somebody has made the tables again before a worker had anything to write."""
    only_emptied(rig)
    rig.migrate()


@pytest.mark.parametrize(
    ("happens", "words"),
    [
        (only_emptied, "ClickHouse lost its tables"),
        (emptied_and_migrated, "ClickHouse lost results"),
    ],
)
def test_an_emptied_clickhouse(
    happens: Callable[[Rig], None], words: str, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rig.feeding():
        rig.wait_until(lambda: counted(rig) > 500, COUNTED_S_MAX, "there is something to lose")
        rig.moment(4)
    rig.check()
    before = ask_all(rig.clickhouse.url)

    happens(rig)
    with rig.feeding(), pytest.raises(Refused, match=f"{words}.*stop the workers.*engage rebuild"):
        rig.wait(NOTICED_S_MAX)
    rig.supervisor.stop()

    servers = ["--kafka", rig.settings.kafka, "--clickhouse", rig.clickhouse.url]
    with monkeypatch.context() as changed:  # a live topic keeps its number of partitions
        changed.setenv("ENGAGE_PARTITIONS", "5")
        for command in ("migrate", "rebuild"):
            with pytest.raises(Refused, match=r"has 4 partitions, the settings say 5.*--help"):
                cli.dispatch([command, *servers])
    assert cli.dispatch(["rebuild", *servers]) == 0
    rig.supervisor.start()
    rig.check()
    assert_nothing_is_gone(before, ask_all(rig.clickhouse.url))

    with rig.feeding():  # and it goes on as ever
        rig.moment(2)
    rig.check()


def counted(rig: Rig) -> int:
    with closing(connect(rig.clickhouse.url)) as client:
        return int(client.query("SELECT sum(position) FROM partitions FINAL").result_rows[0][0])


def assert_nothing_is_gone(before: dict[str, list[dict[str, object]]], after: object) -> None:
    """Offsets that were broken before are broken again: the refill reached back to the first."""
    assert isinstance(after, dict)
    for row in before["dead_letters"]:
        assert row in after["dead_letters"]
