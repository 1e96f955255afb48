"""What can happen to a running pipeline, each at instants that the rig's seed decides."""

from __future__ import annotations

import signal
from collections.abc import Callable

from tests.crash import faults
from tests.crash.rig import SESSION_S, Rig

Scenario = Callable[[Rig], None]
FEED_S = 4.0
REBALANCE_S = 22.0  # longer than members have to join one


def kill_a_worker(rig: Rig) -> None:
    """kill -9."""
    with rig.feeding():
        rig.moment(FEED_S)
        rig.signal_worker(signal.SIGKILL)
        rig.moment(FEED_S)


def kill_workers(rig: Rig) -> None:
    """kill -9, and once more while the first one's partitions move."""
    with rig.feeding():
        rig.moment(FEED_S)
        rig.signal_worker(signal.SIGKILL)
        rig.moment(2 * FEED_S)
        rig.signal_worker(signal.SIGKILL)
        rig.moment(FEED_S)


def pause_a_worker(rig: Rig) -> None:
    """SIGSTOP until its partitions are somebody else's, then SIGCONT: a zombie wakes up."""
    with rig.feeding():
        rig.moment(2)
        rig.signal_worker(signal.SIGSTOP)
        rig.wait(SESSION_S + 1)
        rig.moment(2)
        rig.continue_workers()


def end_a_worker(rig: Rig) -> None:
    """SIGTERM: it flushes and leaves the group."""
    with rig.feeding():
        rig.moment(FEED_S)
        rig.signal_worker(signal.SIGTERM)
        rig.moment(FEED_S)


def kill_clickhouse(rig: Rig) -> None:
    """kill -9 of ClickHouse, back after a while on its folder and its port."""
    with rig.feeding():
        rig.moment(FEED_S)
        rig.clickhouse.kill()
        rig.moment(FEED_S)
        rig.clickhouse.start()
        rig.moment(FEED_S)


def pause_clickhouse(rig: Rig) -> None:
    """SIGSTOP of ClickHouse for longer than a session, then SIGCONT: it hangs, nothing is refused."""
    with rig.feeding():
        rig.moment(FEED_S)
        with rig.stopped(rig.clickhouse.pid):
            rig.wait(SESSION_S + 1)
            rig.moment(2)
        rig.moment(FEED_S)


def pause_clickhouse_and_kill_a_worker(rig: Rig) -> None:
    """Partitions move while every flush hangs: who waits for ClickHouse stays in the group."""
    with rig.feeding():
        rig.moment(FEED_S)
        restarts = rig.supervisor.restarts
        with rig.stopped(rig.clickhouse.pid):
            rig.moment(2)
            rig.signal_worker(signal.SIGKILL)
            rig.wait(SESSION_S + REBALANCE_S)
            rig.moment(2)
        rig.moment(FEED_S)
        assert rig.supervisor.restarts == restarts + 1, "a worker ended that was not killed"


def end_clickhouse(rig: Rig) -> None:
    """SIGTERM of ClickHouse: running inserts are finished, then nobody answers for a while."""
    with rig.feeding():
        rig.moment(FEED_S)
        rig.clickhouse.stop()
        rig.moment(FEED_S)
        rig.clickhouse.start()
        rig.moment(FEED_S)


def kill_a_broker(rig: Rig) -> None:
    """kill -9 of a broker, back after a while on its data and its port."""
    with rig.feeding():
        rig.moment(FEED_S)
        node = rig.broker()
        rig.kafka.kill(node)
        rig.moment(FEED_S)
        rig.kafka.start_node(node)
        rig.moment(FEED_S)


def pause_a_broker(rig: Rig) -> None:
    """SIGSTOP of a broker for longer than a session, then SIGCONT: it wakes up in the past."""
    with rig.feeding():
        rig.moment(FEED_S)
        with rig.stopped(rig.kafka.pid(rig.broker())):
            rig.wait(SESSION_S + 1)
            rig.moment(2)
        rig.moment(FEED_S)


def end_a_broker(rig: Rig) -> None:
    """SIGTERM of a broker: it hands over what it leads, if there is somebody to take it."""
    with rig.feeding():
        rig.moment(FEED_S)
        node = rig.broker()
        rig.kafka.stop_node(node)
        rig.moment(FEED_S)
        rig.kafka.start_node(node)
        rig.moment(FEED_S)


def die_at(*steps: str) -> Scenario:
    """Exit at steps of a flush or a take-over, in the order in which workers reach them."""

    def scenario(rig: Rig) -> None:
        with rig.feeding():
            rig.moment(1)
            for step in steps:
                faults.arm(rig.faults, step)
            if set(steps) & set(faults.TAKE_OVER):  # which need one
                rig.signal_worker(signal.SIGKILL)
            rig.wait_until(
                lambda: all(faults.fired(rig.faults, step) for step in steps),
                20 * len(steps),
                f"workers reach {steps}",
            )
            rig.moment(FEED_S)

    return scenario


def pause_at(step: str) -> Scenario:
    """Stop inside a flush until the partitions are somebody else's, then go on with it."""

    def scenario(rig: Rig) -> None:
        with rig.feeding():
            rig.moment(2)
            faults.arm(rig.faults, step, faults.STOP)
            rig.wait_until(lambda: faults.fired(rig.faults, step), 40, f"a worker reaches {step}")
            rig.wait(SESSION_S + 1)
            rig.moment(2)
            rig.continue_workers()

    return scenario
