"""Keeps the embedded stack running until Ctrl-C: broker, ClickHouse and workers of one folder.

Send events to the broker with any Kafka client or with `engage replay LOG --kafka ADDRESS`, and
query the views with `engage sql QUERY --data DIR`. When it stops, results and topics stay in DIR.
"""

from __future__ import annotations

import argparse
import sys
import time

from scripts.options import (
    clickhouse_option,
    data_option,
    kafka_option,
    port,
    processes_option,
)
from scripts.run import settings_of
from scripts.stack import Ports, Stack

HELP = "keep the embedded stack running"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    data_option(parser, required=True, note="must be new")
    kafka_option(parser, note="default: the embedded broker")
    clickhouse_option(parser, note="default: the embedded ClickHouse")
    for name in ("--kafka-port", "--clickhouse-port"):
        parser.add_argument(name, type=port, metavar="PORT", help="default: a free one")
    processes_option(parser)
    parser.add_argument("--rates", metavar="FILE", help="dated rates (default: schemas/rates.toml)")
    parser.add_argument("--weights", metavar="FILE", help="dated score weights")


def run(args: argparse.Namespace) -> int:
    """Start the stack and watch it until interrupted."""
    settings = settings_of(args)
    with Stack(
        args.data,
        settings,
        processes=args.processes,
        kafka=args.kafka,
        clickhouse=args.clickhouse,
        ports=Ports(args.kafka_port, args.clickhouse_port),
    ) as stack:
        print(f"kafka      {stack.settings.kafka}")
        print(f"clickhouse {stack.reading_url}")
        print(f"data       {args.data}   (engage sql 'SELECT ...' --data {args.data})")
        print("ready; Ctrl-C stops everything", flush=True)
        try:
            while True:
                time.sleep(0.2)
                stack.check()
        except KeyboardInterrupt:
            print("stopping", file=sys.stderr)
        stack.finish()
    return 0
