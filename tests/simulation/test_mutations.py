"""Planted faults: each is found within a thousand seeds, and its smallest plan is small."""

from itertools import islice

import pytest

from tests.simulation.campaign import explained, explore, run_with
from tests.simulation.mutations import MUTATIONS
from tests.simulation.plan import draw
from tests.simulation.reaching import LIMITED, reached

WITHIN = 1000


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTATIONS)
def test_a_planted_fault_is_found(name: str) -> None:
    tally = explore(range(1, WITHIN + 1), mutation=name)
    assert tally.failed, f"{name} was not found by {WITHIN} seeds"


@pytest.mark.parametrize("name", sorted(LIMITED))
def test_a_plan_that_is_left_out_goes_with_the_fault_as_without(name: str) -> None:
    assert name in MUTATIONS
    plans = (plan for plan in map(draw, range(1, WITHIN + 1)) if not reached(name, plan))
    for plan in islice(plans, 3):
        assert run_with(plan, name).digest == run_with(plan).digest


def test_a_failing_seed_is_told_with_a_small_plan_and_the_command_to_see_it_again() -> None:
    (seed,) = explore(range(1, WITHIN + 1), mutation="page_is_written_anew").failed
    told = explained(seed, "page_is_written_anew")
    assert f"python -m tests.simulation --seed {seed} --planted page_is_written_anew --trace" in told
    assert "the smallest plan that fails so:" in told
    assert "promise 1" in told
