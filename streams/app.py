"""Builds the Faust app from Settings; no logic."""

from typing import Any

import faust

import streams.checkpoint  # noqa: F401 - registers the store's URL scheme
from streams.batches import RunSchema, run_scheduler
from streams.clients import kafka_options
from streams.config import Settings
from streams.topics import SOURCES, table_name
from streams.transport import App

METADATA_AGE_MS_MAX = 10_000


def build_app(settings: Settings, web_port: int | None = None) -> Any:
    """Return a Faust app that fetches in runs and leaves commits to the pipeline."""
    session_s = float(settings.session_timeout_s)
    options = kafka_options(settings.kafka, settings)
    return App(
        settings.app_id,
        broker=[f"kafka://{address}" for address in options["bootstrap_servers"]],
        broker_credentials=_credentials(options),
        store="memory://",
        datadir=f"/tmp/{settings.app_id}-faust",  # noqa: S108 - nothing is ever written there
        topic_partitions=settings.partitions,
        topic_replication_factor=settings.replication,
        topic_allow_declare=False,  # topics are made by `engage migrate`, never by accident
        topic_disable_leader=True,
        web_enabled=web_port is not None,
        web_port=web_port or 6066,
        ConsumerScheduler=run_scheduler(set(SOURCES), settings.run_messages_max),
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=4 << 20,
        # a broker that has just come back may not know its topics yet; who joined then joins again
        consumer_metadata_max_age_ms=METADATA_AGE_MS_MAX,
        stream_buffer_maxsize=8,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        broker_session_timeout=session_s,
        broker_heartbeat_interval=session_s / 5,
        broker_rebalance_timeout=max(20.0, session_s),
        broker_request_timeout=max(30.0, session_s),
        broker_max_poll_records=20_000,
        broker_max_poll_interval=86_400.0,  # waiting for ClickHouse is no reason to leave the group
        broker_commit_interval=3_600.0,  # the pipeline commits
        table_standby_replicas=0,
        recovery_consistency_check=False,  # the store checks more, and at the right moment
        producer_acks=-1,
        autodiscover=False,
    )


def _credentials(options: dict[str, Any]) -> Any:
    """Return what Faust calls the options of a secured broker, or None for a plain one."""
    context = options.get("ssl_context")
    if options["security_protocol"].startswith("SASL"):
        return faust.SASLCredentials(
            username=options["sasl_plain_username"],
            password=options["sasl_plain_password"],
            ssl_context=context,
            mechanism=options["sasl_mechanism"],
        )
    return None if context is None else faust.SSLCredentials(context)


def source_topic(app: Any, settings: Settings, name: str) -> Any:
    """Return a source topic that arrives in runs and is not acknowledged by Faust."""
    return app.topic(
        name, schema=RunSchema(), partitions=settings.partitions, acks=False, maxsize=8
    )


def state_table(app: Any, settings: Settings, source: str) -> Any:
    """Return the table whose changelog holds the checkpoints of a source topic."""
    return app.Table(
        table_name(source),
        key_type=bytes,
        value_type=bytes,
        store="checkpoint://own",
        partitions=settings.partitions,
    )
