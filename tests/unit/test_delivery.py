"""Rows on their way: tried again, given up in time, and never two threads on one connection."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from schemas.errors import Refused, Unavailable
from sinks.results import Claim, Results
from sinks.writer import Writer
from streams.delivery import LANES, Delivery

TABLES: dict[str, Any] = {"partitions": [[0]], **{f"table{n}": [[n]] for n in range(9)}}
CLAIMS = {("engagement.events", 0): Claim(1, 0)}


class Recording(Writer):
    """A writer whose ClickHouse does what the test says."""

    def __init__(self, happens: Callable[[str], None], written: list[str]) -> None:
        super().__init__("http://default@127.0.0.1:1")
        self.happens, self.written = happens, written
        self.tables: set[str] = set()
        self.busy = threading.Lock()

    def write(self, table: str, columns: Sequence[Sequence[Any]]) -> None:
        assert self.busy.acquire(blocking=False), "two threads on one connection"
        try:
            self.happens(table)
            self.written.append(table)
            self.tables.add(table)
        finally:
            self.busy.release()


class Way:
    """A delivery and all writers that it made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, happens: Callable[[str], None]) -> None:
        monkeypatch.setattr(Results, "refuse_unless_ours", lambda *_: None)
        self.writers: list[Recording] = []
        self.written: list[str] = []
        self.happens = happens
        self.give_up = asyncio.Event()
        self.delivery = Delivery("http://default@127.0.0.1:1", "none", self._writer)

    def _writer(self, *_: str) -> Writer:
        self.writers.append(Recording(self.happens, self.written))
        return self.writers[-1]

    async def deliver(self) -> None:
        await self.delivery.deliver(CLAIMS, TABLES, self.give_up)


def all_once_partitions_last(written: list[str]) -> bool:
    return sorted(written) == sorted(TABLES) and written[-1] == "partitions"


async def test_all_tables_some_at_a_time_and_partitions_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    together = threading.Barrier(3)

    def happens(table: str) -> None:
        if table in ("table0", "table1", "table2"):
            together.wait(10)  # all three are being written now

    way = Way(monkeypatch, happens)
    await way.deliver()
    assert all_once_partitions_last(way.written)


@pytest.mark.parametrize("table", ["table0", "table8", "partitions"])
async def test_the_same_again_after_a_failure(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = iter([Unavailable("away")])

    def happens(now: str) -> None:
        if now == table and (failed := next(failures, None)):
            raise failed

    way = Way(monkeypatch, happens)
    await way.deliver()
    before = [name for name in TABLES if name not in ("partitions", table)]
    assert sorted(way.written[: len(before)]) == before
    assert all_once_partitions_last(way.written[len(before) :])


async def test_a_refusal_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def happens(_: str) -> None:
        raise Refused("no")

    with pytest.raises(Refused):
        await Way(monkeypatch, happens).deliver()


async def test_a_refusal_is_not_hidden_behind_what_may_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fates = {"table0": Unavailable("away"), "table8": Refused("no")}

    def happens(table: str) -> None:
        if table in fates:
            raise fates[table]

    with pytest.raises(Refused):
        await asyncio.wait_for(Way(monkeypatch, happens).deliver(), 60)


async def test_given_up_between_two_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    def happens(_: str) -> None:
        raise Unavailable("away")

    way = Way(monkeypatch, happens)
    delivering = asyncio.create_task(way.deliver())
    while not way.delivery.retries:
        await asyncio.sleep(0.01)
    way.give_up.set()  # between two tries, or within the next one
    with pytest.raises(Unavailable, match=r"away|in time"):
        await asyncio.wait_for(delivering, 60)


@pytest.mark.parametrize("cancelled", [False, True])
async def test_who_hangs_is_left_with_connections_of_its_own(
    cancelled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    way = Way(monkeypatch, lambda _: wait(answers))
    hanging = asyncio.create_task(way.deliver())
    await asyncio.sleep(0.1)
    if cancelled:
        hanging.cancel()
    else:
        way.give_up.set()
    with pytest.raises(asyncio.CancelledError if cancelled else Unavailable):
        await asyncio.wait_for(hanging, 5)
    way.give_up.clear()
    answers.set()
    await way.deliver()
    mine = way.writers[LANES:]
    assert len(mine) == LANES
    assert set.union(*(writer.tables for writer in mine)) == set(TABLES)


def wait(answers: threading.Event) -> None:
    assert answers.wait(10)
