"""Claude Code's cost by its sessions, out of a real archive: telemetry received and landed beside the cost
report."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import pytest

from assets.building import build
from assets.chargeback_build import build_chargeback
from assets.claude_code import claude_code_of
from assets.outlooks import told
from assets.payers import DECLARED
from assets.report_files import REPORT, write_report
from assets.session_days import sessions_of
from assets.telemetry_landing import land_telemetry
from orchestration.telemetry_receiver import running
from sandbox import Tenant, serve
from sandbox.telemetry import Totals, play
from tests.joins.chargeback import FEBRUARY, Installation
from tests.promises.site import Site
from warehouse.finops.claude_code import ClaudeCode
from warehouse.finops.money import total
from warehouse.tables.catalog import connect
from warehouse.telemetry.inbox import Inbox
from warehouse.telemetry.receiver import Receiver

DAYS = [date(2026, 2, day) for day in (24, 25, 26)]


@dataclass
class House:
    company: Installation
    clients: Totals
    code: ClaudeCode


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("claude-code")
    tenant = Tenant(seed=7, users=60, days=2, clock="2026-03-05T10:00:00Z", analytics_rate_limit=0)
    with serve(tenant) as served:
        site = Site(folder / "site", served.url, served.keys["compliance"], FEBRUARY.start)
        company = Installation(site, served)
        company.pull(FEBRUARY)
        company.map_actors(leave_out=12)
        receiver = Receiver(Inbox(folder / "inbox"), gather_seconds=0.02)
        with running(receiver) as url:
            clients = play(tenant.world, DAYS, url)
        with company.site.open(clock=served.clock.now) as workshop:
            report = land_telemetry(workshop, [str(folder / "inbox")], settled=timedelta(0))
            assert {file["status"] for file in report.files} == {"landed"}
        with company.desk() as desk:
            code = claude_code_of(desk, desk.db, desk.prepare(FEBRUARY))
            assert code is not None
        yield House(company, clients, code)


def test_telemetry_s_estimate_is_what_the_clients_counted(house: House) -> None:
    assert house.code.summed.estimate == Decimal(house.clients.cost_micros).scaleb(-6)
    with house.company.desk() as desk:
        sessions = sessions_of(desk.db, DAYS[0], DAYS[-1])
    assert len({one.session_id for one in sessions}) == house.clients.sessions
    assert total(one.estimate for one in sessions) == house.code.summed.estimate


def test_the_work_is_what_the_clients_counted_delta_or_cumulative(house: House) -> None:
    with house.company.desk() as desk:
        from assets.claude_code import _WORK

        rows = desk.db.execute(_WORK, {"start": DAYS[0], "last": DAYS[-1]}).fetchall()
    sums = [round(sum(row[at] or 0 for row in rows)) for at in (2, 3, 4)]
    assert sums == [house.clients.commits, house.clients.pulls, house.clients.lines_added]


def test_the_cost_report_s_total_is_not_changed_by_dividing_it(house: House) -> None:
    ((reported,),) = house.company.site.sql("select sum(amount) from cost_rows where product = 'claude_code'")
    assert total(part.amount for part in house.code.parts) == reported
    assert house.code.summed.billed == reported
    for groups in (house.code.teams, house.code.repositories, house.code.declared):
        assert total(one.amount for one in groups) == reported


def test_each_kind_of_difference_is_told_with_its_reason(house: House) -> None:
    on_days = [row for row in house.code.days if row.day in DAYS]
    reasons = {row.reasons[0] for row in on_days}
    assert {"agrees", "no_telemetry", "not_in_cost_report", "no_account"} <= reasons
    assert all("discount" in row.reasons for row in on_days if row.billed)
    agreeing = [row for row in on_days if row.reasons[0] == "agrees"]
    assert len(agreeing) > len(on_days) / 2


def test_a_declared_centre_places_whom_nothing_else_does_and_never_overrules(house: House) -> None:
    with house.company.desk() as desk:
        ranks = desk.payers.mapping.ranks
        assert [rank.source for rank in ranks] == ["file", "telemetry"]
        assert DECLARED in desk.payers.files
        mapped = {row.user_id for row in ranks[0].rows}
        new = [row for row in ranks[1].rows if row.user_id and row.user_id not in mapped]
        assert new
        for row in new:
            placed = desk.payers.mapping.place(row.user_id, None, DAYS[-1])
            assert placed is not None
            assert set(placed.shares) <= {"Engineering", "Research", "Operations"} | {
                one.cost_center for one in new
            }
    assert house.code.disagreements
    assert all(one.declared not in one.pays for one in house.code.disagreements)


def test_the_report_shows_it_and_names_nobody(house: House) -> None:
    with house.company.desk() as desk:
        assert told(desk, FEBRUARY).claude_code is not None
        written = write_report(desk, FEBRUARY, house.company.site.folder / "report", pdf=False)
    page = next(path for path in written.files if path.name == REPORT).read_text(encoding="utf-8")
    assert "Claude Code, told by its telemetry" in page
    section = page[page.index('id="h-claude-code"') :].partition("</section>")[0]
    assert "@example.com" not in section
    assert "user_01" not in section
    for reason in house.code.summed.by_reason:
        assert f"<code>{reason}</code>" in section


def test_accounts_of_telemetry_are_the_people_of_the_cost_report(house: House) -> None:
    with house.company.site.open(clock=house.company.served.clock.now) as workshop:
        build(workshop, select="+dim_actor")
        with connect(workshop.archive, database=workshop.marts) as db:
            found = db.execute(
                "select count(*), count(account_uuid), bool_and(match_level = 'id'), "
                "bool_and(list_contains(seen_in, 'cost')) from dim_actor where list_contains(seen_in, 'telemetry')"
            ).fetchone()
    assert found is not None
    people, accounts, by_id, known = found
    assert people > 5
    assert accounts == people
    assert by_id
    assert known


def test_the_tables_beside_the_marts_add_up_to_the_cost_report(house: House) -> None:
    with house.company.desk() as desk:
        build_chargeback(desk)
        with connect(desk.workshop.archive, database=desk.workshop.marts) as db:
            sums = db.execute(
                "select (select sum(amount) from fct_claude_code_cost), "
                "(select sum(billed) from fct_claude_code_reconciliation), "
                "(select count(*) from fct_declared_cost_center)"
            ).fetchone()
    assert sums == (house.code.summed.billed, house.code.summed.billed, len(house.code.disagreements))
