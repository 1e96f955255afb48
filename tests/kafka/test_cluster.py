"""The local Apache Kafka does what our checkpoints rest on."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
import yaml
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import ProducerFenced

from schemas.errors import ConfigError
from scripts.kafka_local import KafkaCluster, kafka_version
from scripts.kafka_probe import broker_answers


async def make_topic(address: str, *, partitions: int = 1, replicas: int = 1) -> str:
    name = f"test-{uuid.uuid4().hex[:12]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, replicas)])
    finally:
        await admin.close()
    return name


async def read_committed(address: str, topic: str, number: int = 0) -> list[bytes]:
    """Read a partition from the start to its last stable offset."""
    partition = TopicPartition(topic, number)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=address, isolation_level="read_committed", enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        values: list[bytes] = []
        while await consumer.position(partition) < end:
            batches = await consumer.getmany(partition, timeout_ms=500)
            values += [record.value for records in batches.values() for record in records]
        return values
    finally:
        await consumer.stop()


async def test_topic_has_the_partitions_asked_for(kafka: KafkaCluster) -> None:
    topic = await make_topic(kafka.address, partitions=3)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
    await admin.start()
    try:
        described = await admin.describe_topics([topic])
    finally:
        await admin.close()
    assert len(described[0]["partitions"]) == 3


async def test_what_is_produced_is_consumed_in_order(kafka: KafkaCluster) -> None:
    topic = await make_topic(kafka.address)
    sent = [str(number).encode() for number in range(1000)]
    async with AIOKafkaProducer(bootstrap_servers=kafka.address) as producer:
        for value in sent:
            await producer.send(topic, value, partition=0)
        await producer.flush()
    assert await read_committed(kafka.address, topic) == sent


async def test_aborted_transactions_are_not_read(kafka: KafkaCluster) -> None:
    topic = await make_topic(kafka.address)
    async with AIOKafkaProducer(
        bootstrap_servers=kafka.address, transactional_id=topic
    ) as producer:
        async with producer.transaction():
            await producer.send_and_wait(topic, b"kept", partition=0)
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"dropped", partition=0)
        await producer.abort_transaction()
    assert await read_committed(kafka.address, topic) == [b"kept"]


async def test_a_second_producer_of_the_same_id_fences_the_first(kafka: KafkaCluster) -> None:
    topic = await make_topic(kafka.address)
    first = AIOKafkaProducer(bootstrap_servers=kafka.address, transactional_id=topic)
    second = AIOKafkaProducer(bootstrap_servers=kafka.address, transactional_id=topic)
    await first.start()
    try:
        await first.begin_transaction()
        await first.send_and_wait(topic, b"of the old owner", partition=0)
        await second.start()
        with pytest.raises(ProducerFenced):
            await first.commit_transaction()
        async with second.transaction():
            await second.send_and_wait(topic, b"of the new owner", partition=0)
    finally:
        await second.stop()
        await first.stop()
    assert await read_committed(kafka.address, topic) == [b"of the new owner"]


async def test_one_of_three_nodes_may_die(kafka_possible: None) -> None:
    with KafkaCluster(3, heap_mb=256) as cluster:
        topic = await make_topic(cluster.address, replicas=3)
        async with AIOKafkaProducer(
            bootstrap_servers=cluster.address, acks="all", request_timeout_ms=20_000
        ) as producer:
            await producer.send_and_wait(topic, b"before", partition=0)
            cluster.kill(2)
            await producer.send_and_wait(topic, b"meanwhile", partition=0)
            cluster.start_node(2)
            await producer.send_and_wait(topic, b"after", partition=0)
        assert await read_committed(cluster.address, topic) == [b"before", b"meanwhile", b"after"]
    assert not any(broker_answers(host, port) for host, port in cluster.endpoints())


def test_a_running_node_is_not_started_twice(kafka: KafkaCluster) -> None:
    with pytest.raises(ConfigError, match="node 1 already runs"):
        kafka.start_node(1)


def test_the_version_is_the_pinned_one(kafka: KafkaCluster) -> None:
    assert kafka_version() == "4.1.0"
    assert list(kafka.jars.glob("kafka_2.13-4.1.0.jar"))


def test_kafka_accepts_the_settings_of_docker_compose(
    kafka: KafkaCluster, repository: Path, tmp_path: Path
) -> None:
    services = yaml.safe_load((repository / "docker-compose.yml").read_text())["services"]
    given: dict[str, str] = services["kafka"]["environment"]
    properties = {
        key.removeprefix("KAFKA_").lower().replace("_", "."): value
        for key, value in given.items()
        if key.startswith("KAFKA_")
    }
    properties["log.dirs"] = str(tmp_path / "data")
    file = tmp_path / "server.properties"
    file.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
    done = kafka.storage_tool("format", "-t", given["CLUSTER_ID"], "-c", str(file))
    assert "Formatting" in done
    # A misspelt name is only ignored by Kafka: the ones that we know to work are known to it.
    assert set(properties) - set(kafka.properties(1)) == {"message.max.bytes"}
