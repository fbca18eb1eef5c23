"""`python -m tests.simulation`: run seeds, or one seed again.

    --seed N            one seed, with the smallest plan that fails and its trace where it does
    --seed N --trace    the same seed as it is, with every operation
    --seeds N           so many seeds, from --first on, on all cores; --seconds T ends it in time
    --planted NAME      with one of the planted faults (`--planted list` names them)

Exit 0: no promise was broken. 1: one was. 2: usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.simulation.campaign import Tally, explained, explore, explore_widely, run_with
from tests.simulation.mutations import MUTATIONS
from tests.simulation.plan import draw


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    if options.planted == "list":
        print("\n".join(MUTATIONS))
        return 0
    if options.planted is not None and options.planted not in MUTATIONS:
        print(f"no fault is called {options.planted!r}; there are {', '.join(MUTATIONS)}", file=sys.stderr)
        return 2
    if options.seed is not None:
        return _one(options.seed, options.planted, options.trace)
    if options.planted is not None:
        tally = explore(range(options.first, options.first + options.seeds), mutation=options.planted)
    else:
        tally = explore_widely(options.first, options.seeds, seconds=options.seconds, workers=options.workers)
    _tell(tally)
    for seed in sorted(tally.failed)[:3]:
        print("\n" + explained(seed, options.planted))
    return 1 if tally.failed else 0


def _one(seed: int, planted: str | None, trace: bool) -> int:
    outcome = run_with(draw(seed), planted, trace=trace)
    if trace:
        print("\n".join([outcome.plan.as_text(), "", *outcome.trace, ""]))
        print(outcome.violation or "no promise was broken")
    elif outcome.violation is not None:
        print(explained(seed, planted))
    else:
        print(f"{outcome.plan.as_text()}\n\nno promise was broken: {outcome.figures}")
    return 1 if outcome.violation is not None else 0


def _tell(tally: Tally) -> None:
    rate = tally.seeds / tally.seconds if tally.seconds else 0.0
    print(f"{tally.seeds} seeds in {tally.seconds:.1f} s ({rate:.1f} a second), {len(tally.failed)} failed")
    for name, count in sorted(tally.happened.items()):
        print(f"  {name:24} {count}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, help="one seed")
    parser.add_argument("--trace", action="store_true", help="print every operation of it")
    parser.add_argument("--seeds", type=int, default=200, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--seconds", type=float, help="end after so long")
    parser.add_argument("--workers", type=int, help="processes (default: one for each core)")
    parser.add_argument("--planted", metavar="NAME", help="with a planted fault")
    return parser


if __name__ == "__main__":
    sys.exit(main())
