"""What an experiment's report says of made-up outcomes, whose effects are known."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from scripts.world.answer import answer
from scripts.world.assumptions import CONTROL, Assumptions
from scripts.world.experiments import EXPERIMENTS, LIKES
from scripts.world.findings import Finding, findings
from scripts.world.outcomes import CHOSEN, MEASURES, Outcome
from scripts.world.reality import Likeness
from scripts.world.report import Report, Section, amount, pictures

SEEDS = (1, 2, 3, 4)
ENTRIES = {"gift": 1_200, "creator_fund": 34}
NAMES = [one.name for one in EXPERIMENTS["likes"].treatments]


def made_up() -> list[Outcome]:
    """Each dose brings 100 likes a step, 5 views a like, and 2 dollars a like; others lose 3 views."""
    outcomes = []
    for seed in SEEDS:
        for step, name in enumerate((CONTROL.name, *NAMES)):
            likes = 0 if name == "placebo" else 100 * step
            zero = dict.fromkeys(MEASURES, 1_000 + seed)
            chosen = zero | {
                "likes": zero["likes"] + likes,
                "views": zero["views"] + 5 * likes + seed % 2,
                "gift": 2_000_000 * likes,
                "earnings": zero["earnings"] + 2_000_000 * likes,
            }
            others = zero | {"views": zero["views"] - 3 * likes}
            outcomes += [
                Outcome(seed, name, "chosen", chosen),
                Outcome(seed, name, "others", others),
            ]
    return outcomes


def found() -> list[Finding]:
    return findings(made_up(), NAMES, CHOSEN.names, CONTROL.name)


def section() -> Section:
    return Section(EXPERIMENTS["likes"], SEEDS, found(), 12_345, 67.8, "abc", ENTRIES)


def report() -> Report:
    likeness = Likeness("likes per view", 0.03, 0.029, 2.0, "[PURE]")
    text = answer([section()])
    return Report([section()], Assumptions(), [likeness], text, "engage experiment", "a machine")


def test_effects_are_those_that_were_made() -> None:
    by_name = {(one.treatment, one.group, one.measure): one for one in found()}
    strongest = LIKES[-1].name
    views = by_name[strongest, "chosen", "views"]
    assert views.effect.mean == pytest.approx(1_500)
    assert views.per_1000_likes is not None
    assert views.per_1000_likes.mean == pytest.approx(5_000)
    lost = by_name[strongest, "others", "views"].per_1000_likes
    assert lost is not None
    assert lost.mean == pytest.approx(-3_000)
    assert by_name["placebo", "chosen", "views"].effect.mean == 0
    assert by_name["placebo", "chosen", "views"].per_1000_likes is None


def test_the_answer_says_what_was_found() -> None:
    text = answer([section()])
    assert "likes themselves pay nothing" in text
    assert "of 1,234 ledger entries 0 were booked for a like (gift 1,200, creator fund 34)" in text
    assert "liked 3 times as readily, 1,000 extra likes came with +5,000 [" in text
    assert "+$2,000.00" in text
    assert "the other creators had -3,000 [" in text
    assert (
        "A placebo, which changes luck and nothing else, came with +0 [+0, +0] views and "
        "+$0.00 [+$0.00, +$0.00]: no effect" in text
    )
    assert re.search(
        r"Of all its \d\d? intervals 0 leave out zero; by chance one in twenty does\.", text
    )


def test_a_control_that_shows_an_effect_is_not_passed_over() -> None:
    """The outcomes of likes that count, said to be of a world where they do not."""
    unweighted = EXPERIMENTS["likes-without-weight"]
    strongest = [one for one in found() if one.treatment == LIKES[-1].name]
    text = answer([Section(unweighted, SEEDS, strongest, 1, 1.0, "abc", {"like": 3, "gift": 4})])
    assert "an effect where none should be, so do not trust changes of this size" in text
    assert "of 7 ledger entries 3 were booked for a like" in text


def test_a_report_is_labelled_and_shows_its_assumptions_before_its_results() -> None:
    for text in (report().as_markdown(), report().as_html()):
        places = [text.index(word) for word in ("This is a simulation", "What the world assumes")]
        assert places == sorted(places)
        assert text.index("What the world assumes") < text.index(EXPERIMENTS["likes"].question[:20])
        assert "engage experiment" in text
        for name, *_ in Assumptions().rows():
            assert name in text


class Balance(HTMLParser):
    """Closes what was opened, in order; what needs no end is left out."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("meta", "rect", "line", "circle"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect", "line", "circle"):
            assert self.open.pop() == tag


def left_open(page: str) -> list[str]:
    balance = Balance()
    balance.feed(page)
    return balance.open


def test_the_page_needs_nothing_else() -> None:
    page = report().as_html()
    assert not re.search(r"""(src|href)\s*=|@import|url\(""", page)

    assert left_open(page) == []
    assert page.count("<svg") == len(NAMES) + 4


def test_doses_stand_beside_each_other() -> None:
    views = next(one for one in pictures(section()) if "views: change" in one)
    assert [name for name in NAMES if f">{name}</text>" in views] == NAMES


def test_the_committed_report_names_the_command_that_makes_it(repository: Path) -> None:
    """It is made once, on a quiet machine; it says how, what it is, and what it rests on."""
    folder = repository / "docs" / "experiments"
    text, page = ((folder / name).read_text() for name in ("report.md", "report.html"))
    assert re.search(r"^`\./scripts/engage experiment likes .*--seeds \d+ .*`$", text, re.M)
    assert "This is a simulation" in text
    assert "This is a simulation" in page
    assert not re.search(r"""(src|href)\s*=|@import|url\(""", page)
    assert left_open(page) == []


def test_the_markdown_is_made_of_whole_tables() -> None:
    """Every row of a table has as many cells as its head, or a reader sees a broken one."""
    tables = re.findall(r"(?:^\|.*\n)+", report().as_markdown(), re.M)
    assert len(tables) == 3
    for table in tables:
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(cells) == 1, table


@pytest.mark.parametrize(
    ("measure", "value", "text"),
    [
        ("views", 1_234.4, "+1,234"),
        ("views", -0.4, "+0"),
        ("views", -1.0, "-1"),
        ("gift", -4_000.0, "+$0.00"),
        ("gift", -12_345_678.0, "-$12.35"),
    ],
)
def test_changes_carry_their_sign_and_nothing_has_none(
    measure: str, value: float, text: str
) -> None:
    assert amount(measure, value, signed=True) == text
    assert amount(measure, value) == text.removeprefix("+")


def test_an_effect_that_is_not_sure_is_called_so() -> None:
    """The same in every world but for chance: the interval holds zero, and likes did not rise."""
    same = [one._replace(treatment=LIKES[-1].name) for one in found() if one.treatment == "placebo"]
    played = Section(EXPERIMENTS["likes-without-weight"], SEEDS, same, 1, 1.0, "abc", ENTRIES)
    text = answer([played])
    assert "Where likes have no say in For You: videos liked 3 times as readily" in text
    assert "(zero is within the interval of views and of money)" in text
