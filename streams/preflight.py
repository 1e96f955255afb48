"""Looking before a worker starts: are the servers there, and are they as they must be?"""

from schemas.errors import Refused
from sinks.client import answering, connect
from streams.config import Settings
from streams.topics import check_topics


async def preflight(settings: Settings) -> None:
    """Check the topics and the tables that a worker needs.

    Raises:
        Unavailable: Kafka or ClickHouse does not answer.
        Refused: topics or tables are missing, or topics have another number of partitions.
    """
    missing = await check_topics(settings)
    if missing:
        raise Refused(f"topics are missing: {', '.join(missing)}; run `engage migrate` first")
    with answering(settings.clickhouse, doing="looking for the tables"):
        client = connect(settings.clickhouse, settings.database)
        try:
            client.query("SELECT 1 FROM partitions LIMIT 0")
        finally:
            client.close()
