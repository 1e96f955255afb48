"""A worker's numbers over HTTP: /metrics for Prometheus, /healthz and /readyz for who runs it.

The server is a thread, so it answers also while the event loop does not. Gauges are computed when
they are asked for; the worker does nothing for them in between.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from threading import Thread
from typing import Any, TypeVar

from faust.types import TP
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from schemas.errors import Refused
from schemas.failures import Reason
from sinks.http_access import REALM, Access
from streams import metrics
from streams.config import Settings
from streams.heartbeat import Heart
from streams.meter import FLUSH_BOUNDS_S
from streams.pipeline import Owned, Pipeline
from streams.topics import SOURCES
from streams.watchdog import Glance, Watchdog

HASH_BYTES = 8 + sys.getsizeof(1 << 62)  # in its bucket, and as the number that the set holds
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_Values = Iterable[tuple[tuple[str, ...], float]]  # labels, value
_Family = TypeVar("_Family", CounterMetricFamily, GaugeMetricFamily)


class Observed:
    """What is asked of a running pipeline, from any thread."""

    def __init__(self, app: Any, pipeline: Pipeline) -> None:
        self._app = app
        self._pipeline = pipeline
        self.watchdog: Watchdog | None = None

    def lag(self, owned: Owned) -> int | None:
        """Return the messages not yet applied, or None before the first fetch."""
        consumer = getattr(self._app.consumer, "_thread", None)
        if consumer is None or consumer._consumer is None:
            return None
        end = consumer._consumer.highwater(owned.tp)
        return None if end is None else max(0, end - owned.state.next_offset)

    @property
    def owned(self) -> list[Owned]:
        """Return the partitions owned now."""
        return list(self._pipeline.owned.values())

    def waiting(self) -> dict[tuple[str, int], int]:
        """Return the messages not yet applied of each owned partition, 0 before the first fetch."""
        return {(o.tp.topic, o.tp.partition): self.lag(o) or 0 for o in self.owned}

    @property
    def is_ready(self) -> bool:
        """Tell whether the worker is in its group and has the state of what it was assigned."""
        if self._app.should_stop or self._app.rebalancing or not self._pipeline.joined:
            return False
        ours: set[TP] = set(self._app.consumer.assignment())
        sources = {tp for tp in ours if tp.topic in SOURCES}
        return sources <= set(self._pipeline.owned)

    def glance(self) -> Glance:
        """Look whether anything moves."""
        owned = self.owned
        moved = tuple((o.tp, o.state.next_offset, o.visible, o.saved) for o in owned)
        waiting = any(o.visible < o.state.next_offset or self.lag(o) for o in owned)
        return Glance(bool(waiting), moved)


class WorkerCollector:
    """Turns what a worker counts into Prometheus' families."""

    def __init__(self, pipeline: Pipeline, observed: Observed) -> None:
        self._pipeline = pipeline
        self._observed = observed

    def collect(self) -> Iterator[Metric]:
        """Yield every metric of streams/metrics.py."""
        yield from self._counters()
        yield self._flushes()
        yield from self._gauges()

    def _counters(self) -> Iterator[Metric]:
        meter = self._pipeline.meter
        watchdog = self._observed.watchdog
        yield _counter(metrics.STAGE_EVENTS, list(meter.stage_events.items()))
        yield _counter(metrics.STAGE_SECONDS, _keyed(meter.stage_seconds))
        yield _counter(metrics.EVENTS, list(meter.events.items()))
        # all reasons from the start: Prometheus sees no increase in a series that begins above zero
        refused = dict.fromkeys(product(SOURCES, map(str, Reason)), 0) | meter.dead_letters
        yield _counter(metrics.DEAD_LETTERS, refused.items())
        yield _counter(metrics.ROWS, _keyed(meter.rows))
        yield _counter(metrics.DELIVERY_RETRIES, [((), self._pipeline.delivery_retries)])
        yield _counter(metrics.STACK_DUMPS, [((), watchdog.dumps if watchdog else 0)])

    def _flushes(self) -> Metric:
        metric, meter = metrics.FLUSH_SECONDS, self._pipeline.meter
        family = HistogramMetricFamily(metric.name, metric.meaning)
        total, buckets = 0, []
        for bound, count in zip((*map(str, FLUSH_BOUNDS_S), "+Inf"), meter.flushes, strict=True):
            total += count
            buckets.append((bound, total))
        family.add_metric([], buckets, meter.flush_seconds)
        return family

    def _gauges(self) -> Iterator[Metric]:
        owned = self._observed.owned
        now_ms = time.time_ns() // 1_000_000
        lags = {o.tp: self._observed.lag(o) for o in owned}
        delays = {
            o.tp: (now_ms - o.state.max_event_time_ms) / 1000
            for o in owned
            if o.state.max_event_time_ms
        }
        unflushed = {o.tp: o.state.next_offset - o.visible for o in owned}
        yield _by_place(metrics.LAG, {tp: lag for tp, lag in lags.items() if lag is not None})
        yield _by_place(metrics.UNFLUSHED, unflushed)
        yield _by_place(metrics.WATERMARK_DELAY, delays)
        yield _by_place(metrics.STATE_BYTES, {o.tp: o.pages.alive_bytes for o in owned})
        yield _by_place(metrics.DEDUP_IDS, {o.tp: len(o.state.dedup.seen) for o in owned})
        yield _by_place(metrics.DEDUP_BYTES, {o.tp: _dedup_bytes(o) for o in owned})
        partitions: dict[tuple[str, ...], float] = {}
        items: dict[tuple[str, ...], float] = {}
        for o in owned:
            partitions[(o.tp.topic,)] = partitions.get((o.tp.topic,), 0) + 1
            for item, number in _items(o).items():
                items[o.tp.topic, item] = items.get((o.tp.topic, item), 0) + number
        yield _gauge(metrics.PARTITIONS, partitions.items())
        yield _gauge(metrics.STATE_ITEMS, items.items())
        yield _gauge(metrics.READY, [((), int(self._observed.is_ready))])
        watchdog = self._observed.watchdog
        yield _gauge(metrics.STUCK_SECONDS, [((), watchdog.stuck_s if watchdog else 0.0)])


class Observer:
    """Watches a worker, has its heart beat, and serves its numbers if a port is set, until its end."""

    def __init__(self, app: Any, pipeline: Pipeline, settings: Settings) -> None:
        self._settings = settings
        self._observed = Observed(app, pipeline)
        self._heart = Heart(settings.clickhouse, settings.database, self._observed.waiting)
        access = Access(settings.metrics_host, settings.http_token)
        self._server = MetricsServer(pipeline, self._observed, access)

    async def start(self) -> None:
        """Start the threads, from the worker's event loop.

        Raises:
            Refused: the address of the metrics cannot be used.
        """
        settings, observed = self._settings, self._observed
        self._heart.start()
        if settings.stuck_after_s:
            loop = asyncio.get_running_loop()
            observed.watchdog = Watchdog(observed.glance, settings.stuck_after_s, loop)
            observed.watchdog.start()
        if settings.metrics_port:
            self._server.start(settings.metrics_host, settings.metrics_port)

    def stop(self) -> None:
        """End the threads."""
        if self._observed.watchdog is not None:
            self._observed.watchdog.stop()
        self._heart.stop()
        self._server.stop()


class MetricsServer:
    """Serves one worker's numbers."""

    def __init__(self, pipeline: Pipeline, observed: Observed, access: Access) -> None:
        self._observed = observed
        self._access = access
        self._registry = CollectorRegistry()
        self._registry.register(WorkerCollector(pipeline, observed))
        ProcessCollector(registry=self._registry)
        self._server: ThreadingHTTPServer | None = None

    def start(self, host: str, port: int) -> int:
        """Listen and return the port.

        Raises:
            Refused: the address cannot be used.
        """
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._answer(self)

            def log_message(self, *_: object) -> None:
                """Say nothing: a scrape every few seconds is no news."""

        try:
            self._server = ThreadingHTTPServer((host, port), Handler)
        except OSError as error:
            raise Refused(
                f"metrics cannot be served on {host}:{port} ({error.strerror}): "
                "set ENGAGE_METRICS_PORT to a free port, 0 for none"
            ) from error
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()
        return int(self._server.server_address[1])

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path.partition("?")[0]
        watchdog = self._observed.watchdog
        if path == "/healthz":
            stuck_s = watchdog.stuck_s if watchdog and watchdog.is_stuck else 0.0
            _send(request, 503 if stuck_s else 200, {"stuck_seconds": round(stuck_s, 1)})
        elif path == "/readyz":
            ready = self._observed.is_ready
            _send(request, 200 if ready else 503, {"ready": ready})
        elif not self._access.allows(request.headers.get("Authorization", "")):
            request.send_response(401)
            request.send_header("WWW-Authenticate", REALM)
            request.send_header("Content-Length", "0")
            request.end_headers()
        elif path == "/metrics":
            _send_bytes(request, 200, generate_latest(self._registry), CONTENT_TYPE)
        else:
            _send(request, 404, {"error": "there is /metrics, /healthz and /readyz"})


def _send(request: BaseHTTPRequestHandler, status: int, body: dict[str, Any]) -> None:
    _send_bytes(request, status, json.dumps(body).encode() + b"\n", "application/json")


def _send_bytes(request: BaseHTTPRequestHandler, status: int, body: bytes, kind: str) -> None:
    request.send_response(status)
    request.send_header("Content-Type", kind)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def _counter(metric: metrics.Metric, values: _Values) -> CounterMetricFamily:
    return _filled(CounterMetricFamily(metric.name, metric.meaning, labels=metric.labels), values)


def _gauge(metric: metrics.Metric, values: _Values) -> GaugeMetricFamily:
    return _filled(GaugeMetricFamily(metric.name, metric.meaning, labels=metric.labels), values)


def _filled(family: _Family, values: _Values) -> _Family:
    for labels, value in values:
        family.add_metric(labels, value)
    return family


def _by_place(metric: metrics.Metric, values: dict[TP, Any]) -> GaugeMetricFamily:
    return _gauge(metric, [((tp.topic, str(tp.partition)), v) for tp, v in values.items()])


def _keyed(values: dict[str, Any]) -> list[tuple[tuple[str, ...], float]]:
    return [((key,), value) for key, value in list(values.items())]


def _dedup_bytes(owned: Owned) -> int:
    seen = owned.state.dedup.seen
    return sys.getsizeof(seen) + HASH_BYTES * len(seen)


def _items(owned: Owned) -> dict[str, int]:
    state = owned.state
    return {
        "videos": len(state.videos),
        "lives": len(state.lives),
        "open_panes": sum(map(len, list(state.open_minutes.values()))),
        "streak_deadlines": len(state.deadlines),
        "invalidated": len(state.invalidated),
        "followed_creators": len(state.follows),
    }
