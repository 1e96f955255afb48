"""The audit's reading of topics on a real broker: transactions, more messages, deleted ones."""

from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

from schemas.errors import Refused
from scripts.kafka_local import KafkaCluster
from scripts.recount.archive import read_archive
from scripts.recount.topics import TopicReader, open_topics


@pytest.fixture
async def topic(kafka: KafkaCluster) -> str:
    name = f"audit-{uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
    await admin.start()
    await admin.create_topics([NewTopic(name, 2, 1)])
    await admin.close()
    return name


async def send(kafka: KafkaCluster, topic: str, values: str, *, commit: bool = True) -> None:
    """Send one transaction of one-letter messages to partition 0."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka.address, transactional_id=topic)
    await producer.start()
    await producer.begin_transaction()
    for value in values:
        await producer.send_and_wait(topic, value.encode(), key=b"k", partition=0)
    await (producer.commit_transaction() if commit else producer.abort_transaction())
    await producer.stop()


def read(reader: TopicReader) -> str:
    records = [record for archive in reader.archives for record in read_archive(archive)]
    return "".join((record.value or b"").decode() for record in records)


async def test_only_committed_messages_are_read_and_later_ones_follow(
    kafka: KafkaCluster, topic: str, tmp_path: Path
) -> None:
    await send(kafka, topic, "abc")
    await send(kafka, topic, "xy", commit=False)
    await send(kafka, topic, "d")
    async with open_topics(kafka.address, tmp_path, [topic]) as reader:
        await reader.read_on(lambda done, total: None)
        assert read(reader) == "abcd"
        # 3 messages, marker, 2 aborted, marker, 1 message, marker
        assert reader.next_offsets == {(topic, 0): 8, (topic, 1): 0}
        assert reader.ends == {(topic, 0): 9, (topic, 1): 0}
        await send(kafka, topic, "e")
        await reader.read_on(lambda done, total: None)
        assert read(reader) == "abcde"
        assert reader.records == 5


async def test_a_topic_whose_beginning_is_deleted_is_refused(
    kafka: KafkaCluster, topic: str, tmp_path: Path
) -> None:
    await send(kafka, topic, "abc")
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
    await admin.start()
    await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=2)})
    await admin.close()
    with pytest.raises(Refused, match="partition 0 begins at offset 2"):
        async with open_topics(kafka.address, tmp_path, [topic]):
            pass


async def test_a_topic_that_is_not_there_is_refused(kafka: KafkaCluster, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="has no topic nowhere"):
        async with open_topics(kafka.address, tmp_path, ["nowhere"]):
            pass
