"""The view `top_windows` over the tables in memory: windows of 60 s, one ending every 5 s."""

from collections import Counter
from collections.abc import Iterable, Mapping

from scripts.recount.compare import Row
from tests.simulation.tables import Tables

PANE_MS = 5_000
PANES = 12  # of a window
WINDOWS = 60


def top_windows(tables: Tables, entities: Mapping[str, Iterable[tuple[str, str]]]) -> list[Row]:
    """Each pane is added to its twelve windows; `entities` are those of each video."""
    newest = max((row["max_event_time"] for row in tables.rows("partitions")), default=0) // PANE_MS
    acts: dict[tuple[int, str, str], list[str]] = {}
    for row in tables.rows("engagements"):
        if not row["counted"] or row["type"] == "reply":
            continue
        pane = row["event_time"] // PANE_MS
        for end in range(max(pane + 1, newest - WINDOWS + 1), min(pane + PANES, newest) + 1):
            for entity in entities[row["video_id"]]:
                acts.setdefault((end, *entity), []).append(row["user_id"])
    ranked: Counter[tuple[int, str]] = Counter()
    found: list[Row] = []
    sums = {key: (len(users), len(set(users))) for key, users in acts.items()}
    for key in sorted(sums, key=lambda key: (-sums[key][0], -sums[key][1], key[2])):
        ranked[key[:2]] += 1
        found.append((key[0] * PANE_MS, *key[1:], *sums[key], ranked[key[:2]]))
    return found
