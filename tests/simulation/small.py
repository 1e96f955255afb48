"""Small bounds, so that short logs have many pages, split records and complete sweeps."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from streams import pages, sweep


@contextmanager
def small_pages() -> Iterator[None]:
    """Shrink the bounds of pages and sweeps for a while."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep, "SWEEP_BYTES_MIN", 1_500)
        patch.setattr(sweep, "SLICE_BYTES_MIN", 200)
        patch.setattr(pages, "PAGE_BYTES", 600)
        patch.setattr(pages, "RECORD_BYTES_MAX", 150)
        patch.setattr(pages, "ENTRIES_SLICE", 4)
        patch.setattr(pages, "HASHES_SLICE", 3)
        yield
