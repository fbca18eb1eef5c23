"""The statement of a month as an asset: its files, its figures, and the checks that hold it to its source."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import dagster as dg
import pytest

from assets.restricting import restrict
from sandbox import Tenant, serve
from tests.assets.pipeline import Pipeline
from warehouse.finops.money import to_cents, total

HEADER = "user_email,user_id,cost_center,valid_from,valid_to"
MONTH = "2026-02-01"


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    """It is 4 March; four days of February are the days of this installation."""
    tenant = Tenant(seed=5, users=4, days=1, clock="2026-03-04T10:00:00Z", analytics_rate_limit=0)
    with serve(tenant) as served:
        made = Pipeline(served, tmp_path, date(2026, 2, 25))
        assert made.materialize("cost_rows", days=("2026-02-25", "2026-02-28")).success
        yield made


def actors(pipeline: Pipeline) -> list[str]:
    from warehouse.tables.catalog import connect

    with pipeline.open() as workshop, connect(workshop.archive) as db:
        found = db.execute(
            "select distinct actor_id from cost_rows where actor_id is not null order by 1"
        ).fetchall()
    return [actor for (actor,) in found]


def write_mapping(pipeline: Pipeline, *rows: str) -> None:
    (pipeline.folder / "cost_centers.csv").write_text("\n".join([HEADER, *rows, ""]))


def test_a_month_becomes_files_that_add_up_and_figures_in_the_ui(pipeline: Pipeline) -> None:
    write_mapping(pipeline, *(f",{actor},platform,2026-01-01," for actor in actors(pipeline)))
    run = pipeline.materialize("chargeback_statement", days=(MONTH, MONTH))
    assert run.success, run.failure
    written = json.loads((pipeline.folder / "data/reports/2026-02/statement.json").read_bytes())
    truth = pipeline.served.tenant.spend.totals(date(2026, 2, 25), date(2026, 3, 1), ())[()]
    assert Decimal(written["total"]) == to_cents(Decimal(truth.amount).scaleb(-8))
    assert total(Decimal(line["billed"]) for line in written["lines"]) == Decimal(written["total"])
    facts = run.days("chargeback_statement")[MONTH]
    assert (facts["state"], f"{facts['total USD']:.2f}") == ("provisional", written["total"])
    assert "| platform |" in facts["summary"]


def test_the_checks_say_that_it_ties_and_how_much_has_no_owner(pipeline: Pipeline) -> None:
    known = actors(pipeline)
    write_mapping(
        pipeline,
        *(f",{actor},platform,2026-01-01," for actor in known[:2]),
        f",{known[2]},data,2026-01-01,2026-02-20",
    )
    checks = pipeline.materialize("chargeback_statement", days=(MONTH, MONTH)).checks("chargeback_statement")
    assert checks["statement_is_the_source"].passed
    assert checks["statement_is_the_source"].metadata["difference"].value == "0.00000000"
    unallocated = checks["unallocated_is_small"]
    assert (unallocated.passed, unallocated.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert known[3] in str(unallocated.metadata["largest without a row"].value)
    assert not checks["leavers_cost_nothing"].passed
    assert f"{known[2]} (left 2026-02-20)" in str(checks["leavers_cost_nothing"].description)


def test_the_checks_do_not_name_a_restricted_person(pipeline: Pipeline) -> None:
    person = next(actor for actor in actors(pipeline) if actor.startswith("user_"))
    write_mapping(pipeline, f",{person},data,2026-01-01,2026-02-20")
    with pipeline.open(for_writing=True) as workshop:
        restrict(workshop, "dsr-1", [person], "request for erasure")
        workshop.archive.settle()
    checks = pipeline.materialize("chargeback_statement", days=(MONTH, MONTH)).checks("chargeback_statement")
    assert "[restricted] (left 2026-02-20)" in str(checks["leavers_cost_nothing"].description)
    assert person not in str(checks)


def test_a_mapping_with_mistakes_fails_in_plain_words_and_writes_nothing(pipeline: Pipeline) -> None:
    write_mapping(pipeline, ",,platform,2026-01-01,")
    run = pipeline.materialize("chargeback_statement", days=(MONTH, MONTH))
    assert not run.success
    assert "cost_centers.csv, row 2: it names nobody" in run.failure
    assert not (pipeline.folder / "data/reports").exists()


def test_statement_and_report_are_links_where_their_folder_is_served_and_paths_where_it_is_not(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_mapping(pipeline, *(f",{actor},platform,2026-01-01," for actor in actors(pipeline)))
    monkeypatch.delenv("LEDGERLINE_REPORTS_URL", raising=False)
    path = pipeline.materialize("chargeback_report", days=(MONTH, MONTH)).days("chargeback_report")[MONTH][
        "report"
    ]
    assert path == str(pipeline.folder / "data/reports/2026-02/report.html")
    assert "<html" in Path(path).read_text()
    monkeypatch.setenv("LEDGERLINE_REPORTS_URL", "http://127.0.0.1:3001")
    run = pipeline.materialize("chargeback_statement", "chargeback_report", days=(MONTH, MONTH))
    assert run.success, run.failure
    assert run.days("chargeback_report")[MONTH]["report"] == "http://127.0.0.1:3001/2026-02/report.html"
    assert run.days("chargeback_statement")[MONTH]["statement.xlsx"].endswith(":3001/2026-02/statement.xlsx")
