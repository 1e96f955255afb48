"""Whose results ClickHouse holds, and how far: state and results must belong together."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from clickhouse_connect.driver.client import Client

from schemas.errors import Missing, Refused
from sinks.client import answering, connect

REFILL = "stop the workers, then `engage rebuild` fills it again from the topics"
LAG_TRIES = 5
LAG_WAIT_S = 1.0

_HELD = """
SELECT topic, partition, bitShiftRight(version, 40) AS incarnation, max(position)
FROM partitions WHERE (topic, partition) IN {wanted:Array(Tuple(String, UInt32))}
GROUP BY topic, partition, incarnation
"""


class Claim(NamedTuple):
    """What a worker knows of its partition: rows up to `position` were acknowledged."""

    incarnation: int
    position: int


class Results:
    """Looks what ClickHouse holds, over a connection that stays open; one thread at a time."""

    def __init__(self, url: str, database: str) -> None:
        self._url = url
        self._database = database
        self._client: Client | None = None

    def refuse_unless_ours(self, claims: Mapping[tuple[str, int], Claim]) -> None:
        """Check that ClickHouse holds our rows, all of them, and nobody else's.

        State that was begun anew counts from the beginning of the topic: together with what an
        earlier state has written, windows would be doubled. A ClickHouse that lost rows it had
        acknowledged (an empty disk, an old backup) would miss them for ever, because state only
        writes what changes. It may come back like that between two flushes without a failed request,
        so every flush looks.

        Raises:
            Refused: one of the two, for one of the partitions.
            Unavailable: ClickHouse does not answer.
        """
        tries = LAG_TRIES
        while lost := self._first_lost(claims):
            tries -= 1
            if not tries:  # a replica may be behind the one that acknowledged
                raise Refused(lost)
            time.sleep(LAG_WAIT_S)

    def _first_lost(self, claims: Mapping[tuple[str, int], Claim]) -> str:
        """Return what is said of the first partition that misses rows; empty if none does."""
        held = self._held(claims)
        for (topic, partition), claim in claims.items():
            if held[topic, partition] < claim.position:
                return (
                    f"ClickHouse lost results of {topic}-{partition}: it is at "
                    f"{held[topic, partition]:,}, {claim.position:,} was acknowledged: {REFILL}"
                )
        return ""

    def _held(self, claims: Mapping[tuple[str, int], Claim]) -> dict[tuple[str, int], int]:
        """Return up to where ClickHouse has each partition; refuse another state's."""
        held = dict.fromkeys(claims, 0)
        for topic, partition, incarnation, position in self._ask(claims):
            if incarnation != claims[topic, partition].incarnation:
                raise Refused(
                    f"ClickHouse holds results of an earlier state of {topic}-{partition}; adding "
                    "to them would count twice: `engage rebuild` starts over, or use another "
                    "database"
                )
            held[topic, partition] = position
        return held

    def _ask(self, claims: Mapping[tuple[str, int], Claim]) -> Sequence[Sequence[Any]]:
        try:
            with answering(self._url, doing="looking for earlier results"):
                if self._client is None:
                    self._client = connect(self._url, self._database, request_timeout_s=60)
                wanted = {"wanted": sorted(claims)}
                rows: Sequence[Sequence[Any]] = self._client.query(_HELD, wanted).result_rows
                return rows
        except Missing as error:
            if any(claim.position for claim in claims.values()):
                raise Refused(f"ClickHouse lost its tables: {REFILL} ({error})") from error
            raise

    def close(self) -> None:
        """Close the connection; the next look would open it again."""
        if self._client is not None:
            self._client.close()
            self._client = None
