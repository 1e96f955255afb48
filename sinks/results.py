"""Whose results ClickHouse holds, and how far: state and results must belong together."""

from collections.abc import Mapping
from typing import NamedTuple

from schemas.errors import Refused
from sinks.client import answering, connect

_HELD = """
SELECT topic, partition, bitShiftRight(version, 40) AS incarnation, max(position)
FROM partitions WHERE (topic, partition) IN {wanted:Array(Tuple(String, UInt32))}
GROUP BY topic, partition, incarnation
"""


class Claim(NamedTuple):
    """What a worker knows of its partition: rows up to `position` were acknowledged."""

    incarnation: int
    position: int


def refuse_unless_ours(url: str, database: str, claims: Mapping[tuple[str, int], Claim]) -> None:
    """Check that ClickHouse holds our rows, all of them, and nobody else's.

    State that was begun anew counts from the beginning of the topic: together with what an earlier
    state has written, windows would be doubled. A ClickHouse that lost rows it had acknowledged (an
    empty disk, an old backup) would miss them for ever, because state only writes what changes.

    Raises:
        Refused: one of the two, for one of the partitions.
        Unavailable: ClickHouse does not answer.
    """
    with answering(url, doing="looking for earlier results"):
        client = connect(url, database)
        try:
            rows = client.query(_HELD, parameters={"wanted": sorted(claims)}).result_rows
        finally:
            client.close()
    held = dict.fromkeys(claims, 0)
    for topic, partition, incarnation, position in rows:
        if incarnation != claims[topic, partition].incarnation:
            raise Refused(
                f"ClickHouse holds results of an earlier state of {topic}-{partition}; adding to "
                "them would count twice: `engage rebuild` starts over, or use another database"
            )
        held[topic, partition] = position
    for (topic, partition), claim in claims.items():
        if held[topic, partition] < claim.position:
            raise Refused(
                f"ClickHouse lost results of {topic}-{partition}: it is at "
                f"{held[topic, partition]:,}, {claim.position:,} was acknowledged: "
                "`engage rebuild` fills it again from the topics"
            )
