"""Which plans come by the code that a planted fault is in: the others need not be tried, since nothing changes in
them.

Promise: a plan that is left out goes with the fault as it goes without, to the byte (`test_mutations.py`). A fault
that is not named here may show in any plan.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.simulation.plan import Plan

Reaches = Callable[[Plan], bool]


def doing(*what: str) -> Reaches:
    """Plans with such a step."""
    return lambda plan: any(step.do in what for step in plan.steps)


def of_books(plan: Plan) -> bool:
    """Plans of cost and its months."""
    return plan.books


def delivering(plan: Plan) -> bool:
    """Plans with a destination."""
    return plan.deliver


def queueing(plan: Plan) -> bool:
    """Plans whose commits are announced to a queue."""
    return plan.queue


def of_alerts(plan: Plan) -> bool:
    """Plans whose destination takes alerts."""
    return plan.alerts


def with_a_claim_of_another_log(plan: Plan) -> bool:
    """Plans in which somebody else's claim lies in the queue."""
    return any(step.do == "stranger" and step.what == "of another log" for step in plan.steps)


LIMITED: dict[str, Reaches] = {
    "position_before_acknowledgement": delivering,
    "receipts_are_forgotten": delivering,
    "restated_day_is_left": of_books,
    "partial_pull_replaces_a_day": of_books,
    "two_exports_are_added_up": of_books,
    "close_is_not_fenced": doing("close", "reopen"),
    "corrections_are_forgotten": doing("close"),
    "held_rows_are_imported_again": doing("import"),
    "hold_is_no_fence": doing("hold"),
    "claim_is_done_before_delivery": queueing,
    "another_log_is_believed": with_a_claim_of_another_log,
    "alerts_are_not_fenced": of_alerts,
    "known_alerts_are_raised_again": of_alerts,
    "joined_alerts_stay_here": of_alerts,
}


def reached(mutation: str | None, plan: Plan) -> bool:
    """Whether a plan can show a planted fault; without one, every plan counts."""
    return mutation is None or LIMITED.get(mutation, lambda _: True)(plan)
