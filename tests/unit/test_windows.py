"""Minutes as panes: opened by an offset, closed by event time, summed by whoever reads."""

from random import Random

import pytest

from streams.windows import GIFTS, LIKES, ZERO, Pane
from tests.oracle.events import MINUTE_MS, T0_MS, event, invalidated
from tests.simulation.core import INCARNATION, Core, core_of
from tests.simulation.ruleset import rule_set
from tests.simulation.tables import Row, Tables

RULES = rule_set(pane_keep_ms=2 * MINUTE_MS).pipeline
T0_MINUTE = T0_MS // MINUTE_MS


def rows_of(core: Core) -> list[Row]:
    tables = Tables()
    tables.write_all(core.flush())
    return list(tables.rows("windows_1m"))


def test_a_pane_tells_only_what_changed_since_the_last_time() -> None:
    pane, total = Pane(7, 3, "c"), list(ZERO)
    pane.counters[LIKES] = 5
    pane.take_change(total)
    pane.take_change(total)
    pane.counters[LIKES] = 4
    pane.counters[GIFTS] = 2
    pane.take_change(total)
    assert (total[LIKES], total[GIFTS]) == (4, 2)
    assert not pane.dirty


@pytest.mark.parametrize(("at", "minute"), [(0, 0), (59_999, 0), (60_000, 1), (-1, -1)])
def test_an_event_counts_in_the_minute_of_its_time(at: int, minute: int) -> None:
    (row,) = rows_of(core_of(event("like", at=at), rules=RULES))
    assert row["window_start"] == (T0_MINUTE + minute) * 60
    assert row["likes"] == 1


def test_a_row_is_named_by_the_offset_that_opened_it_and_versioned_by_the_last() -> None:
    (row,) = rows_of(core_of(event("like"), event("tick"), event("share"), rules=RULES))
    base = INCARNATION << 40
    assert (row["pane"], row["version"]) == (base, base + 2)


def test_a_late_event_opens_another_pane_of_a_minute_that_was_closed() -> None:
    young = event("like", at=10 * MINUTE_MS)
    core = core_of(event("like"), young, event("like", at=1), rules=RULES)
    assert [row["likes"] for row in rows_of(core) if row["window_start"] == T0_MS // 1000] == [1, 1]


def test_panes_leave_memory_when_event_time_goes_on() -> None:
    log = [event("like", at=n * MINUTE_MS) for n in range(50)]
    core = core_of(*log, rules=RULES)
    panes = [len(v.panes) for v in core.state.videos.values()]
    assert panes == [3]
    assert len(core.state.open_minutes) == 3
    assert len(rows_of(core)) == 50, "closed panes that were not written yet are still written"


def test_a_taken_back_event_of_a_closed_minute_is_a_small_negative_pane() -> None:
    like, young = event("like"), event("view", at=10 * MINUTE_MS)
    core = core_of(like, young, invalidated(like, at=10 * MINUTE_MS), rules=RULES)
    cells = [row["likes"] for row in rows_of(core) if row["window_start"] == T0_MS // 1000]
    assert sorted(cells) == [-1, 1]


def test_a_row_written_at_any_flush_is_the_whole_value_so_far(rng: Random) -> None:
    log = [event("like", at=rng.randrange(3 * MINUTE_MS)) for _ in range(40)]
    tables = Tables()
    for end in sorted({len(log), *(rng.randrange(40) for _ in range(6))}):
        tables.write_all(core_of(*log[:end], rules=RULES).flush())
    at_once = rows_of(core_of(*log, rules=RULES))
    assert sorted(map(str, tables.rows("windows_1m"))) == sorted(map(str, at_once))
