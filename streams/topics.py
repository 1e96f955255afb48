"""Every topic: its name, key, partitions, retention, who writes and who reads it.

    engagement.events        key video_id | live_id   producers -> worker
    commerce.events          key user_id              producers -> worker
    engagement.dead-letters  key topic-partition-offset   worker -> people, replays
    engagement.dead-letter-replays  one partition, key: a letter's name   engage dead-letters replay -> itself
    boosts                   key video_id             worker -> a feed service
    <app>-engagement-changelog, <app>-commerce-changelog   worker state, one record set a partition

Topics are made here, by `engage migrate`, and nowhere else: a topic made by accident has the
wrong number of partitions, and partitions are part of the state.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from schemas.boosts import BOOSTS_TOPIC
from schemas.errors import Refused, Unavailable
from streams.clients import kafka_options
from streams.config import Settings

ENGAGEMENT = "engagement.events"
COMMERCE = "commerce.events"
DEAD_LETTERS = "engagement.dead-letters"
DEAD_LETTER_REPLAYS = "engagement.dead-letter-replays"
BOOSTS = BOOSTS_TOPIC
SOURCES = (ENGAGEMENT, COMMERCE)


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it must exist."""

    name: str
    partitions: int
    config: dict[str, str]


def table_name(source: str) -> str:
    """Return the name of the Faust table that holds a source topic's state."""
    return source.partition(".")[0]


def changelog(app_id: str, source: str) -> str:
    """Return the changelog topic of a source topic's state."""
    return f"{app_id}-{table_name(source)}-changelog"


def wanted(settings: Settings) -> list[Topic]:
    """Return all topics that the pipeline needs."""
    keep = {"retention.ms": str(settings.events_retention_ms), "max.message.bytes": "2097152"}
    dead = {
        "retention.ms": str(settings.dead_letters_retention_ms),
        "max.message.bytes": "4194304",  # a raw message in base64 with its reason
    }
    compact = {
        "cleanup.policy": "compact",
        "segment.bytes": str(settings.changelog_segment_bytes),
        "max.message.bytes": "2097152",
    }
    state = [
        Topic(changelog(settings.app_id, source), settings.partitions, compact)
        for source in SOURCES
    ]
    return [
        Topic(ENGAGEMENT, settings.partitions, keep),
        Topic(COMMERCE, settings.partitions, keep),
        Topic(DEAD_LETTERS, settings.partitions, dead),
        Topic(DEAD_LETTER_REPLAYS, 1, {"cleanup.policy": "compact"}),
        Topic(BOOSTS, settings.partitions, {"cleanup.policy": "compact"}),
        *state,
    ]


async def create_topics(settings: Settings) -> list[str]:
    """Make the topics that are missing and return their names; running twice is harmless.

    Raises:
        Unavailable: the broker does not answer.
        Refused: a topic exists with another number of partitions (state belongs to partitions),
            or the broker will not make it.
    """
    async with admin_client(settings) as admin:
        missing = set(await _check(admin, settings))
        if missing:
            await _create(admin, [t for t in wanted(settings) if t.name in missing], settings)
            await _check(admin, settings)
    return sorted(missing)


async def check_topics(settings: Settings) -> list[str]:
    """Return the names of the topics that are missing; raises as `create_topics` does."""
    async with admin_client(settings) as admin:
        return await _check(admin, settings)


@asynccontextmanager
async def admin_client(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """Give an admin client; its errors come out as Unavailable."""
    admin = AIOKafkaAdminClient(
        **kafka_options(settings.kafka, settings), request_timeout_ms=15_000
    )
    try:
        await admin.start()
        yield admin
    except (KafkaError, OSError) as error:
        raise Unavailable(f"no Kafka answers at {settings.kafka}: {error}") from error
    finally:
        await admin.close()


async def _check(admin: AIOKafkaAdminClient, settings: Settings) -> list[str]:
    """Return the missing topics; refuse one with another number of partitions."""
    topics = {topic.name: topic for topic in wanted(settings)}
    existing = set(await admin.list_topics()) & set(topics)
    for found in await admin.describe_topics(sorted(existing)) if existing else ():
        want = topics[found["topic"]]
        have = len(found["partitions"])
        if have != want.partitions:
            raise Refused(
                f"topic {want.name} has {have} partitions, the settings say {want.partitions}: "
                "state belongs to its partitions, so a live topic keeps its number (set "
                "ENGAGE_PARTITIONS to what exists; `engage rebuild --help` says how to move)"
            )
    return sorted(set(topics) - existing)


async def _create(admin: AIOKafkaAdminClient, topics: list[Topic], settings: Settings) -> None:
    new = [
        NewTopic(t.name, t.partitions, settings.replication, topic_configs=t.config) for t in topics
    ]
    response = await admin.create_topics(new)
    for name, code, *rest in response.topic_errors:
        failed = code and for_code(code) is not TopicAlreadyExistsError
        if failed:
            raise Refused(f"topic {name} cannot be made: {for_code(code).__name__} {rest}")
