"""The fact tables in memory, row by row as `engage audit` reads them: rows that count."""

from collections.abc import Callable
from functools import partial

from scripts.recount.compare import Row
from streams.rows import INCARNATION_SHIFT
from tests.simulation.tables import Tables

_WHOSE = ("creator_id", "seller_id", "product_id", "link_id")
_NAME = ("event_id", "event_time")
_COLUMNS: dict[str, tuple[str, ...]] = {
    "order_events": (
        *("source", "offset", "type", *_NAME, "user_id", "order_id", *_WHOSE),
        *("quantity", "paid_micros", "currency", "refund_micros", "reason"),
    ),
    "affiliate_clicks": ("source", "offset", *_NAME, "user_id", *_WHOSE, "live_id"),
    "product_views": ("source", "user_id", "video_id", *_NAME, "creator_id", "product_ids"),
    "search_views": ("source", "video_id", *_NAME, "counted"),
    "shared_views": ("source", "video_id", "user_id", *_NAME, "counted"),
    "deals": (
        *("source", "video_id", "deal_id", *_NAME, "creator_id", "brand_id", "fee_micros"),
        *("currency", "milestones"),
    ),
    "creator_registrations": (
        "source",
        "offset",
        *_NAME,
        "creator_id",
        "registered_at",
        "birth_date",
    ),
    "follow_actions": ("source", "creator_id", "user_id", *_NAME, "following"),
    "engagements": ("source", "video_id", *_NAME, "user_id", "type", "creator_id"),
}


def facts(table: str, tables: Tables) -> list[Row]:
    """Rows that count; orders and clicks with the offset that their version carries."""
    found: list[Row] = []
    for row in tables.rows(table):
        if row.get("counted", 1):
            row["offset"] = row["version"] & ((1 << INCARNATION_SHIFT) - 1)
            cells = (row[name] for name in _COLUMNS[table])
            found.append(tuple(list(c) if isinstance(c, tuple) else c for c in cells))
    return found


FACT_VIEWS: dict[str, Callable[[Tables], list[Row]]] = {
    table: partial(facts, table) for table in _COLUMNS
}
