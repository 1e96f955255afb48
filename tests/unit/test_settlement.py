"""Settling: what is missing is booked once, and corrections are entries of their own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Refused, SettlementError
from streams.programs.lines import Line, Refusal, Step
from streams.programs.money import INT64_MAX
from streams.settlement import (
    RECOUNTED,
    UNSUPPORTED,
    Account,
    Booked,
    SettledEntry,
    entries_to_book,
    held_lines,
    key_of,
)
from tests.worked.ledger import Ledger


def line(video: str, amount_micros: int, creator_id: str = "c", cause: str = "") -> Line:
    return Line(
        f"creator_rewards:{video}:2024-03-01",
        1_709_251_200_000,
        creator_id,
        "creator_rewards",
        amount_micros,
        "USD",
        f"video:{video}",
        "r-2",
        (Step("qualified views", 3, "views"),),
        cause,
    )


def account(video: str, creator_id: str = "c") -> Account:
    return Account(f"creator_rewards:{video}:2024-03-01", creator_id, "USD")


def had(entries: int, amount_micros: int, rate_version: str = "r-2") -> Booked:
    return Booked(
        entries, amount_micros, 1_709_251_200_000, "creator_rewards", "video:v", rate_version
    )


def test_the_first_entry_is_final_and_says_what_the_line_says() -> None:
    (entry,) = entries_to_book([line("v", 5)], {})
    assert entry.entry_id.startswith("creator_rewards:v:2024-03-01:0-")
    assert entry == SettledEntry(
        entry.entry_id,
        1_709_251_200_000,
        "c",
        "creator_rewards",
        "final",
        5,
        "USD",
        "video:v",
        "r-2",
        "",
        "",
        (Step("qualified views", 3, "views"),),
    )


def test_settling_again_books_nothing() -> None:
    assert entries_to_book([line("v", 5)], {account("v"): had(1, 5)}) == []


def test_a_correction_is_an_adjustment_of_the_difference() -> None:
    (entry,) = entries_to_book([line("v", 3)], {account("v"): had(1, 5)})
    assert (entry.state, entry.amount_micros, entry.reason) == ("adjustment", -2, RECOUNTED)
    assert entry.entry_id.startswith("creator_rewards:v:2024-03-01:1-")
    assert entry.explanation[-1] == Step("booked before", -5, "USD")


def test_what_lessens_an_amount_is_the_reason_of_the_adjustment() -> None:
    (entry,) = entries_to_book([line("v", 3, cause="refund")], {account("v"): had(1, 5)})
    assert entry.reason == "refund"
    (more,) = entries_to_book([line("v", 9, cause="refund")], {account("v"): had(1, 5)})
    assert more.reason == RECOUNTED


def test_nothing_is_booked_for_nothing() -> None:
    assert entries_to_book([line("v", 0)], {}) == []


def test_what_no_line_supports_any_more_is_taken_back() -> None:
    (entry,) = entries_to_book([], {account("v"): had(2, 5)})
    assert (entry.amount_micros, entry.reason) == (-5, UNSUPPORTED)
    assert (entry.creator_id, entry.reference, entry.rate_version) == ("c", "video:v", "r-2")


def test_money_that_moves_to_another_creator_is_taken_back_from_the_first() -> None:
    entries = entries_to_book([line("v", 5, "d")], {account("v"): had(1, 5)})
    assert [(e.creator_id, e.state, e.amount_micros) for e in entries] == [
        ("d", "final", 5),
        ("c", "adjustment", -5),
    ]


@pytest.mark.parametrize(
    ("refusal", "left_alone"),
    [
        (Refusal("creator_rewards:v:2024-03-01", "missing_rate", ""), True),
        (Refusal("creator_rewards:v", "missing_rate", ""), True),
        (Refusal("creator_rewards", "missing_rate", "", is_whole=True), True),
        (Refusal("creator_rewards:w", "missing_rate", ""), False),
        (Refusal("creator_rewards:v:2024", "missing_rate", ""), False),
    ],
)
def test_what_nobody_knows_is_left_alone(refusal: Refusal, left_alone: bool) -> None:
    entries = entries_to_book([], {account("v"): had(1, 5)}, refusals=[refusal])
    assert (entries == []) is left_alone


def test_a_change_of_rates_is_booked_only_when_asked_for() -> None:
    booked = {account("v"): had(1, 5, "r-1")}
    assert entries_to_book([line("v", 3)], booked) == []
    assert held_lines([line("v", 3)], booked) == [line("v", 3)]
    (entry,) = entries_to_book([line("v", 3)], booked, restate=True)
    assert (entry.amount_micros, entry.reason) == (-2, "restated: rate r-2 instead of r-1")


def test_two_lines_of_one_account_are_refused() -> None:
    with pytest.raises(Refused, match="creator_rewards:v:2024-03-01: two lines for c"):
        entries_to_book([line("v", 1), line("v", 1)], {})


def test_a_difference_beyond_64_bits_is_refused() -> None:
    with pytest.raises(SettlementError, match="amount_out_of_range"):
        entries_to_book([line("v", INT64_MAX)], {account("v"): had(1, -1)})


def test_two_settlements_at_once_write_the_same_entries_in_the_same_order() -> None:
    lines = [line("w", 1), line("v", 2)]
    booked = {account("v"): had(1, 1)}
    assert entries_to_book(lines, booked) == entries_to_book(lines[::-1], booked)


def test_one_name_never_stands_for_two_contents() -> None:
    seen: dict[str, SettledEntry] = {}
    for amount in (1, 2, 3):
        for creator in ("c", "d"):
            for booked_micros in (0, 1, 5):
                booked = {account("v", creator): had(1, booked_micros)}
                for entry in entries_to_book([line("v", amount, creator)], booked):
                    assert seen.setdefault(entry.entry_id, entry) == entry
    assert len({e.entry_id for e in seen.values()}) == len(seen)


def test_two_settlements_that_saw_different_facts_are_put_right_by_the_next() -> None:
    ledger = Ledger()
    one = entries_to_book([line("v", 5)], ledger.booked())
    other = entries_to_book([line("v", 7)], ledger.booked())
    ledger.append(one)
    ledger.append(other)
    assert ledger.balances() == {("c", "USD"): 12}, "both stand, nothing is lost"
    ledger.settle([line("v", 7)])
    assert ledger.balances() == {("c", "USD"): 7}
    assert ledger.settle([line("v", 7)]) == []


@pytest.mark.parametrize(
    ("entry_id", "key"),
    [
        ("creator_rewards:v:2024-03-01:0-0123456789abcdef", "creator_rewards:v:2024-03-01"),
        ("affiliate:a%3A0-0123456789abcdef", "affiliate:a%3A0-0123456789abcdef"),
        ("gift:l:u:rose:g:refund", "gift:l:u:rose:g:refund"),
        ("sale:a\nb:12-0123456789abcdef", "sale:a\nb"),
    ],
)
def test_the_key_of_an_entry_is_read_off_its_name(entry_id: str, key: str) -> None:
    assert key_of(entry_id) == key


worths = st.lists(st.dictionaries(st.sampled_from("vwx"), st.integers(0, 9)), max_size=6)


@given(worths)
def test_after_any_changes_the_ledger_is_what_the_day_is_worth(
    changes: list[dict[str, int]],
) -> None:
    ledger = Ledger()
    worth: dict[str, int] = {}
    for change in changes:
        worth |= change
        lines = [line(video, amount) for video, amount in worth.items()]
        ledger.settle(lines)
        assert ledger.settle(lines) == []
        assert ledger.balances().get(("c", "USD"), 0) == sum(worth.values())


# Rates chosen by facts: cards


def by_card(creator_id: str, amount: int, version: str, card: str) -> Line:
    made = line("v", amount, creator_id=creator_id)
    return made._replace(rate_version=version, rate_card=card)


def test_another_rate_of_the_same_card_says_that_facts_have_changed() -> None:
    booked = {account("v"): had(1, 5, "p-20")._replace(rate_card="t p-20 9:p-10")}
    (entry,) = entries_to_book([by_card("c", 3, "p-10", "t p-20 9:p-10")], booked)
    assert (entry.amount_micros, entry.reason) == (-2, RECOUNTED)
    assert entry.rate_card == "t p-20 9:p-10"


def test_another_card_waits_even_if_it_gives_the_same_rate() -> None:
    booked = {account("v"): had(1, 5, "p-20")._replace(rate_card="t p-20")}
    wanted = by_card("c", 3, "p-20", "t2 p-20")
    assert entries_to_book([wanted], booked) == []
    assert held_lines([wanted], booked) == [wanted]
    (entry,) = entries_to_book([wanted], booked, restate=True)
    assert entry.reason.startswith("restated")


def test_with_an_account_waits_all_of_its_key() -> None:
    """c was booked at an old rate; what d would have of the same amount waits too."""
    booked = {account("v"): had(1, 5, "r-1")}
    wanted = [line("v", 0), line("v", 5, creator_id="d")]
    assert entries_to_book(wanted, booked) == []
    assert held_lines(wanted, booked) == wanted
    assert len(entries_to_book(wanted, booked, restate=True)) == 2
    nothing_left = {account("v"): had(2, 0, "r-1")}
    (entry,) = entries_to_book(wanted[1:], nothing_left)
    assert entry.creator_id == "d"
