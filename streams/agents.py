"""The whole flow on one screen.

fetched run -> decode -> admission, deduplication, event time -> effects   (streams/partition.py)
|- windows, scores, viewers
|- registers: likes, follows
'- gifts -> ledger entries
every flush_interval_ms: rows -> ClickHouse; every checkpoint_interval_ms also pages + position ->
    changelog in one transaction, then offsets
"""

import asyncio
import logging
import os
from typing import Any

from aiokafka.errors import KafkaError
from faust.types import TP

from schemas.errors import ConfigError, EngageError, InputError, Refused
from schemas.rates import load_rates, load_weights
from streams import topics
from streams.app import build_app, source_topic, state_table
from streams.config import Settings
from streams.exposition import Observer
from streams.pipeline import Pipeline
from streams.values import Rules

log = logging.getLogger("engage.agents")


def rules_of(settings: Settings) -> Rules:
    """Return the rules that results depend on."""
    return Rules(
        rates=load_rates(settings.rates or None),
        weights=load_weights(settings.weights or None),
        region=settings.region,
        horizon_ms=settings.horizon_ms,
        disorder_ms=settings.disorder_ms,
        streak_timeout_ms=settings.streak_timeout_ms,
        ahead_ms_max=settings.ahead_ms_max,
        pane_keep_ms=settings.pane_keep_ms,
    )


def build_worker(settings: Settings, pipeline_type: type[Pipeline] = Pipeline) -> Any:
    """Return the Faust app of one worker process, fully wired."""
    app = build_app(settings)
    pipeline = pipeline_type(app, settings, rules_of(settings))
    for source in topics.SOURCES:
        _wire_store(state_table(app, settings, source).data, pipeline, settings, source)
        _wire_agent(app, pipeline, source_topic(app, settings, source), source)

    observer = Observer(app, pipeline, settings)

    @app.task
    async def observe() -> None:
        await _or_exit("metrics", observer.start())

    @app.task
    async def flush_regularly() -> None:
        while not app.should_stop:
            await asyncio.sleep(settings.flush_interval_ms / 1000)
            if not app.rebalancing:
                await _or_exit("flush", pipeline.flush_or_lose())
                await _or_exit("watch", pipeline.watch())
                await _or_exit("tick", pipeline.tick_idle())

    @app.on_partitions_assigned.connect
    async def on_assigned(app: Any, assigned: set[TP], **_: Any) -> None:
        pipeline.joined = True

    @app.on_partitions_revoked.connect
    async def on_revoked(app: Any, revoked: set[TP], **_: Any) -> None:
        await _or_exit("flush at revocation", pipeline.flush_in_time())

    @app.on_before_shutdown.connect
    async def on_shutdown(app: Any, **_: Any) -> None:
        await _or_exit("flush at shutdown", pipeline.flush_in_time())
        await pipeline.close()
        observer.stop()

    return app


def _wire_agent(app: Any, pipeline: Pipeline, topic: Any, source: str) -> None:
    @app.agent(topic, name=topics.table_name(source))
    async def agent(stream: Any) -> None:
        async for event in stream.noack().events():
            await _or_exit(source, pipeline.handle(event.value))


def _wire_store(store: Any, pipeline: Pipeline, settings: Settings, source: str) -> None:
    store.settings = settings
    store.on_lost = lambda partition: pipeline.lose(TP(source, partition))
    store.on_ready = lambda partition, found: pipeline.start(store, source, partition, found)
    store.on_fatal = exit_now


async def _or_exit(what: str, work: Any) -> None:
    """Await; a failure that leaves the outcome unknown ends the process, which then recovers.

    Going on after it would mean guessing; the checkpoint makes starting over exact.
    """
    try:
        await work
    except (EngageError, KafkaError, OSError, TimeoutError) as error:
        exit_now(error, what)
    except Exception as error:
        log.exception("bug in %s", what)
        exit_now(error, what)


def exit_now(error: BaseException, what: str) -> None:
    """End the process at once; the supervisor starts another, unless that would be of no use."""
    code = 2 if isinstance(error, (Refused, ConfigError, InputError)) else 75
    log.critical("%s: %s (%s); exit %s", what, error, type(error).__name__, code)
    logging.shutdown()
    os._exit(code)
