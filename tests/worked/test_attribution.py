"""Who is credited with an order of 10 February, 12:00, by hand."""

import pytest

from streams.programs.facts import Click, ProductView
from tests.worked.world import amounts, click, commissions, placed, product_view, settled

C, D, E = "c", "d", "e"


@pytest.mark.parametrize(
    ("clicks", "views", "winner"),
    [
        pytest.param([], [], None, id="nobody"),
        pytest.param([click("2024-02-03 12:00")], [], C, id="a click of exactly 7 days ago"),
        pytest.param([click("2024-02-03 11:59:59.999")], [], None, id="a moment earlier"),
        pytest.param([], [product_view("2024-02-09 12:00")], D, id="a view of exactly a day ago"),
        pytest.param([], [product_view("2024-02-09 11:59:59.999")], None, id="a moment earlier"),
        pytest.param(
            [click("2024-02-04")], [product_view("2024-02-10 11:59")], C, id="a click beats a view"
        ),
        pytest.param(
            [click("2024-02-01")], [product_view("2024-02-10 11:59")], D, id="not an expired click"
        ),
        pytest.param([click("2024-02-08"), click("2024-02-09", E)], [], E, id="the recent click"),
        pytest.param([click("2024-02-10 12:00")], [], C, id="at the moment of the order"),
        pytest.param([click("2024-02-10 12:00:00.001")], [], None, id="after the order"),
        pytest.param([click(user_id="w")], [], None, id="somebody else's click"),
        pytest.param([click(seller_id="t")], [], None, id="a click on another shop"),
        pytest.param([click(product_id="q")], [], C, id="another product of the same shop"),
        pytest.param([], [product_view("2024-02-10", product_ids=("q",))], None, id="another shop"),
        pytest.param(
            [click(user_id="w", product_id="q")],
            [product_view("2024-02-10", product_ids=("q",))],
            D,
            id="a view of a product that links tell to be of the same shop",
        ),
        pytest.param(
            [click("2024-02-10 11:30", live_id="l")], [], C, id="in a live, 30 minutes ago"
        ),
        pytest.param(
            [click("2024-02-10 11:29:59.999", live_id="l")], [], None, id="in a live, earlier"
        ),
        pytest.param(
            [click("2024-02-09", E), click("2024-02-10 11:00", live_id="l")],
            [],
            E,
            id="an expired click of a live hides nothing",
        ),
        pytest.param(
            [click("2024-02-09", E), click("2024-02-10 11:45", live_id="l")],
            [],
            C,
            id="a valid click of a live is a click",
        ),
        pytest.param(
            [click("2024-02-09", event_id="1"), click("2024-02-09", E, event_id="2")],
            [],
            E,
            id="of equal times the greater id",
        ),
        pytest.param([click(creator_id="")], [], None, id="a link of nobody"),
        pytest.param(
            [click("2024-02-09"), click("2024-02-10", "s")], [], None, id="the seller's own link"
        ),
    ],
)
def test_one_interaction_is_credited(
    clicks: list[Click], views: list[ProductView], winner: str | None
) -> None:
    for turned in (1, -1):
        found = commissions(placed(), settled(), clicks=clicks[::turned], views=views[::turned])
        assert list(amounts(found.lines)) == ([winner] if winner else [])
