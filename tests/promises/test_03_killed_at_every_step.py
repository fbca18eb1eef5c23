"""Promise 3: re-running any window, killed at any step, by one writer or two, loses nothing and doubles nothing.

Here every put of a run is the step at which it dies, or at which another writer does a whole run of its own. Kills
of real processes are in `test_03_killed_processes.py`.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import pytest

from assets.importing import import_audit_export
from assets.pulling import pull_activities
from assets.status import status
from assets.workshop import Workshop
from sandbox import Served, Tenant, serve
from tests.promises.conftest import NOW
from tests.promises.mortal import Counted, Died, Mortal, give
from tests.promises.quick import open_quickly
from tests.promises.site import Site
from warehouse.archive.adopt import adopt_orphans
from warehouse.archive.verify import verify
from warehouse.tables.seal import seal_settled_days
from warehouse.wire.times import midnight

FIRST, LAST, END = date(2026, 11, 19), date(2026, 11, 20), date(2026, 11, 21)
EXPORT = Path(__file__).parents[1] / "samples" / "audit_export" / "export-apostrophe.csv"

Work = Callable[[Workshop], object]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """Two people and thirty events a day; nothing is ever done to it."""
    with serve(Tenant(seed=3, users=2, days=4, clock=NOW, events_per_day=30, rate_limit=0)) as running:
        yield running


def two_days(workshop: Workshop) -> None:
    pull_activities(workshop, start=midnight(FIRST), end=midnight(END))


def half_a_day_and_a_day(workshop: Workshop) -> None:
    """Overlaps with `two_days` and is cut elsewhere."""
    pull_activities(workshop, start=midnight(FIRST) + timedelta(hours=12), end=midnight(END) - timedelta(hours=5))


def seal(workshop: Workshop) -> None:
    seal_settled_days(workshop.archive)


def an_import(workshop: Workshop) -> None:
    import_audit_export(workshop, [EXPORT])


def everything(workshop: Workshop) -> None:
    two_days(workshop)
    an_import(workshop)
    seal(workshop)


class Trial:
    """One archive after another over the same tenant, for one piece of work each."""

    def __init__(self, served: Served, folder: Path) -> None:
        self.served, self.folder, self.count = served, folder, 0

    def site(self) -> Site:
        self.count += 1
        return Site(
            self.folder / str(self.count), self.served.url, self.served.keys["compliance"],
            self.served.tenant.first_day,
        )  # fmt: skip

    def puts(self, work: Work, before: Work | None = None) -> int:
        """How many puts the work takes when nothing happens to it."""
        site = self.site()
        self.do(site, before)
        with open_quickly(site, self.served) as workshop:
            counted = Counted(site.store())
            give(workshop, counted)
            work(workshop)
            return counted.puts

    def do(self, site: Site, work: Work | None) -> None:
        if work is not None:
            with open_quickly(site, self.served) as workshop:
                work(workshop)

    def do_and_die(self, site: Site, work: Work, last: int, *, before: bool) -> None:
        with open_quickly(site, self.served) as workshop:
            give(workshop, Mortal(site.store(), last, before=before))
            with pytest.raises(Died):
                work(workshop)

    def do_amid(self, site: Site, work: Work, number: int, other: Work, last: int, *, before: bool) -> None:
        """Do the work while another writer, at put `number` of it, does `other` and dies at its put `last`."""

        def another(put: int) -> None:
            if put == number:
                with open_quickly(site, self.served) as workshop:
                    give(workshop, Mortal(site.store(), last, before=before))
                    with suppress(Died):
                        other(workshop)

        with open_quickly(site, self.served) as workshop:
            give(workshop, Counted(site.store(), another))
            work(workshop)


@pytest.fixture
def trial(served: Served, tmp_path: Path) -> Trial:
    return Trial(served, tmp_path)


def assert_whole(site: Site, served: Served, *, imported: int = 0) -> None:
    """Ground truth, each record in version 1 only, no finding, no gap, and nothing that nobody explains."""
    truth = served.tenant.records(midnight(FIRST), midnight(END))
    rows = site.sql("select raw, version, fold from audit_event_versions order by created_at, id")
    assert [raw.encode() for raw, _, _ in rows] == truth
    assert {(version, fold) for _, version, fold in rows} == {(1, "first")}
    assert site.sql("select count(*) from audit_events") == [(len(truth),)]
    if imported:
        assert site.sql("select count(*), count(distinct row_key) from audit_export_rows") == [
            (imported, imported)
        ]
    with site.open() as workshop:  # by the real clock, which dates the files
        adopt_orphans(workshop.archive, grace=timedelta(0))
    with open_quickly(site, served) as workshop:
        result = verify(workshop.archive.store, deep=True)
        assert result.findings == []
        assert not [note for note in result.notes if "no entry yet" in note]
        (stream,) = (one for one in status(workshop)["streams"] if one["stream"] == "activities")
        assert (stream["dead_windows"], stream["pending_fold"]) == ([], 0)
        assert workshop.archive.state.stream("activities").covered[-1].end == midnight(END)


def steps(total: int) -> list[tuple[int, bool]]:
    """Two of three puts, in turns before and after they take effect; the slow tests take each both ways."""
    return [(number, number % 2 == 0) for number in range(1, total + 1) if number % 3]


@pytest.mark.fault(
    "A pull is killed at any write, before or after the write took effect.",
    area="processes",
    data="Nothing is lost and nothing doubled. Objects that no entry names are signed in later.",
    user="The process is gone.",
    recovery="Run the pull again.",
)
def test_a_pull_killed_at_any_put_is_completed_by_the_next(trial: Trial, served: Served) -> None:
    for last, before in steps(trial.puts(two_days)):
        site = trial.site()
        trial.do_and_die(site, two_days, last, before=before)
        trial.do(site, two_days)
        assert_whole(site, served)


@pytest.mark.fault(
    "A second writer does a whole run between any two writes of the first.",
    area="processes",
    data="Each record is there once.",
    user="Nothing unusual.",
    recovery="Nothing.",
)
def test_another_writer_at_any_put_of_a_pull_doubles_nothing(trial: Trial, served: Served) -> None:
    for number in range(1, trial.puts(two_days) + 1, 3):
        site = trial.site()

        def another(put: int, site: Site = site, number: int = number) -> None:
            if put == number:
                trial.do(site, half_a_day_and_a_day)

        with open_quickly(site, served) as workshop:
            give(workshop, Counted(site.store(), another))
            two_days(workshop)
        assert_whole(site, served)


@pytest.mark.fault(
    "A seal is killed at any write.",
    area="processes",
    data="Readers see each row once, at every moment.",
    user="The process is gone.",
    recovery="Nothing: the next run completes the seal.",
)
def test_a_seal_killed_at_any_put_leaves_each_row_once_and_is_completed(trial: Trial, served: Served) -> None:
    total = trial.puts(seal, before=two_days)
    for last, before in steps(total):
        site = trial.site()
        trial.do(site, two_days)
        trial.do_and_die(site, seal, last, before=before)
        assert len(site.versions()) == len(served.tenant.records(midnight(FIRST), midnight(END)))
        trial.do(site, two_days)
        trial.do(site, seal)
        assert_whole(site, served)
        with site.open(for_writing=False) as workshop:
            table = workshop.archive.refresh().table("audit_events")
        assert {file.dt for file in table.sealed} == {str(FIRST), str(LAST)}
        assert {marker for marker in table.markers if not (site.root / marker).exists()} == set()


@pytest.mark.fault(
    "An import of an export file is killed at any write.",
    area="processes",
    data="Each row is there once.",
    user="The process is gone.",
    recovery="Import the file again.",
)
def test_an_import_killed_at_any_put_is_completed_by_the_next(trial: Trial, served: Served) -> None:
    site = trial.site()
    trial.do(site, an_import)
    rows = len(site.sql("from audit_export_rows"))
    assert rows > 0
    total = trial.puts(an_import, before=two_days)
    for last, before in steps(total):
        site = trial.site()
        trial.do(site, two_days)
        trial.do_and_die(site, an_import, last, before=before)
        trial.do(site, an_import)
        assert_whole(site, served, imported=rows)


@pytest.mark.slow
def test_an_import_amid_another_that_dies_doubles_no_row(trial: Trial, served: Served) -> None:
    site = trial.site()
    trial.do(site, an_import)
    rows = len(site.sql("from audit_export_rows"))
    total = trial.puts(an_import, before=two_days)
    for number in range(1, total + 1):
        for last in range(1, total + 1):
            site = trial.site()
            trial.do(site, two_days)
            trial.do_amid(site, an_import, number, an_import, last, before=False)
            trial.do(site, an_import)
            assert_whole(site, served, imported=rows)


@pytest.mark.slow
def test_a_pull_amid_another_that_dies_loses_nothing_and_doubles_nothing(trial: Trial, served: Served) -> None:
    total, of_the_other = trial.puts(two_days), trial.puts(half_a_day_and_a_day)
    for number in range(1, total + 1):
        for last in range(1, of_the_other, 2):
            site = trial.site()
            trial.do_amid(site, two_days, number, half_a_day_and_a_day, last, before=number % 2 == 0)
            trial.do(site, two_days)
            assert_whole(site, served)


@pytest.mark.slow
def test_everything_killed_at_any_put_twice_is_completed(trial: Trial, served: Served) -> None:
    total = trial.puts(everything)
    for last in range(1, total + 1):
        for before in (True, False):
            site = trial.site()
            trial.do_and_die(site, everything, last, before=before)
            trial.do_and_die(site, everything, 3, before=not before)
            trial.do(site, everything)
            assert_whole(site, served)


@pytest.mark.slow
def test_another_writer_that_does_everything_at_any_put_doubles_nothing(trial: Trial, served: Served) -> None:
    for number in range(1, trial.puts(everything) + 1):
        site = trial.site()

        def another(put: int, site: Site = site, number: int = number) -> None:
            if put == number:
                trial.do(site, half_a_day_and_a_day)
                trial.do(site, everything)

        with open_quickly(site, served) as workshop:
            give(workshop, Counted(site.store(), another))
            everything(workshop)
        assert_whole(site, served)
