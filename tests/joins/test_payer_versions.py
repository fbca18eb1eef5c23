"""Who paid, as known at a moment: the customer's files recorded in the log between closes."""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from assets.payer_versions import known_at, payer_versions, record_payers, recorded
from sandbox import Tenant, serve
from tests.joins.chargeback import FEBRUARY, HEADER, Installation
from tests.promises.conftest import Command
from tests.promises.site import Site
from warehouse.archive.verify import verify

DAY = date(2026, 2, 10)


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    tenant = Tenant(seed=5, users=3, days=1, clock="2026-03-04T10:00:00Z", analytics_rate_limit=0)
    with serve(tenant) as served:
        folder = tmp_path_factory.mktemp("payers") / "site"
        made = Installation(Site(folder, served.url, served.keys["compliance"], FEBRUARY.start), served)
        made.pull(FEBRUARY)
        yield made


@pytest.fixture
def company(pulled: Installation, tmp_path: Path) -> Installation:
    folder = shutil.copytree(pulled.site.folder, tmp_path / "site")
    made = Installation(Site(folder, pulled.site.url, pulled.site.key, FEBRUARY.start), pulled.served)
    put(made, "platform")
    return made


def put(company: Installation, center: str) -> None:
    company.mapping.write_text(f"{HEADER}\nada@example.com,,{center},2026-01-01,\n")


def test_a_state_is_recorded_once_and_again_when_it_differs(company: Installation) -> None:
    with company.desk() as desk:
        assert record_payers(desk) is not None
        assert record_payers(desk) is None
    put(company, "research")
    with company.desk() as desk:
        assert record_payers(desk) is not None
        assert [one.payers.mapping.rows[0].cost_center for one in recorded(desk)] == ["platform", "research"]
    with company.site.open(for_writing=False) as workshop:
        assert verify(workshop.archive.store, deep=True).findings == []


def test_what_was_known_at_a_moment_is_answered_from_the_log_alone(company: Installation) -> None:
    with company.desk() as desk:
        record_payers(desk)
    company.served.clock.advance(3600)
    between = company.served.clock.now()
    company.served.clock.advance(3600)
    put(company, "research")
    with company.desk() as desk:
        record_payers(desk)
    company.mapping.unlink()
    for path in sorted((company.site.folder / "cache").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    with company.desk() as desk:
        states = recorded(desk)
    for moment, center in ((between, "platform"), (company.served.clock.now(), "research")):
        state = known_at(states, moment)
        assert state is not None
        placed = state.payers.mapping.place(None, "ada@example.com", DAY)
        assert placed is not None
        assert placed.shares == {center: 100}


def test_a_close_is_a_state_like_those_recorded_between_closes(company: Installation) -> None:
    with company.desk() as desk:
        desk.close(FEBRUARY, by="ana", reason="early", forced=True)
        assert record_payers(desk) is None
    put(company, "research")
    with company.desk() as desk:
        record_payers(desk)
        assert [one.by_close for one in recorded(desk)] == [True, False]
        assert len(payer_versions(desk)) == 3  # the third is that of today


def test_the_command_records_and_answers_as_known_then(company: Installation, ledgerline: Command) -> None:
    nothing = ledgerline(company.site, "finops", "mapping", "--as-of", "yesterday")
    assert (nothing.code, "--record" in nothing.err) == (2, True)
    first = ledgerline(company.site, "finops", "mapping", "--record", "--json")
    assert first.code == 0, first.err
    then = first.json()["states"][0]["recorded_at"]
    put(company, "research")
    asked = ("finops", "mapping", "--actor", "ada@example.com", "--day", str(DAY), "--json")
    assert ledgerline(company.site, *asked).json()["placed"] == {"research": "100"}
    known = ledgerline(company.site, *asked, "--as-of", then).json()
    assert known["placed"] == {"platform": "100"}
    assert [one["source"] for one in known["sources"]] == ["file"]
