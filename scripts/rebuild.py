"""Counts everything again from the topics into new state.

For a ClickHouse that lost its disk, for topics that were made anew, for rates or weights that should
apply to the past. Workers must be stopped. State and derived tables are dropped; settled entries of
the ledger stay, for they never change: `engage settle` books differences as adjustments afterwards.
What the topics no longer hold cannot be counted again, so that is refused unless told otherwise.

The number of partitions of a live topic cannot be changed: state belongs to partitions, and a key must
meet its own past. The way to another number: a Kafka without these topics (another cluster, or this one
after they were deleted), ENGAGE_PARTITIONS set to the number, `engage migrate`, `engage replay LOG` of the
whole log in the order of its times, and `engage rebuild` against the same ClickHouse before the workers
start. Nothing is emptied as long as topics and setting differ.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from schemas.errors import Refused, Unavailable
from schemas.rates import load_rates
from schemas.rows import TABLES
from scripts.options import clickhouse_option, kafka_option
from scripts.settlement.video_earnings import add_up
from sinks.client import answering, connect
from sinks.migrate import COPY_S_MAX, migrate
from streams.clients import kafka_options, stop_client
from streams.config import Settings, load_settings
from streams.topics import SOURCES, admin_client, changelog, check_topics, create_topics

HELP = "count everything again from the topics"
_KEPT = frozenset({"ledger", "explanations", "payout_plans", "settlements"})
_RETRIES = 60
_SESSION_MARGIN_S = 3.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    kafka_option(parser)
    clickhouse_option(parser)
    parser.add_argument(
        "--accept-loss",
        action="store_true",
        help="go on although the topics no longer begin at their first message: what they have lost is "
        "in no count, its gifts are no longer booked, and the next `settle` takes back what was booked "
        "for its orders and deals",
    )
    parser.add_argument(
        "--rates",
        metavar="FILE",
        help="dated rates that the workers will count by: checked before anything is emptied "
        "(default: those of ENGAGE_RATES, else schemas/rates.toml)",
    )
    parser.add_argument("--cluster", metavar="NAME", default="", help="a ClickHouse cluster")


def run(args: argparse.Namespace) -> int:
    """Drop state and derived tables, and make them new."""
    settings = load_settings().with_(kafka=args.kafka, clickhouse=args.clickhouse, rates=args.rates)
    load_rates(settings.rates or None)
    asyncio.run(_refuse_if_used(settings))
    asyncio.run(check_topics(settings))  # before anything is emptied
    lost = asyncio.run(_lost_messages(settings))
    if lost and not args.accept_loss:
        raise Refused(
            f"{lost:,} messages are no longer in the topics and would be missing from the results: "
            "restore them, or say --accept-loss"
        )
    _empty_tables(settings, args.cluster)
    asyncio.run(_new_changelogs(settings))
    by = f" with --rates {args.rates}" if args.rates else ""
    print(f"state and derived tables are new: start the workers{by}, they count from the beginning")
    return 0


async def _refuse_if_used(settings: Settings) -> None:
    """Refuse while the group has members; those that died belong to it until their session ends."""
    deadline_s = time.monotonic() + settings.session_timeout_s + _SESSION_MARGIN_S
    async with admin_client(settings) as admin:
        while members := await _members(admin, settings.app_id):
            if time.monotonic() > deadline_s:
                raise Refused(f"{members} workers are running: stop them first")
            await asyncio.sleep(0.5)


async def _members(admin: AIOKafkaAdminClient, group_id: str) -> int:
    responses = await admin.describe_consumer_groups([group_id])
    return sum(len(group[5]) for response in responses for group in response.groups)


async def _lost_messages(settings: Settings) -> int:
    """Return how many messages retention has deleted from the source topics."""
    consumer = AIOKafkaConsumer(**kafka_options(settings.kafka, settings), group_id=None)
    partitions = [TopicPartition(t, p) for t in SOURCES for p in range(settings.partitions)]
    try:
        await consumer.start()
        begins = await consumer.beginning_offsets(partitions)
    except (KafkaError, OSError) as error:
        raise Unavailable(f"no Kafka answers at {settings.kafka}: {error}") from error
    finally:
        await stop_client(consumer)
    return sum(begins.values())


def _empty_tables(settings: Settings, cluster: str) -> None:
    client = connect(settings.clickhouse, settings.database, request_timeout_s=COPY_S_MAX)
    try:
        migrate(client, settings.database, cluster=cluster)
        local, on = ("_local", f"ON CLUSTER {cluster}") if cluster else ("", "")
        with answering(settings.clickhouse, doing="emptying derived tables"):
            # gift entries may fall into other pieces; all of them come back from the topics
            client.command(
                f"ALTER TABLE ledger{local} {on} DELETE WHERE source = 'gift' "
                "SETTINGS mutations_sync = 2"
            )
            for table in TABLES:
                if table not in _KEPT:
                    client.command(f"TRUNCATE TABLE IF EXISTS {table}{local} {on}")
                    print(f"emptied {table}", file=sys.stderr)
        add_up(settings.clickhouse, settings.database)
    finally:
        client.close()


async def _new_changelogs(settings: Settings) -> None:
    names = [changelog(settings.app_id, source) for source in SOURCES]
    async with admin_client(settings) as admin:
        await _delete(admin, names)
    for _ in range(_RETRIES):  # a deleted topic's name is free a moment later
        try:
            await create_topics(settings)
            return
        except (Refused, Unavailable):
            await asyncio.sleep(0.5)
    await create_topics(settings)


async def _delete(admin: AIOKafkaAdminClient, names: list[str]) -> None:
    existing = set(await admin.list_topics())
    response = await admin.delete_topics([name for name in names if name in existing])
    for name, code in response.topic_error_codes:
        if code and for_code(code) is not TopicAlreadyExistsError:
            raise Refused(f"topic {name} cannot be deleted: {for_code(code).__name__}")
