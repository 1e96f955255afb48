"""`python -m tests.simulation`: replay one seed, or run many and name the first that fails."""

import argparse
import logging
import sys
import time
from collections import Counter

from tests.simulation.protocol import MARKERS, MUTATIONS, RIGHT, Protocol
from tests.simulation.real_world import simulate_real
from tests.simulation.small import small_pages
from tests.simulation.world import simulate

PROTOCOLS: dict[str, Protocol] = {"transactions": RIGHT, "markers": MARKERS} | MUTATIONS


def main() -> int:
    """Return 1 when a seed fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--seed", type=int, help="replay this seed")
    which.add_argument("--seeds", metavar="A:B", help="run the seeds from A up to B")
    parser.add_argument(
        "--protocol", choices=PROTOCOLS, default="transactions", help="or one that is broken"
    )
    parser.add_argument(
        "--real", action="store_true", help="the real pipeline and store, on simulated clients"
    )
    args = parser.parse_args()
    if args.real and args.protocol in MUTATIONS:
        parser.error("--real has no broken protocols")
    run = simulate_real if args.real else simulate
    logging.disable(logging.CRITICAL)
    first, last = (
        (args.seed, args.seed + 1) if args.seeds is None else map(int, args.seeds.split(":"))
    )
    started_s = time.monotonic()
    happened: Counter[str] = Counter()
    with small_pages():
        for seed in range(first, last):
            outcome = run(seed, PROTOCOLS[args.protocol])
            happened.update(outcome.happened)
            if outcome.problems:
                print(f"seed {seed} fails ({args.protocol}):", *outcome.problems, sep="\n")
                return 1
    seconds = time.monotonic() - started_s
    print(f"{last - first} seeds in {seconds:.1f} s, all as recounted")
    print(", ".join(f"{event} {number}" for event, number in sorted(happened.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
