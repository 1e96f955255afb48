"""Which messages a topic will not take, known before they are sent.

A batch that the broker refuses leaves a gap in an idempotent producer's sequence, and everything
after it is refused too. So a large message is measured first against the topic's own limit.
"""

from __future__ import annotations

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.codec import snappy_encode
from aiokafka.errors import KafkaError

from schemas.errors import Unavailable
from scripts.records import LogRecord
from streams.clients import kafka_options

_BATCH_OVERHEAD_BYTES = 512  # header, lengths, timestamps: more than it ever is


class MessageLimits:
    """The `max.message.bytes` of topics, asked for when first needed."""

    def __init__(self, kafka: str) -> None:
        self._kafka = kafka
        self._limits: dict[str, int | None] = {}

    async def fits(self, record: LogRecord) -> bool:
        """Tell whether the topic takes a batch of this record alone; True when it does not say."""
        if record.topic not in self._limits:
            self._limits[record.topic] = await self._ask(record.topic)
        limit = self._limits[record.topic]
        if limit is None:
            return True
        packed = min(len(record.value), len(snappy_encode(record.value)))
        return packed + len(record.key) + _BATCH_OVERHEAD_BYTES <= limit

    async def _ask(self, topic: str) -> int | None:
        admin = AIOKafkaAdminClient(**kafka_options(self._kafka))
        try:
            await admin.start()
            resource = ConfigResource(ConfigResourceType.TOPIC, topic)
            (response,) = await admin.describe_configs([resource])
        except KafkaError as error:
            raise Unavailable(f"Kafka at {self._kafka} stopped answering: {error!r}") from error
        finally:
            await admin.close()
        for _code, _message, _kind, _name, entries in response.resources:
            for name, value, *_ in entries:
                if name == "max.message.bytes":
                    return int(value)
        return None
