"""The rows of a flush on their way to ClickHouse, in threads that may be left behind.

The same rows are tried again, with growing pauses, until ClickHouse has acknowledged all of them. Who
is told to give up does not wait for a ClickHouse that hangs: a rebalance has less time than a request.
What the threads that were left may still write are rows that the log prescribes, so they change nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from schemas.errors import Unavailable
from sinks.results import Claim, Results
from sinks.writer import Writer
from streams.rows import Columns

log = logging.getLogger("engage.delivery")

RETRY_S_MAX = 5.0
LANES = 4  # an insert mostly waits for ClickHouse, and a flush has a dozen of them
_LAST = "partitions"  # it says that the rows of all other tables are there


class Delivery:
    """The way to one ClickHouse; one flush at a time may use it."""

    def __init__(
        self,
        url: str,
        database: str,
        make_writer: Callable[[str, str], Writer] = Writer,
        *,
        lanes: int = LANES,
    ) -> None:
        self._url = url
        self._database = database
        self._make_writer = make_writer
        self._lanes = lanes
        self.retries = 0
        self._connect()

    def _connect(self) -> None:
        self._results = Results(self._url, self._database)
        self._writers = [self._make_writer(self._url, self._database) for _ in range(self._lanes)]

    async def deliver(
        self,
        claims: Mapping[tuple[str, int], Claim],
        tables: Mapping[str, Columns],
        give_up: asyncio.Event,
    ) -> None:
        """Write all tables, some at a time and `partitions` last, where the results are those of the claims.

        Raises:
            Unavailable: told to give up before everything was acknowledged.
            Refused: what ClickHouse holds is not ours, or not all of it, or it refuses the rows.
        """
        told = asyncio.create_task(give_up.wait())
        wait_s = 0.1
        try:
            while True:
                try:
                    await self._attempt(claims, tables, told)
                    return
                except Unavailable as error:
                    self.retries += 1
                    log.warning("waiting for ClickHouse: %s", error)
                    await asyncio.wait({told}, timeout=wait_s)
                    if told.done():
                        raise
                    wait_s = min(wait_s * 2, RETRY_S_MAX)
        finally:
            told.cancel()

    async def _attempt(
        self,
        claims: Mapping[tuple[str, int], Claim],
        tables: Mapping[str, Columns],
        told: "asyncio.Task[Any]",
    ) -> None:
        work = asyncio.to_thread(_write, self._results, self._writers, claims, tables)
        writing = asyncio.create_task(work)
        try:
            await asyncio.wait({writing, told}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not writing.done():
                writing.add_done_callback(_forget)
                self._connect()  # the old connections are those threads'
        if not writing.done():
            raise Unavailable("it does not answer in time")
        await writing

    def close(self) -> None:
        """Close connections."""
        self._results.close()
        for writer in self._writers:
            writer.close()


def _write(
    results: Results,
    writers: Sequence[Writer],
    claims: Mapping[tuple[str, int], Claim],
    tables: Mapping[str, Columns],
) -> None:
    results.refuse_unless_ours(claims)
    # who is ready takes the next; `next` of a list's iterator is one step for all threads
    todo = iter([table for table in tables if table != _LAST])
    with ThreadPoolExecutor(len(writers), "deliver") as pool:
        lanes = [pool.submit(_lane, writer, todo, tables) for writer in writers]
    errors = [error for lane in lanes if (error := lane.exception())]
    if errors:  # what a person must see is not hidden behind what may pass
        raise min(errors, key=lambda error: isinstance(error, Unavailable))
    if _LAST in tables:
        writers[0].write(_LAST, tables[_LAST])


def _lane(writer: Writer, todo: Iterator[str], tables: Mapping[str, Columns]) -> None:
    for table in todo:
        writer.write(table, tables[table])


def _forget(writing: "asyncio.Task[None]") -> None:
    """Nobody waits for it any more."""
    if not writing.cancelled():
        writing.exception()
