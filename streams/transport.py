"""Faust's Kafka transport, with a bound on how long a broker may keep a fetch open.

Faust asks for 1.5 s and has no setting for it. A broker that answers as soon as there is something does not
mind. The embedded one looks again in fixed parts of that wait, about a fifth of it each: with 1.5 s a message is
seen up to 0.3 s late, which is most of what a simulated world waits for.
"""

from typing import Any

import faust
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport

FETCH_WAIT_MS_MAX = 100


class _Thread(AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS_MAX
        return consumer


class _Consumer(Consumer):
    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)


class _Transport(Transport):
    Consumer = _Consumer


class App(faust.App):
    """A Faust app whose consumer does not wait long for an answer to a fetch."""

    def _new_transport(self) -> Any:
        return _Transport(self.conf.broker_consumer, self)
