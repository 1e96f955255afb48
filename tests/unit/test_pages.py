"""State as pages: everything comes back, records stay small, later pages win."""

from collections.abc import Iterator

import msgspec
import pytest

from streams.pages import (
    PAGE_BYTES,
    RECORD_BYTES_MAX,
    all_records,
    changed_records,
    load_pages,
    pack,
)
from streams.partition import Partition
from tests.oracle import records_from_lines
from tests.oracle.events import DAY_MS, HOUR_MS, event, invalidated, line_of
from tests.simulation.core import Core, core_of
from tests.simulation.dump import dump, first_difference
from tests.simulation.ruleset import rule_set
from tests.simulation.small import small_pages

RULES = rule_set().pipeline
MESSAGE_BYTES_MAX = 2 << 20  # max.message.bytes of the changelog
LONG = "x" * 240


@pytest.fixture
def _small() -> Iterator[None]:
    with small_pages():
        yield


def read(pages: list[bytes], like: Partition) -> Partition:
    state = Partition(RULES)
    state.resume(like.next_offset, like.max_event_time_ms)
    state.counts.update(like.counts)
    state.by_type.update(like.by_type)
    load_pages(state, pages)
    return state


def check_same(one: Partition, other: Partition) -> None:
    found = first_difference(dump(one), dump(other))
    assert not found, found


def a_bit_of_everything() -> Core:
    like, view, late = event("like"), event("view"), event("follow", user_id="w", at=-1)
    coming = event("share", at=5)
    log = [
        event(
            "video_published", hashtags=["x"], collaborators=[{"creator_id": "d", "share_bps": 9}]
        ),
        *(like, view, late, event("view", user_id="w", at=HOUR_MS), event("unlike", at=3)),
        *(event("view", at=3), event("favorite"), event("unfollow", at=9), event("comment")),
        *(
            invalidated(like),
            invalidated(coming),
            coming,
            event("live_started"),
            event("live_left"),
        ),
        *(event("live_joined", at=-5), event("live_like"), event("gift_refunded", order_id="p")),
        *(event("gift"), event("gift", order_id="p", group_id="h"), event("gift", repeat_end=True)),
        *(event("live_ended", at=7), event("tick"), event("like", at=-2 * DAY_MS)),
    ]
    return core_of(*log, rules=RULES)


def test_changes_and_the_whole_state_both_bring_everything_back() -> None:
    core = a_bit_of_everything()
    core.rows.take(core.state)
    changes = list(pack(changed_records(core.state)))
    whole = list(pack(all_records(core.state)))
    check_same(read(changes, core.state), core.state)
    check_same(read(whole, core.state), core.state)
    check_same(read(changes + whole + whole, core.state), core.state)


@pytest.mark.usefixtures("_small")
def test_split_records_bring_everything_back_too() -> None:
    core = a_bit_of_everything()
    core.rows.take(core.state)
    records = list(changed_records(core.state))
    assert sum(record[1] == 0 for record in records) > 2, "the video has several records"
    check_same(read(list(pack(records)), core.state), core.state)


def test_what_was_taken_is_not_taken_again() -> None:
    core = a_bit_of_everything()
    core.rows.take(core.state)
    assert list(changed_records(core.state))
    assert not list(changed_records(core.state))


def test_a_state_read_back_has_nothing_to_write() -> None:
    core = a_bit_of_everything()
    core.flush()
    other = core.recovered()
    assert not list(changed_records(other.state))
    assert set(other.rows.take(other.state)) == {"partitions"}


def test_a_later_page_wins_and_what_is_gone_is_gone() -> None:
    like = event("like")
    pages: list[bytes] = []
    core = core_of(like, event("view"), rules=RULES)
    for more in (invalidated(like), event("view", user_id="w", at=HOUR_MS)):
        core.rows.take(core.state)
        pages += pack(changed_records(core.state))
        apply_next(core, more)
    core.rows.take(core.state)
    pages += pack(changed_records(core.state))
    state = read(pages, core.state)
    check_same(state, core.state)
    video = state.videos[b"v"]
    assert (video.likes.on, len(video.panes)) == (0, 1)


def apply_next(core: Core, made: dict[str, object]) -> None:
    """Apply one more hand-made event."""
    (record,) = records_from_lines([line_of(made)], 1)
    core.apply([record._replace(offset=core.state.next_offset)])


def test_pages_are_cut_at_their_size() -> None:
    records = [msgspec.msgpack.encode(b"x" * 1_000) for _ in range(1_000)]
    pages = list(pack(records))
    assert len(pages) == 3
    assert all(len(page) < PAGE_BYTES + 1_100 for page in pages)
    assert sum(len(msgspec.msgpack.decode(page)) for page in pages) == 1_000
    assert not list(pack([]))


@pytest.mark.parametrize("kind", ["view", "like", "favorite", "follow"])
def test_many_users_with_long_ids_fit_into_messages(kind: str) -> None:
    log = [event(kind, user_id=f"{n}{LONG}", id=f"{n}e{LONG}") for n in range(2_500)]
    core = core_of(*log, rules=RULES)
    core.rows.take(core.state)
    for pages in (list(pack(changed_records(core.state))), list(pack(all_records(core.state)))):
        assert max(map(len, pages)) < MESSAGE_BYTES_MAX // 2
        check_same(read(pages, core.state), core.state)


def test_one_user_with_a_long_history_fits_into_a_message() -> None:
    log = [event("like", id=f"{n}e{LONG}", at=n) for n in range(400)]
    log += [event("view", at=n) for n in range(400)]
    core = core_of(*log, rules=RULES)
    core.rows.take(core.state)
    assert max(map(len, changed_records(core.state))) < RECORD_BYTES_MAX


def test_a_live_with_very_many_orders_fits_into_messages() -> None:
    log = [event("gift", order_id=f"{n}{LONG}", at=n, repeat_count=n + 1) for n in range(1_200)]
    log += [event("gift_refunded", order_id=f"r{n}{LONG}") for n in range(3_000)]
    core = core_of(*log, rules=RULES)
    core.rows.take(core.state)
    pages = list(pack(changed_records(core.state)))
    assert max(map(len, pages)) < MESSAGE_BYTES_MAX // 2
    check_same(read(pages, core.state), core.state)
