"""Promise 3 for usage and cost: a backfill of all that the vendor serves, killed half-way and run again.

The archive is then whole, and no request was sent twice whose answer was committed before a kill.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx
import pytest

from assets.status import status
from tests.promises.conftest import tenant_process
from tests.promises.site import Site
from warehouse.archive.verify import verify
from warehouse.wire.times import parse_rfc3339

_REACH = timedelta(days=365)
Span = tuple[str, str]


@pytest.fixture(scope="module")
def tenant() -> Iterator[dict[str, Any]]:
    """Sixty people, so that a window has several pages; by the real clock, without a limit."""
    with tenant_process("--users", "60", "--days", "1", "--seed", "9", "--analytics-rate-limit", "0") as ready:
        yield ready


@dataclass
class Backfill:
    """A backfill from the oldest day that the vendor serves, and what was asked of the tenant for it."""

    site: Site
    stream: str
    committed: list[frozenset[Span]] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    @property
    def command(self) -> tuple[str, ...]:
        end = datetime.now(UTC).date()
        return "pull", self.stream, "--from", str(self.site.start), "--to", str(end), "--json"

    def requests(self) -> list[Span]:
        """The windows of the requests so far, in their order; the small question is none."""
        served = httpx.get(f"{self.site.url}/_sandbox/requests", timeout=30).json()
        own = [one for one in served if one["path"].endswith(f"/analytics/{self.stream}")]
        queries = [parse_qs(one["query"]) for one in own]
        return [(query["starting_at"][0], query["ending_at"][0]) for query in queries if query["limit"] != ["1"]]

    def kill_after(self, commits: int) -> bool:
        """Begin it and kill it once so many more windows are in the log; False where it ended before."""
        log = self.site.root / "log" / "entry"
        enough = len(self.spans()) + commits
        run = self.site.begin(*self.command)
        killed = run.kill_when(lambda: log.exists() and len(os.listdir(log)) >= enough)
        self.committed.append(self.spans())
        self.asked.append(len(self.requests()))
        return killed

    def spans(self) -> frozenset[Span]:
        """The windows of this stream that are committed."""
        entries = [json.loads(path.read_bytes()) for path in (self.site.root / "log" / "entry").glob("*.json")]
        return frozenset(
            (one["window"][0], one["window"][1])
            for one in entries
            if one["kind"] == "pull" and one.get("stream") == self.stream and one["complete"]
        )


@pytest.mark.fault(
    "A backfill of usage and cost is killed half-way.",
    area="money",
    data="Each day is there whole, once.",
    user="The process is gone.",
    recovery="Run the backfill again: it asks for no committed window a second time.",
)
@pytest.mark.parametrize("stream", ["cost", pytest.param("usage", marks=pytest.mark.slow)])
def test_a_backfill_killed_half_way_and_run_again_repeats_no_committed_request_and_is_whole(
    tenant: dict[str, Any], tmp_path: Path, stream: str
) -> None:
    today = datetime.now(UTC).date()
    first = max(date(2026, 1, 1), today - _REACH + timedelta(days=1))
    env = {"LEDGERLINE_ANALYTICS_KEY": tenant["keys"]["analytics"]}
    site = Site(tmp_path, tenant["url"], tenant["keys"]["compliance"], first, timeout=20, env=env)
    backfill = Backfill(site, stream)
    before = len(backfill.requests())
    assert backfill.kill_after(4)
    assert backfill.kill_after(3)
    ended = site.run(*backfill.command)
    assert ended.code == 0, ended.err
    report = ended.json()

    requests = backfill.requests()
    windows = -(-(today - first).days // 31)
    for held, asked in zip(backfill.committed, backfill.asked, strict=True):
        assert 0 < len(held) < windows
        assert held.isdisjoint(requests[asked:])
    assert len(requests) - backfill.asked[-1] == report["requests"] - report["asked"]
    assert backfill.spans() == set(requests[before:])
    with site.open(for_writing=False) as workshop:
        (known,) = status(workshop)["streams"]
        assert verify(workshop.archive.store, deep=True).findings == []
    assert (known["gaps"], known["dead_windows"], known["pending_fold"]) == ([], [], 0)
    assert known["covered_from"] == f"{first}T00:00:00Z"
    assert parse_rfc3339(known["covered_to"]).date() >= today - timedelta(days=1)
    if stream == "cost":
        assert_is_the_ledger(site, known["data_refreshed_at"])


def assert_is_the_ledger(site: Site, at: str) -> None:
    """Each day's cost, to the last decimal, as the tenant's ledger had it in the export that was read."""
    end = datetime.now(UTC).date()
    asked = urlencode({"start": site.start, "end": end, "by": "day", "at": at})
    truth = {
        row["day"]: Decimal(row["amount"]) / 100
        for row in httpx.get(f"{site.url}/_sandbox/spend?{asked}", timeout=60).json()
    }
    found = site.sql("select cast(day as varchar), sum(amount) from cost_rows group by day")
    assert {day: amount for day, amount in found if amount} == {day: cost for day, cost in truth.items() if cost}
