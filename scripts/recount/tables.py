"""Reading ClickHouse: the rows of the views, positions, and what is settled."""

from collections.abc import Iterator
from typing import Any

from scripts.recount.compare import Row
from scripts.recount.settled import Settled
from sinks.client import answering, connect

REQUEST_TIMEOUT_S = 600.0
_POSITIONS = "SELECT topic, `partition`, position FROM partitions FINAL"
_SETTLED = "SELECT source, toUnixTimestamp(toDateTime(day, 'UTC')) * 1000 FROM settlements FINAL"
_BURSTS = "SELECT toUnixTimestamp64Milli(through) FROM burst_runs FINAL"


class Tables:
    """One ClickHouse database, for reading."""

    def __init__(self, url: str, database: str) -> None:
        self._url = url
        self._client: Any = connect(url, database, request_timeout_s=REQUEST_TIMEOUT_S)

    def rows(self, sql: str) -> Iterator[Row]:
        """Yield the rows of a query, without holding them all."""
        with (
            answering(self._url, doing="an audit's query"),
            self._client.query_rows_stream(sql) as stream,
        ):
            yield from stream

    def positions(self) -> dict[tuple[str, int], int]:
        """Return for each partition the next offset that ClickHouse does not show yet."""
        return {(topic, number): position for topic, number, position in self.rows(_POSITIONS)}

    def settled(self) -> Settled:
        """Return the settled days, and up to when bursts were looked for."""
        days = frozenset((source, day_ms) for source, day_ms in self.rows(_SETTLED))
        through_ms = max((through for (through,) in self.rows(_BURSTS)), default=0)
        return Settled(days, through_ms)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
