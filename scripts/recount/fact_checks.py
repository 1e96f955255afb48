"""The fact tables with what the recount expects in them: rows that count, cell by cell.

They are base tables, read with FINAL. Rows of orders, clicks and registrations are named by their offset, the part
of a version below the incarnation. What was taken back (counted = 0) is not looked at: a row of it
may be there or not.
"""

from collections.abc import Mapping
from typing import Any

from scripts.recount.compare import Check, Key
from scripts.recount.expected import Expected

OFFSET_BITS = 40
_SQL = {
    "offset": f"bitAnd(version, {(1 << OFFSET_BITS) - 1})",
    "event_time": "toUnixTimestamp64Milli(event_time)",
    "registered_at": "toUnixTimestamp64Milli(registered_at)",
}
_PLACE = ("source", "offset")
_STANDING = " WHERE counted = 1"


def fact_checks(expected: Expected) -> list[Check]:
    """Return the checks of all fact tables."""
    facts = expected.facts
    whose = ("creator_id", "seller_id", "product_id", "link_id")
    order = ("type", "event_id", "event_time", "user_id", "order_id", *whose)
    paid = ("quantity", "paid_micros", "currency", "refund_micros", "reason")
    click = ("event_id", "event_time", "user_id", *whose, "live_id")
    registered = ("event_id", "event_time", "creator_id", "registered_at", "birth_date")
    return [
        _check("order_events", _PLACE, (*order, *paid), facts.orders),
        _check("affiliate_clicks", _PLACE, click, facts.clicks),
        _check("creator_registrations", _PLACE, registered, facts.registrations),
        _named("product_views", ("user_id", "video_id"), facts.product_views),
        _named("search_views", ("video_id",), facts.search_views),
        _named("shared_views", ("video_id", "user_id"), facts.shared_views),
        _named("deals", ("video_id", "deal_id"), facts.deals),
        _named("follow_actions", ("creator_id", "user_id"), facts.follows),
        _named("engagements", ("video_id",), facts.engagements),
    ]


# What a row says beside its key.
CELLS: dict[str, tuple[str, ...]] = {
    "product_views": ("creator_id", "product_ids"),
    "search_views": ("counted",),
    "shared_views": ("counted",),
    "deals": ("creator_id", "brand_id", "fee_micros", "currency", "milestones"),
    "follow_actions": ("following",),
    "engagements": ("user_id", "type", "creator_id"),
}


def _named(table: str, whose: tuple[str, ...], facts: Mapping[Any, object]) -> Check:
    """A table whose rows may be taken back, named by event id and time."""
    key = ("source", *whose, "event_id", "event_time")
    return _check(table, key, CELLS[table], facts, where=_STANDING)


def _check(
    table: str,
    key: tuple[str, ...],
    cells: tuple[str, ...],
    facts: Mapping[Any, object],
    where: str = "",
) -> Check:
    def row_of(_: Key, fact: object) -> tuple[object, ...]:
        return tuple(_cell(fact, name) for name in cells)

    selected = ", ".join(_SQL.get(name, name) for name in (*key, *cells))
    return Check(
        view=table,
        sql=f"SELECT {selected} FROM {table} FINAL{where}",
        keys=len(key),
        columns=cells,
        expected=facts,
        row_of=row_of,
    )


def _cell(fact: object, name: str) -> object:
    """Return what a column must hold."""
    if name == "counted":
        return 1
    if name in ("event_time", "registered_at"):
        name = f"{name}_ms"
    value: object = getattr(fact, name)
    if name == "milestones" and isinstance(value, tuple):
        return [f"{views}:{share_bps}" for views, share_bps in value]
    return list(value) if isinstance(value, tuple) else value
