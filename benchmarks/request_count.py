"""How many requests a complete window costs, counted in the server's own log, not in ours.

The vendor serves at most 5,000 records a page: ceil(n / 5000) is the least there can be, one for an empty window.
"""

import json
import math

from benchmarks.claiming_server import claiming_more
from benchmarks.harness import Failed, Tenant, module, tenant
from benchmarks.report import Aim, Table

PAGE = 5_000
START, END = "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"
COUNTS = (0, 1, 4_999, 5_000, 5_001, 9_999, 10_000, 10_001, 25_000)
_SMALL = (1, 5_000, 5_001)


def measure(*, smoke: bool) -> list[Table]:
    counts = _SMALL if smoke else COUNTS
    table = Table(
        "Requests per complete window",
        ["records in the window", "least possible", "requests", "with a claim of more"],
        measures=(
            "A window of n records, pulled once into an empty archive; requests as the server logged them. Last "
            "column, where n is a multiple of 5,000: through a server that cannot look ahead and says of the last "
            "full page that more follows. The walk must then ask once more, and that one request is allowed."
        ),
    )
    excess = 0
    with tenant(per_day=max(counts) + 10, days=3) as one, claiming_more(one.url) as claiming:
        moments = _moments(one)
        for count in counts:
            least = max(1, math.ceil(count / PAGE))
            # the window ends just where the record after the n-th was created
            end = moments[count] if count else "2026-11-20T00:00:00.000001Z"
            plain, claimed = _requests(one, one.url, end, count), None
            excess = max(excess, plain - least)
            if count and count % PAGE == 0:
                claimed = _requests(one, claiming, end, count)
                excess = max(excess, claimed - least - 1)
            table.rows.append((count, least, plain, claimed))
    table.aims.append(Aim("Requests beyond what is allowed", excess, 0, at_most=True, ratio=False))
    table.reads = (
        "No window costs a request more than its size makes necessary."
        if excess <= 0
        else f"A window costs up to {excess} requests more than its size makes necessary."
    )
    return [table]


def _moments(one: Tenant) -> list[str]:
    """`created_at` of each record of the day, ascending."""
    lines = one.ask(f"truth?start={START}&end={END}").splitlines()
    return [json.loads(line)["created_at"] for line in lines]


def _requests(one: Tenant, url: str, end: str, count: int) -> int:
    """Pull `[START, end)` once; the requests that the tenant logged meanwhile."""
    before = len(one.ask("requests"))
    run = module("ingest_ours", "--url", url, "--key", one.key, "--start", START, "--end", end)
    if run.said["records"] != count:
        raise Failed(f"the window was to hold {count} records and held {run.said['records']}")
    return len(one.ask("requests")) - before
