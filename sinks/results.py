"""Whose results ClickHouse holds: state and results must be of the same incarnation."""

from schemas.errors import Refused
from sinks.client import answering, connect


def refuse_foreign_results(
    url: str, database: str, topic: str, partition: int, incarnation: int
) -> None:
    """Refuse to add to results that other state wrote.

    State that was begun anew counts from the beginning of the topic; together with what the
    earlier state has written, windows would be doubled.

    Raises:
        Refused: rows of another incarnation exist for this partition.
        Unavailable: ClickHouse does not answer.
    """
    query = (
        "SELECT count() FROM partitions WHERE topic = {topic:String} "
        "AND partition = {partition:UInt32} AND bitShiftRight(version, 40) != {incarnation:UInt64}"
    )
    parameters = {"topic": topic, "partition": partition, "incarnation": incarnation}
    with answering(url, doing="looking for earlier results"):
        client = connect(url, database)
        try:
            foreign = client.query(query, parameters=parameters).result_rows[0][0]
        finally:
            client.close()
    if foreign:
        raise Refused(
            f"ClickHouse holds results of an earlier state of {topic}-{partition}; adding to them "
            "would count twice: use `engage rebuild`, or another database"
        )
