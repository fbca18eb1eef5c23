"""The wire between us and the vendor is cut in the middle of a pull, in a network of its own: packets vanish, also
those of connections that stand, and nobody says so.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from tests.chaos.network import Network, own_network
from tests.chaos.stopping import files
from tests.promises.conftest import tenant_process
from tests.promises.site import Running, Site
from warehouse.archive.verify import verify

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Wired:
    """An installation and its tenant, in a network whose wire can be cut."""

    network: Network
    site: Site

    def begin_pull(self) -> Running:
        """A pull that has committed something and is not done."""
        run = self.site.begin("pull", "activities", preexec_fn=self.network.enter)
        deadline = time.monotonic() + 30
        while files(self.site.root / "tables") < 3:
            assert run.process.poll() is None, "the pull was over before it was cut"
            assert time.monotonic() < deadline
            time.sleep(0.001)
        return run

    def is_the_truth(self) -> bool:
        with self.site.open(for_writing=False) as workshop:
            end = workshop.archive.refresh().covered_until("activities")
        rows = self.site.sql("select raw from audit_events order by created_at, id")
        return [raw.encode() for (raw,) in rows] == self.network.inside(lambda: self.site.truth(None, end))


@pytest.fixture
def wired(tmp_path: Path) -> Iterator[Wired]:
    with own_network() as network, ExitStack() as stack:
        options = ("--users", "3", "--days", "12", "--seed", "23", "--events-per-day", "60")
        tenant = tenant_process(*options)
        ready = network.inside(lambda: stack.enter_context(tenant))
        first = date.fromisoformat(ready["first_day"])
        yield Wired(network, Site(tmp_path, ready["url"], ready["keys"]["compliance"], first, timeout=2))


@pytest.mark.fault(
    "The network is cut in the middle of a pull and stays so.",
    area="pulling",
    data="What was committed stays. The rest is a hole in the coverage.",
    user="After its tries `pull` names the windows that failed and why; exit 1.",
    recovery="Run the pull again when the network is back.",
)
def test_a_network_that_stays_cut_ends_the_pull_with_words_and_the_next_completes_it(wired: Wired) -> None:
    run = wired.begin_pull()
    wired.network.wire("down")
    ended = run.ended(timeout=180)
    assert ended.code in (1, 2)
    told = " ".join((ended.out + ended.err).split())
    assert "run the same command again" in told or "run it again" in told or "next run" in told, told
    committed = wired.site.versions()
    assert committed
    assert wired.site.run("status").code == 1  # it looks at the archive only, and names the hole
    wired.network.wire("up")
    assert wired.site.run("pull", "activities", preexec_fn=wired.network.enter).code == 0
    assert set(committed) <= set(wired.site.versions())
    assert wired.is_the_truth()
    assert verify(wired.site.store(), deep=True).findings == []


@pytest.mark.fault(
    "The network is cut in the middle of a pull and comes back.",
    area="pulling",
    data="Nothing is lost and nothing doubled.",
    user="The progress line says that it waits and tries again; exit 0.",
    recovery="Nothing.",
)
def test_a_network_that_comes_back_in_time_costs_waits_and_nothing_else(wired: Wired) -> None:
    wired.site.configure(tries=8)
    run = wired.begin_pull()
    wired.network.wire("down")
    time.sleep(6)
    wired.network.wire("up")
    ended = run.ended(timeout=180)
    assert ended.code == 0, ended.err
    assert wired.is_the_truth()
    assert verify(wired.site.store(), deep=True).findings == []
