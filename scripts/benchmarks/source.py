"""The topics that every job of a benchmark reads, filled beforehand, and what is right for them.

No message is broken: stock Faust would restart its agent at each. Duplicates, late events and
invalidations are as in the generator's world.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import Refused, Unavailable
from scripts.archive import FOLDER, archive_topics
from scripts.benchmarks.cores import Cores, on
from scripts.embedded_kafka import EmbeddedBroker
from scripts.generator.load import LoadModel, LoadSpec
from scripts.generator.model import START_MS
from scripts.generator.offer import Plan, offer
from scripts.kafka_local import KafkaCluster, kafka_version, missing_reason
from scripts.kafka_probe import broker_answers, split_address
from scripts.progress import show_progress
from scripts.progress_of import end_offsets
from scripts.recount import Expected, rules_of
from scripts.recount.archive import find_archives
from scripts.recount.parallel import recount_archives
from streams.config import Settings, load_settings
from streams.topics import SOURCES, create_topics

VIDEOS = 10_000
USERS = 200_000


@dataclass(frozen=True, slots=True)
class Source:
    """A broker whose source topics hold the benchmark's events."""

    settings: Settings
    broker: str  # what it is, for the report
    messages: int  # in all source topics
    counted_in_engagement: int  # of them in the topic that stock Faust reads
    bytes_per_event: float


@contextmanager
def open_broker(choice: str, cores: Cores) -> Iterator[tuple[Settings, str]]:
    """Start or find the broker: `local`, `embedded` or an address; yields settings and its name."""
    # a tick would be one more message for the job that comes next
    settings = load_settings().with_(idle_tick_s=0)
    with ExitStack() as started:
        if choice == "local":
            with on(cores.rest):
                cluster = started.enter_context(KafkaCluster(heap_mb=1_024, measured=True))
            yield settings.with_(kafka=cluster.address), f"Apache Kafka {kafka_version()}, local"
        elif choice == "embedded":
            with on(cores.rest):
                embedded = started.enter_context(EmbeddedBroker())
            settings = settings.with_(kafka=embedded.address, transactions=False)
            yield settings, "Tansu, embedded"
        elif any(broker_answers(host, port) for host, port in split_address(choice)):
            yield settings.with_(kafka=choice), f"Kafka at {choice}"
        else:
            raise Unavailable(f"no Kafka broker answers at {choice}")


def default_broker() -> tuple[str, str]:
    """Return the broker to use when none is named, and why it is not a real one, if so."""
    reason = missing_reason()
    return ("local", "") if reason is None else ("embedded", reason)


def fill(settings: Settings, broker: str, *, events: int, seed: int, minutes: float) -> Source:
    """Send the events, spread over some minutes of event time.

    Raises:
        Refused: the topics hold messages already.
    """
    asyncio.run(create_topics(settings))
    held = sum(asyncio.run(end_offsets(settings)).values())
    if held:
        raise Refused(
            f"the topics at {settings.kafka} already hold {held:,} messages: a benchmark fills "
            "and counts topics of its own, give it an empty broker"
        )
    spec = LoadSpec(seed=seed, users=USERS, videos=VIDEOS, broken=0, unknown=0)
    plan = Plan(events=events, start_ms=START_MS, span_ms=int(minutes * 60_000))
    with show_progress("fill the topics", events) as tell:
        asyncio.run(
            offer(
                LoadModel(spec),
                settings.kafka,
                plan,
                idempotent=settings.transactions,
                progress=lambda made, _: tell(made, made),
            )
        )
    ends = asyncio.run(end_offsets(settings))
    sample = LoadModel(spec).chunk(10_000, START_MS)
    return Source(
        settings,
        broker,
        sum(ends.values()),
        sum(end for (topic, _), end in ends.items() if topic == SOURCES[0]),
        round(sum(len(record.value) for record in sample) / len(sample), 1),
    )


def recount_source(source: Source, folder: Path, *, processes: int) -> Expected:
    """Return what ClickHouse must show, by the independent recount of the topics."""
    with show_progress("read the topics", source.messages) as tell:
        asyncio.run(archive_topics(source.settings, folder, lambda done: tell(done, done)))
    with show_progress("recount", source.messages) as tell:
        return recount_archives(
            find_archives(folder / FOLDER, SOURCES),
            rules_of(source.settings),
            processes=processes,
            tell=lambda done: tell(done, done),
        )
