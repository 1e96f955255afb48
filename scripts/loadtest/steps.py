"""One step of a load test on a running stack: offer, look, kill a worker if asked, wait until all is seen."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from schemas.errors import Unavailable
from scripts import processes
from scripts.benchmarks.cores import cpu_s, peak_rss_mb
from scripts.benchmarks.machine import load_average
from scripts.loadtest.latency import Backlog, Latency, Look, grows, latencies, percentile
from scripts.loadtest.sender import Offered, StepSpec
from scripts.stack import Stack

LOOK_EVERY_S = 0.05
WARM_UP_SHARE = 0.2
# The rest is for coming back: a member is missed, state is read, the backlog is worked off.
KILL_AT_SHARE = 1 / 4
BEHIND_S_MAX = 0.5  # a sender that is later than this did not offer what it should
DRAIN_S_MAX = 180.0
_POSITIONS = "SELECT topic, partition, position FROM partitions FINAL"
_ROOT = Path(__file__).resolve().parents[2]
_KINDS = {
    "streams.worker": "worker",
    "sinks.embedded": "ClickHouse",
    "kafka.Kafka": "broker",
    "broker": "broker",
}


@dataclass(frozen=True, slots=True)
class Step:
    """What one rate came to; `took_ms` are percentiles from due to visible."""

    rate: float
    sent: int
    offered: bool  # the sender kept its schedule
    behind_s_max: float
    sustained: bool
    p50_ms: float
    p95_ms: float
    p99_ms: float
    most_ms: float
    backlog_at_end: int
    drain_s: float
    cores: dict[str, float]  # CPU seconds per second, by part
    worker_peak_mb: float
    load_average_1m: float


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a worker's kill -9 did to those who look; times from the kill on."""

    rate: float
    seconds: float | None  # until the backlog was as before for good; None: not within the step
    backlog_before: int
    backlog_most: int
    most_ms: float


class Runner:
    """Runs steps one after another; `tell` gets the share of a step that is over."""

    def __init__(self, stack: Stack, profile: str, folder: Path) -> None:
        self._stack = stack
        self._profile = profile
        self._folder = folder
        self._number = 0

    def step(self, rate: float, duration_s: float, tell: Callable[[float], None]) -> Step:
        """Offer a rate and measure."""
        before = _used()
        offered, looks, drained_s = self._offer(rate, duration_s, tell, None)
        seconds = offered.seconds + drained_s
        used = {kind: after - before.get(kind, 0.0) for kind, after in _used().items()}
        used["sender"] = offered.cpu_s
        found, missing = latencies(offered.acks, looks, offered.origin_ms, rate)
        assert not missing, "a step ends when everything is seen"
        warm_ms = offered.origin_ms + 1000 * WARM_UP_SHARE * duration_s
        warm = [each for each in found if each.due_ms >= warm_ms] or found
        backlog = Backlog(offered.acks, looks, offered.origin_ms, rate, offered.sent)
        end_ms = offered.origin_ms + 1000 * duration_s
        kept_schedule = offered.behind_s_max <= BEHIND_S_MAX
        return Step(
            rate,
            offered.sent,
            kept_schedule,
            round(offered.behind_s_max, 3),
            kept_schedule and not grows(backlog, offered.origin_ms, duration_s, rate),
            round(percentile(warm, 0.5), 1),
            round(percentile(warm, 0.95), 1),
            round(percentile(warm, 0.99), 1),
            round(percentile(warm, 1.0), 1),
            round(backlog.mean(end_ms - 50 * duration_s, end_ms)),
            round(drained_s, 2),
            {kind: round(cpu / seconds, 2) for kind, cpu in sorted(used.items())},
            round(max((peak_rss_mb(pid) for pid in self._stack.supervisor.pids), default=0.0)),
            load_average(),
        )

    def recovery(self, rate: float, duration_s: float, tell: Callable[[float], None]) -> Recovery:
        """Offer a rate, kill a worker a quarter of the way in, and see how long people notice."""
        kills: list[float] = []

        def kill() -> None:
            os.kill(self._stack.supervisor.pids[0], signal.SIGKILL)
            kills.append(time.time() * 1000)

        offered, looks, _ = self._offer(rate, duration_s, tell, kill)
        (killed_ms,) = kills
        backlog = Backlog(offered.acks, looks, offered.origin_ms, rate, offered.sent)
        end_ms = offered.origin_ms + 1000 * duration_s
        warm_ms = offered.origin_ms + 1000 * WARM_UP_SHARE * duration_s
        before = backlog.most(warm_ms, killed_ms)
        back_ms = backlog.back_at_ms(killed_ms + 1000, before + rate)  # but for a second's events
        found, _ = latencies(offered.acks, looks, offered.origin_ms, rate)
        hit: list[Latency] = [each for each in found if each.due_ms + each.took_ms > killed_ms]
        return Recovery(
            rate,
            None if back_ms is None or back_ms > end_ms else round((back_ms - killed_ms) / 1000, 1),
            round(before),
            round(backlog.most(killed_ms, end_ms)),
            round(percentile(hit, 1.0), 1),
        )

    def _offer(
        self,
        rate: float,
        duration_s: float,
        tell: Callable[[float], None],
        kill: Callable[[], None] | None,
    ) -> tuple[Offered, list[Look], float]:
        """Return what was offered, all looks, and how long after the sender's end all was seen."""
        self._number += 1
        settings = self._stack.settings
        spec = StepSpec(
            settings.kafka,
            settings.transactions,
            self._profile,
            f"{os.getpid():x}s{self._number}",
            rate,
            duration_s,
        )
        report = self._folder / f"step-{self._number}.json"
        log = self._folder / "sender.log"
        command = [sys.executable, "-m", "scripts.loadtest.sender"]
        command += [msgspec.json.encode(spec).decode(), str(report)]
        sender = processes.start(command, log=log, env=os.environ | {"PYTHONPATH": str(_ROOT)})
        try:
            return self._watch(sender, report, duration_s, tell, kill)
        finally:
            processes.stop(sender, grace_s=2.0)

    def _watch(
        self,
        sender: Any,
        report: Path,
        duration_s: float,
        tell: Callable[[float], None],
        kill: Callable[[], None] | None,
    ) -> tuple[Offered, list[Look], float]:
        looks: list[Look] = []
        offered: Offered | None = None
        first, began_s, ended_s = -1, 0.0, 0.0
        while True:
            look = self._look()
            looks.append(look)
            position = sum(look.positions.values())
            if first < 0:
                first = position
            if not began_s and position > first:
                began_s = time.monotonic()  # what opens the stream is visible, a moment before
            elapsed_s = time.monotonic() - began_s if began_s else 0.0
            if kill is not None and elapsed_s > duration_s * KILL_AT_SHARE:
                kill()
                kill = None
            tell(min(1.0, elapsed_s / duration_s))
            if offered is None and sender.poll() is not None:
                if sender.returncode:
                    raise Unavailable(
                        f"the sender ended: {processes.tail(report.with_name('sender.log'))}"
                    )
                offered = msgspec.json.decode(report.read_bytes(), type=Offered)
                ended_s = time.monotonic()
            if offered is not None and _all_seen(offered, look):
                return offered, looks, time.monotonic() - ended_s
            if offered is not None and time.monotonic() - ended_s > DRAIN_S_MAX:
                raise Unavailable(f"what was offered is not all visible after {DRAIN_S_MAX:.0f} s")
            self._stack.check()
            time.sleep(LOOK_EVERY_S)

    def _look(self) -> Look:
        rows = self._stack.query(_POSITIONS)
        return Look(time.time() * 1000, {(topic, part): end for topic, part, end in rows})


def _all_seen(offered: Offered, look: Look) -> bool:
    return all(look.positions.get((a.topic, a.partition), 0) >= a.end for a in offered.acks)


def _used() -> dict[str, float]:
    """Return the CPU seconds of our children so far, by what they are."""
    used: dict[str, float] = {}
    for listing in Path("/proc/self/task").glob("*/children"):
        for pid in map(int, listing.read_text().split()):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
            kind = next((kind for word, kind in _KINDS.items() if word in words), None)
            if kind is not None:
                used[kind] = used.get(kind, 0.0) + cpu_s(pid)
    return used
