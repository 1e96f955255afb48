"""Makes the Kafka topics and the ClickHouse tables and views that are missing.

Topics get their partitions, retention and compaction from the settings (ENGAGE_PARTITIONS,
ENGAGE_REPLICATION, ENGAGE_EVENTS_RETENTION_MS, ENGAGE_DEAD_LETTERS_RETENTION_MS) and are made here and
nowhere else. Running it again does nothing; two at once are harmless. A topic with another number of
partitions, or a migration that was edited after it was applied, is refused.
"""

from __future__ import annotations

import argparse
import asyncio

from scripts.options import clickhouse_option, kafka_option
from sinks.client import connect
from sinks.migrate import migrate
from streams.config import load_settings
from streams.topics import create_topics

HELP = "make topics, tables and views"
EXAMPLES = """\
Examples:
  engage migrate --kafka kafka:9092 --clickhouse http://user:password@clickhouse:8123
  engage migrate --cluster main          tables on a ClickHouse cluster
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    kafka_option(parser)
    clickhouse_option(parser)
    parser.add_argument(
        "--cluster", metavar="NAME", default="", help="a ClickHouse cluster (default: one server)"
    )


def run(args: argparse.Namespace) -> int:
    """Make what is missing and say what was made."""
    settings = load_settings().with_(kafka=args.kafka, clickhouse=args.clickhouse)
    made = asyncio.run(create_topics(settings))
    print(f"topics: {', '.join(made) or 'all there'}")
    client = connect(settings.clickhouse, settings.database)
    try:
        applied = migrate(client, settings.database, cluster=args.cluster)
    finally:
        client.close()
    print(f"migrations: {', '.join(applied) or 'all applied'}")
    return 0
