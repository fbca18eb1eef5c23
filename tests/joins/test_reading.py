"""SQL over archives in folders with awkward names: a path means itself, never a pattern or a partition."""

from datetime import date
from pathlib import Path

import pytest

from sandbox import Served, Tenant, serve
from tests.promises.conftest import NOW, Command
from tests.promises.quick import pull
from tests.promises.site import Site
from warehouse.wire.times import midnight

DAY, NEXT = date(2026, 11, 20), date(2026, 11, 21)
NAMES = [
    "a[b]c",
    "a*b",
    "a?b",
    "axb",
    "type=audit",
    "dt=2020-01-01",
    "seq=7",
    "with space",
    "it's",
    "größe",
    "{x}",
]


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Served, Site]]:
    """Archives side by side, whose names match each other's patterns, each with another tenant's day."""
    folder: Path = tmp_path_factory.mktemp("names")
    made = {}
    for number, name in enumerate(NAMES):
        with serve(Tenant(seed=number, users=2, days=2, clock=NOW, events_per_day=60, rate_limit=0)) as served:
            site = Site(folder / name, served.url, served.keys["compliance"], served.tenant.first_day)
            pull(site, served, DAY, NEXT)
            made[name] = (served, site)
    return made


@pytest.mark.parametrize("name", NAMES)
def test_an_archive_shows_its_own_rows_and_columns_whatever_its_folder_is_called(
    sites: dict[str, tuple[Served, Site]], name: str
) -> None:
    served, site = sites[name]
    rows = site.sql("select raw, type, dt from audit_events order by created_at, id")
    assert [raw.encode() for raw, _, _ in rows] == served.tenant.records(midnight(DAY), midnight(NEXT))
    assert {day for _, _, day in rows} == {DAY}
    assert all(f'"type":"{kind}"' in raw for raw, kind, _ in rows)
    assert site.sql("select count(*), max(seq), min(kind) from log_entries") == [(3, 2, "pull")]
    assert [column[0] for column in site.sql("describe log_entries")][:2] == ["format", "seq"]


@pytest.mark.parametrize("name", ["type=audit", "it's"])
def test_the_command_line_answers_there_too(
    sites: dict[str, tuple[Served, Site]], name: str, ledgerline: Command
) -> None:
    served, site = sites[name]
    asked = "select count(*) as n, count(distinct type) > 1 as several from audit_events"
    (row,) = ledgerline(site, "sql", "--json", asked).json()
    assert row == {"n": len(served.tenant.records(midnight(DAY), midnight(NEXT))), "several": True}
