"""`python -m tests.crash.worker_main FOLDER`: the product's worker, with the classes of faults.py."""

from __future__ import annotations

import sys
from pathlib import Path

from faust.stores import STORES

from streams import worker
from streams.agents import build_worker
from tests.crash.faults import FaultyPipeline, watch


def main() -> int:
    """Run until stopped, or until a fault."""
    watch(Path(sys.argv[1]))
    STORES.aliases["checkpoint"] = "tests.crash.faults:FaultyStore"
    return worker.main(lambda settings: build_worker(settings, FaultyPipeline))


if __name__ == "__main__":
    sys.exit(main())
