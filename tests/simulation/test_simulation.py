"""The promises under simulated faults: seeds that are new each time the code is, and those that once failed.

`make test-simulation` runs thousands; a failure prints the smallest plan, and the command that shows it again.
"""

import pytest

from tests.simulation.campaign import explained, explore, regressions
from tests.simulation.plan import Plan, draw
from tests.simulation.trial import run

SEEDS = 60


@pytest.mark.parametrize("first", range(1, SEEDS, 20))
def test_no_promise_is_broken_whatever_fails(first: int) -> None:
    tally = explore(range(first, first + 20))
    assert not tally.failed, "\n\n".join(explained(seed) for seed in tally.failed)
    assert tally.happened["rows"] > 20


@pytest.mark.parametrize(("what", "plan"), regressions(), ids=lambda one: one[:60] if isinstance(one, str) else "")
def test_what_once_failed_does_not_fail_again(what: str, plan: Plan) -> None:
    assert run(plan).violation is None, what


def test_a_seed_gives_the_same_trial_each_time() -> None:
    for seed in (3, 4, 5):
        once, again = run(draw(seed), trace=True), run(draw(seed), trace=True)
        assert once.trace == again.trace
        assert once.digest == again.digest
