"""Each letter once, wherever a replay is killed: against the embedded broker."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from random import Random

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.errors import Refused
from scripts.embedded_kafka import EmbeddedBroker
from scripts.letters.mending import Mended, mend
from scripts.letters.replaying import HEADER, Replayer, batches, open_replayer
from scripts.letters.view import DeadLetterRow, MessageId
from streams.agents import rules_of
from streams.clients import stop_client
from streams.config import Settings
from streams.topics import SOURCES, create_topics

pytestmark = pytest.mark.stack

NOW_MS = 1_780_000_000_000
RULES = rules_of(Settings())
Step = Callable[[Replayer, Sequence[Mended]], Awaitable[None]]


async def nothing(_replayer: Replayer, _batch: Sequence[Mended]) -> None:
    """Killed before the first step."""


async def noted(replayer: Replayer, batch: Sequence[Mended]) -> None:
    await replayer.intend(batch)


async def half_sent(replayer: Replayer, batch: Sequence[Mended]) -> None:
    await replayer.intend(batch)
    await replayer.send(batch[::2])


async def sent(replayer: Replayer, batch: Sequence[Mended]) -> None:
    await replayer.intend(batch)
    await replayer.send(batch)


async def half_confirmed(replayer: Replayer, batch: Sequence[Mended]) -> None:
    await sent(replayer, batch)
    await replayer.confirm([one.name for one in batch[::2]])


async def done(replayer: Replayer, batch: Sequence[Mended]) -> None:
    await replayer.replay(batch)


KILLED_AFTER = (nothing, noted, half_sent, sent, half_confirmed, done)


@pytest.fixture
def settings() -> Iterator[Settings]:
    with EmbeddedBroker() as broker:
        yield Settings(kafka=broker.address, transactions=False)


def some_letters(count: int) -> list[Mended]:
    return [
        mend(
            DeadLetterRow(MessageId("engagement.events", n % 4, n), "", "", "", raw, 0, None),
            {"creator_id": "c"},
            RULES,
            NOW_MS,
        )
        for n in range(count)
        for raw in [
            json.dumps(
                {
                    "id": f"e{n}",
                    "type": "like",
                    "event_time_ms": NOW_MS - n,
                    "user_id": f"u{n}",
                    "video_id": f"v{n % 17}",
                }
            ).encode()
        ]
    ]


async def sent_names(settings: Settings) -> Counter[str]:
    """How often each letter's name is in the sources."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka, group_id=None)
    await consumer.start()
    names: Counter[str] = Counter()
    try:
        tps = [TopicPartition(topic, p) for topic in SOURCES for p in range(settings.partitions)]
        consumer.assign(tps)
        await consumer.seek_to_beginning(*tps)
        while fetched := await consumer.getmany(timeout_ms=1_000):
            for records in fetched.values():
                names.update(v.decode() for r in records for k, v in r.headers if k == HEADER)
    finally:
        await stop_client(consumer)
    return names


async def unsent(replayer: Replayer, letters: Sequence[Mended]) -> list[Mended]:
    return [one for one in letters if not replayer.was_sent(one.name)]


@pytest.mark.parametrize("killed_after", KILLED_AFTER, ids=lambda step: step.__name__)
async def test_a_killed_replay_is_finished_by_the_next(
    settings: Settings, killed_after: Step
) -> None:
    await create_topics(settings)
    letters = some_letters(40)
    async with open_replayer(settings) as replayer:
        await killed_after(replayer, letters)
    async with open_replayer(settings) as replayer:
        rest = await unsent(replayer, letters)
        assert len(rest) == {"nothing": 40, "noted": 40, "half_sent": 20}.get(
            killed_after.__name__, 0
        )
        await replayer.replay(rest)
    async with open_replayer(settings) as replayer:
        assert await unsent(replayer, letters) == []
    assert await sent_names(settings) == Counter(one.name for one in letters)


async def test_any_chain_of_kills_sends_each_letter_once(settings: Settings, rng: Random) -> None:
    await create_topics(settings)
    letters = some_letters(60)
    for _ in range(6):
        async with open_replayer(settings) as replayer:
            rest = await unsent(replayer, letters)
            await rng.choice(KILLED_AFTER)(replayer, rng.sample(rest, min(len(rest), 25)))
    async with open_replayer(settings) as replayer:
        await replayer.replay(await unsent(replayer, letters))
    assert await sent_names(settings) == Counter(one.name for one in letters)


async def test_a_letter_that_was_sent_is_not_sent_with_another_patch(settings: Settings) -> None:
    await create_topics(settings)
    (first,) = some_letters(1)
    async with open_replayer(settings) as replayer:
        await replayer.replay([first])
        with pytest.raises(AssertionError):
            await replayer.replay([first])
    async with open_replayer(settings) as replayer:
        assert replayer.was_sent(first.name)


async def test_missing_topics_are_said(settings: Settings) -> None:
    with pytest.raises(Refused, match="engage migrate"):
        async with open_replayer(settings):
            pass


def test_batches_leave_nothing_out() -> None:
    letters = some_letters(1_203)
    assert [one for batch in batches(letters) for one in batch] == letters
    assert [len(batch) for batch in batches(letters)] == [500, 500, 203]
