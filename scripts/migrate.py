"""Makes the Kafka topics and the ClickHouse tables and views that are missing.

Topics get their partitions, retention and compaction from the settings (ENGAGE_PARTITIONS,
ENGAGE_REPLICATION, ENGAGE_EVENTS_RETENTION_MS, ENGAGE_DEAD_LETTERS_RETENTION_MS) and are made here and
nowhere else. Running it again does nothing; two at once are harmless. A topic with another number of
partitions, or a migration that was edited after it was applied, is refused. Of a folder that an older
version's run has left, only the tables and views are brought up to date, so that it can be read and audited.
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import closing

from schemas.errors import ConfigError
from scripts.kept_rules import settings_of_folder
from scripts.options import clickhouse_option, data_option, kafka_option
from scripts.reading import open_ledger
from sinks.client import connect
from sinks.migrate import COPY_S_MAX, migrate
from streams.config import load_settings
from streams.topics import create_topics

HELP = "make topics, tables and views"
EXAMPLES = """\
Examples:
  engage migrate --kafka kafka:9092 --clickhouse http://user:password@clickhouse:8123
  engage migrate --cluster main          tables on a ClickHouse cluster
  engage migrate --data results          a folder of an older version
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    kafka_option(parser)
    clickhouse_option(parser)
    data_option(parser, note="of an older version")
    parser.add_argument(
        "--cluster", metavar="NAME", default="", help="a ClickHouse cluster (default: one server)"
    )


def run(args: argparse.Namespace) -> int:
    """Make what is missing and say what was made."""
    if args.data is not None:
        if args.cluster:
            raise ConfigError("--cluster: a folder has one server; leave out --data or --cluster")
        with open_ledger(args.data, None) as url:
            _tables(url, settings_of_folder(args.data, clickhouse=url).database, "")
        return 0
    settings = load_settings().with_(kafka=args.kafka, clickhouse=args.clickhouse)
    made = asyncio.run(create_topics(settings))
    print(f"topics: {', '.join(made) or 'all there'}")
    _tables(settings.clickhouse, settings.database, args.cluster)
    return 0


def _tables(url: str, database: str, cluster: str) -> None:
    with closing(connect(url, database, request_timeout_s=COPY_S_MAX)) as client:
        applied = migrate(client, database, cluster=cluster)
    print(f"migrations: {', '.join(applied) or 'all applied'}")
