"""Runs workers against a Kafka and a ClickHouse, and restarts them when they end.

Each worker process uses one core and owns some partitions; more processes, here or on other
machines, share the partitions among them. Topics and tables must exist: `engage migrate` makes them.
SIGTERM or Ctrl-C lets every worker flush what it holds before it ends.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from scripts.interrupts import run_async
from scripts.options import clickhouse_option, kafka_option, processes_option
from scripts.supervisor import Supervisor
from streams.agents import rules_of
from streams.config import load_settings
from streams.preflight import preflight

HELP = "run worker processes against Kafka and ClickHouse"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    kafka_option(parser)
    clickhouse_option(parser)
    processes_option(parser)
    parser.add_argument("--rates", metavar="FILE", help="dated rates (default: schemas/rates.toml)")
    parser.add_argument("--weights", metavar="FILE", help="dated score weights")
    parser.add_argument(
        "--log", metavar="FILE", type=Path, help="the workers' log (default: stderr)"
    )


def run(args: argparse.Namespace) -> int:
    """Supervise until interrupted."""
    settings = load_settings().with_(
        kafka=args.kafka, clickhouse=args.clickhouse, rates=args.rates, weights=args.weights
    )
    rules_of(settings)  # wrong rates or weights end here, before anything runs
    run_async(preflight(settings))
    supervisor = Supervisor(settings, args.processes, args.log)
    supervisor.start()
    print(f"{args.processes} worker(s) on {settings.kafka}; Ctrl-C stops them", file=sys.stderr)
    try:
        while True:
            time.sleep(0.2)
            supervisor.check()
    finally:
        supervisor.stop()
