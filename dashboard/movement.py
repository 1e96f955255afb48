"""Who climbed and who fell: ranks of now against ranks of a minute ago."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

SPAN_S = 60.0
KEPT_MAX = 200

_Key = tuple[Any, ...]


@dataclass
class Movement:
    """Remembers the ranks of earlier answers to one question."""

    compare_by: tuple[str, ...]
    _kept: deque[tuple[float, dict[_Key, int]]] = field(
        default_factory=lambda: deque(maxlen=KEPT_MAX)
    )

    def tell(self, rows: Sequence[dict[str, Any]], at_s: float) -> float | None:
        """Add `moved` to every row: places climbed (positive) or fallen, None for a newcomer.

        Returns how many seconds ago the ranks compared with were read; None when there are none
        yet, and then nothing has moved.
        """
        ranks = {self._key(row): int(row["rank"]) for row in rows}
        base = self._base(at_s)
        for row in rows:
            was = None if base is None else base[1].get(self._key(row))
            row["moved"] = (0 if base is None else None) if was is None else was - int(row["rank"])
        if ranks:  # in an empty list nobody was new
            self._kept.append((at_s, ranks))
        return None if base is None else at_s - base[0]

    def _key(self, row: dict[str, Any]) -> _Key:
        return tuple(row[name] for name in self.compare_by)

    def _base(self, at_s: float) -> tuple[float, dict[_Key, int]] | None:
        """The newest ranks that are a minute old, or else the oldest that are kept."""
        while len(self._kept) > 1 and at_s - self._kept[1][0] >= SPAN_S:
            self._kept.popleft()
        return self._kept[0] if self._kept else None
