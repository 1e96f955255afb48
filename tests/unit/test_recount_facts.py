"""The recount's facts: what settlement is to see of a log, event by event."""

from scripts.recount.facts import Click, Deal, FollowAction, ProductView, SharedView
from tests.oracle.events import DAY_MS, T0_MS, event, invalidated
from tests.oracle.logs import count

SHOP = event("video_published", product_ids=["p1", "p2"])


def products(*log: dict[str, object]) -> dict[str, tuple[str, ...]]:
    views = count(*log).facts.product_views.values()
    return {view.event_id: view.product_ids for view in views}


def test_a_product_view_goes_by_the_publication_at_its_place() -> None:
    before, between, after = event("view"), event("view"), event("view")
    newer = event("video_published", at=1, product_ids=["p3"])
    assert products(before, SHOP, between, newer, after) == {
        between["id"]: ("p1", "p2"),
        after["id"]: ("p3",),
    }
    assert products(newer, SHOP, between) == {between["id"]: ("p3",)}


def test_a_publication_counts_until_the_place_where_it_is_taken_back() -> None:
    first, second = event("view"), event("view")
    assert products(SHOP, first, invalidated(SHOP), second) == {first["id"]: ("p1", "p2")}
    assert products(invalidated(SHOP), SHOP, first) == {}


def test_what_a_product_view_says() -> None:
    view = event("view", user_id="w", at=7)
    expected = count(SHOP, view).facts.product_views
    assert expected == {
        (0, "w", "v", view["id"], T0_MS + 7): ProductView(
            view["id"], T0_MS + 7, "w", "v", "c", ("p1", "p2")
        )
    }


def test_views_of_a_video_while_it_has_collaborators() -> None:
    shared = event("video_published", collaborators=[{"creator_id": "d", "share_bps": 9}])
    before, view, gone, alone = (event("view", user_id=who, at=7) for who in "abcd")
    no_longer = event("video_published", at=1)
    facts = count(before, shared, view, gone, invalidated(gone), no_longer, alone).facts
    assert facts.shared_views == {
        (0, "v", "b", view["id"], T0_MS + 7): SharedView(view["id"], T0_MS + 7, "b", "v")
    }


def test_invalidated_and_late_events_are_no_facts() -> None:
    view, follow, deal = event("view", feed="search"), event("follow"), event("deal_signed")
    late = event("view", feed="search", at=-2 * DAY_MS)
    facts = count(SHOP, view, follow, deal, late).facts
    assert [len(facts.search_views), len(facts.follows), len(facts.deals)] == [1, 1, 1]
    facts = count(SHOP, view, follow, deal, invalidated(view, follow, deal)).facts
    assert not (facts.product_views or facts.search_views or facts.follows or facts.deals)


def test_money_is_never_late_and_every_counted_message_is_a_row() -> None:
    old = event("order_placed", at=-9 * DAY_MS)
    facts = count(event("order_placed"), old, old, event("order_settled")).facts
    assert {place: step.type for place, step in facts.orders.items()} == {
        (0, 0): "order_placed",
        (0, 1): "order_placed",
        (0, 2): "order_placed",
        (0, 3): "order_settled",
    }


def test_clicks_deals_and_follows_say_what_their_events_say() -> None:
    click = event("affiliate_click", live_id="l")
    milestones = [{"views": 5, "share_bps": 9}]
    deal = event("deal_signed", milestones=milestones)
    unfollow = event("unfollow")
    facts = count(click, deal, unfollow).facts
    assert list(facts.clicks.values()) == [Click(click["id"], T0_MS, "u", "c", "s", "p", "", "l")]
    assert list(facts.deals.values()) == [
        Deal(deal["id"], T0_MS, "v", "d", "c", "b", 1, "USD", ((5, 9),))
    ]
    assert list(facts.follows.values()) == [
        FollowAction(unfollow["id"], T0_MS, "u", "c", following=False)
    ]
