"""Aligning fetched runs with the position of the state; a gap is asked about, never guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Refused
from scripts.recount import Record
from streams.source import Verdict, slice_run
from streams.values import Run
from tests.simulation.core import run_of
from tests.simulation.services import Probe, Source, finished

TP = ("engagement.events", 0)
offsets = st.lists(st.integers(0, 60), min_size=1, unique=True).map(sorted)


def records(*at: int) -> list[Record]:
    return [Record(*TP, offset, offset + 1_000, b"%d" % offset, b"v") for offset in at]


def verdict(next_offset: int, begins: int, exist: list[Record]) -> Verdict:
    """Ask about a run, of a broker that has these records."""
    source = Source(exist)
    source.grow_to_end()
    return finished(Probe({TP: source}).check_gap(TP, next_offset, begins))


@given(offsets, st.integers(0, 70))
def test_a_slice_is_what_is_at_or_after_the_position(at: list[int], next_offset: int) -> None:
    run = run_of(records(*at))
    left = [offset for offset in at if offset >= next_offset]
    assert slice_run(run, next_offset) == (run_of(records(*left)) if left else None)


def test_a_run_that_was_not_applied_is_passed_on_as_it_is() -> None:
    run = run_of(records(4, 5))
    assert slice_run(run, 4) is run
    assert slice_run(run, 2) is run
    assert slice_run(run, 6) is None


def test_a_slice_keeps_the_columns_together() -> None:
    sliced = slice_run(run_of(records(1, 3, 7)), 2)
    assert sliced == Run([3, 7], [1_003, 1_007], [b"3", b"7"], [b"v", b"v"])


def test_a_gap_that_the_broker_fills_is_a_lost_run() -> None:
    assert verdict(3, 7, records(1, 2, 3, 7)) is Verdict.SEEK
    assert verdict(3, 7, records(1, 2, 6, 7)) is Verdict.SEEK


def test_a_gap_that_the_broker_has_too_is_a_hole() -> None:
    assert verdict(3, 7, records(1, 2, 7)) is Verdict.APPLY


def test_a_record_that_the_broker_does_not_have_is_refused() -> None:
    with pytest.raises(Refused, match="delivered offset 7, the broker has 9 first"):
        verdict(3, 7, records(1, 2, 9))


@given(offsets, st.data())
def test_following_the_verdicts_applies_everything_once(at: list[int], data: st.DataObject) -> None:
    exist, applied, next_offset, fetch_at = records(*at), list[int](), 0, 0
    source = Source(exist)
    source.grow_to_end()
    for _ in range(200):
        if next_offset > at[-1]:
            break
        found = source.fetch(fetch_at, data.draw(st.integers(1, 4)))
        jump = data.draw(st.sampled_from(("keep", "keep", "lose", "again")))
        if not found:
            fetch_at = next_offset  # the watchdog
            continue
        fetch_at = found[0].offset if jump == "again" else found[-1].offset + 1
        if jump == "lose":
            continue
        run = slice_run(run_of(found), next_offset)
        if run is None:
            continue
        if run.offsets[0] > next_offset and verdict(next_offset, run.offsets[0], exist) is (
            Verdict.SEEK
        ):
            fetch_at = next_offset
            continue
        applied += run.offsets
        next_offset = run.offsets[-1] + 1
    assert applied == at[: len(applied)]
