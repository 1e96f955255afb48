"""The topics that the pipeline needs, as they must exist."""

import socket

import pytest

from schemas.errors import Unavailable
from schemas.events import EVENT_TYPES
from streams import topics
from streams.config import Settings
from streams.pages import PAGE_BYTES, RECORD_BYTES_MAX


def test_each_source_has_a_changelog_with_as_many_partitions() -> None:
    found = {topic.name: topic for topic in topics.wanted(Settings(app_id="app", partitions=6))}
    assert found.keys() == {
        *("engagement.events", "commerce.events", "engagement.dead-letters", "boosts"),
        topics.DEAD_LETTER_REPLAYS,
        *("app-engagement-changelog", "app-commerce-changelog"),
    }
    notes = found.pop(topics.DEAD_LETTER_REPLAYS)
    assert notes.partitions == 1
    assert {topic.partitions for topic in found.values()} == {6}


def test_sources_are_the_topics_of_the_event_types() -> None:
    assert set(topics.SOURCES) == {spec.topic for spec in EVENT_TYPES.values()}


def test_only_latest_values_are_compacted_and_sources_are_kept_for_their_time() -> None:
    settings = Settings(events_retention_ms=12_345)
    for topic in topics.wanted(settings):
        latest = (topics.BOOSTS, topics.DEAD_LETTER_REPLAYS)
        is_state = topic.name.endswith("-changelog") or topic.name in latest
        assert (topic.config.get("cleanup.policy") == "compact") is is_state
        if topic.name in topics.SOURCES:
            assert topic.config["retention.ms"] == "12345"


def test_a_page_fits_into_a_message_of_the_changelog() -> None:
    for topic in topics.wanted(Settings()):
        if topic.name.endswith("-changelog"):
            bytes_max = int(topic.config["max.message.bytes"])
            assert bytes_max > 2 * (PAGE_BYTES + RECORD_BYTES_MAX)


async def test_without_a_broker_the_error_names_its_address() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and never listening
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Unavailable, match=address):
            await topics.create_topics(Settings(kafka=address))
