"""Whose results ClickHouse holds: every flush asks, and a replica that is behind gets some time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from clickhouse_connect.driver.client import Client

from schemas.errors import Missing, Refused
from sinks import results
from sinks.embedded import EmbeddedClickHouse
from sinks.results import Claim, Results
from streams.rows import INCARNATION_SHIFT

TOPIC = "engagement.events"
OURS, OTHER = 7, 8
AT = (TOPIC, 0)


@pytest.fixture
def found(
    clickhouse: EmbeddedClickHouse, client: Client, migrated: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Results]:
    monkeypatch.setattr(results, "LAG_WAIT_S", 0.01)
    with closing(Results(clickhouse.url, migrated)) as made:
        yield made


def hold(client: Client, incarnation: int, position: int) -> None:
    version = (incarnation << INCARNATION_SHIFT) + position
    row = [TOPIC, 0, position, version]
    client.insert("partitions", [row], column_names=["topic", "partition", "position", "version"])


def test_ours_is_all_that_was_acknowledged(client: Client, found: Results) -> None:
    found.refuse_unless_ours({AT: Claim(OURS, 0)})
    hold(client, OURS, 20)
    for position in (0, 19, 20):
        found.refuse_unless_ours({AT: Claim(OURS, position)})


def test_lost_rows_are_refused(client: Client, found: Results) -> None:
    hold(client, OURS, 20)
    with pytest.raises(Refused, match=r"lost results of engagement\.events-0: it is at 20, 21 was"):
        found.refuse_unless_ours({AT: Claim(OURS, 21)})
    with pytest.raises(Refused, match=r"lost results of commerce\.events-0: it is at 0, 1 was"):
        found.refuse_unless_ours({AT: Claim(OURS, 20), ("commerce.events", 0): Claim(OURS, 1)})


def test_rows_of_another_state_are_refused_at_once(client: Client, found: Results) -> None:
    hold(client, OTHER, 20)
    with pytest.raises(Refused, match="earlier state"):
        found.refuse_unless_ours({AT: Claim(OURS, 0)})


def test_a_replica_behind_is_given_some_time(
    client: Client, found: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinks.results.time.sleep", lambda _: hold(client, OURS, 21))
    hold(client, OURS, 20)
    found.refuse_unless_ours({AT: Claim(OURS, 21)})


def test_missing_tables_are_lost_ones_when_rows_were_acknowledged(
    clickhouse: EmbeddedClickHouse, database: str
) -> None:
    with closing(Results(clickhouse.url, database)) as none:
        with pytest.raises(Missing, match="engage migrate"):
            none.refuse_unless_ours({AT: Claim(OURS, 0)})
        with pytest.raises(Refused, match="lost its tables: stop the workers, then `engage rebuil"):
            none.refuse_unless_ours({AT: Claim(OURS, 1)})
