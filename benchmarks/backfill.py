"""A backfill of usage and cost: requests against the fewest possible, time against what the vendor's rate allows.

The vendor grants 60 requests a minute and organisation. n requests can then not take less than a minute for every
60 that went before the last one; with a budget of b a minute the same holds for b.
"""

import time
from datetime import date, timedelta

from benchmarks.harness import Failed, Run, Tenant, module, tenant
from benchmarks.report import Aim, Table

NOW, TODAY = "2026-12-31T12:00:00Z", date(2026, 12, 31)
GRANTED, PACED = 60, 50
_WINDOW = 61


def measure(*, smoke: bool) -> list[Table]:
    users, spans = (4, (31,)) if smoke else (300, (31, 364))
    table = Table(
        "Backfill of usage and cost",
        ["days", "budget a minute", "rows", "least requests", "requests", "floor of 60 a minute, s",
         "floor of the budget, s", "wall, s", "wall by its floor"],
        measures=(
            f"Both streams of a tenant with {users} people, pulled into an empty archive, against a server that "
            f"grants {GRANTED} requests a minute, as the vendor does. Least: one request per window of 31 days "
            "for the total and ceil(groups / 1000) for the rows. Ours asks one more per stream: how fresh the "
            f"figures are. {PACED} a minute is the default, as the vendor advises; {GRANTED} is all there is. "
            "364 days: the longest span since 2026-01-01. Floor: a minute for each budget that is spent."
        ),
    )  # fmt: skip
    excess, slowest = 0.0, 0.0
    with tenant(
        per_day=10, days=1, users=users, now=NOW, lazy=True, analytics_rate_limit=0 if smoke else GRANTED
    ) as one:
        for days in spans:
            for budget in (PACED,) if smoke else (PACED, GRANTED):
                if not smoke:
                    time.sleep(_WINDOW)  # the server's minute of the run before must not be paid for by this one
                run = _pull(one, days, budget)
                said = run.said
                floor, own = (60.0 * ((said["requests"] - 1) // rate) for rate in (GRANTED, budget))
                by_floor = said["seconds"] / own if own else None
                if budget == PACED:  # at the very limit a request may be refused and sent again
                    excess = max(excess, said["requests"] - said["asked"] - said["least"])
                slowest = max(slowest, by_floor or 0.0)
                table.rows.append(
                    (days, budget, said["records"], said["least"], said["requests"], floor, own,
                     said["seconds"], by_floor)
                )  # fmt: skip
    table.aims.append(
        Aim(
            "Requests beyond the fewest and one question, at the default budget",
            excess,
            0,
            at_most=True,
            ratio=False,
        )
    )
    if slowest:
        table.aims.append(Aim("Wall time by the floor of the budget", slowest, 1.05, at_most=True, unit="x"))
    table.reads = (
        "Spans with fewer requests than the budget have no floor: they are over as soon as they are served."
    )
    return [table]


def _pull(one: Tenant, days: int, budget: int) -> Run:
    first = TODAY - timedelta(days=days)
    before = len(one.ask("requests"))
    run = module(
        "backfill_ours", "--url", one.url, "--key", one.keys["analytics"], "--first", str(first), "--now", NOW,
        "--per-minute", str(budget),
    )  # fmt: skip
    served = len(one.ask("requests")) - before
    if served != run.said["requests"]:
        raise Failed(f"the server logged {served} requests, we counted {run.said['requests']}")
    return run
