"""The demo's money: usage, cost and directory pulled, cost centres made, a month closed, another one reported.

Promise: what is printed as the vendor's total is the vendor's own ungrouped one, and not the sum of our rows.
"""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.cli.output import counted, duration

if TYPE_CHECKING:
    from assets.period_books import Bookkeeping
    from orchestration.cli.demo_steps import DemoRun
    from warehouse.finops.periods import Period
    from warehouse.finops.reconciliation import Reconciliation
    from warehouse.finops.statement import Statement

_DIRECTORY = ("users", "rbac_groups", "api_keys")


def pull_money(run: "DemoRun") -> None:
    """Usage, cost and the directory; then the customer's files of who pays, made from its groups."""
    from assets.cost_lines import months  # noqa: PLC0415
    from assets.directory_pulling import pull_snapshot  # noqa: PLC0415
    from assets.spend_pulling import pull_spend  # noqa: PLC0415
    from orchestration.demo_company import write_payers  # noqa: PLC0415
    from warehouse.anthropic.directory import SNAPSHOTS  # noqa: PLC0415
    from warehouse.anthropic.spend_queries import STREAMS  # noqa: PLC0415
    from warehouse.tables.catalog import connect  # noqa: PLC0415

    with run.progress() as progress:
        spend = [pull_spend(run.workshop, stream, progress=progress) for stream in STREAMS]
        people = [pull_snapshot(run.workshop, name) for name in SNAPSHOTS if name in _DIRECTORY]
    run.document["pulls"] = [report.as_dict() for report in (*spend, *people)]
    days = max((report.days for report in spend), default=0)
    run.output.line(
        f"pulled     {counted(sum(report.records for report in spend), 'row')} of usage and cost over "
        f"{counted(days, 'day')} in {counted(sum(report.requests for report in spend), 'request')}, "
        f"{duration(sum(report.seconds for report in spend))}; a snapshot of the directory in "
        f"{counted(sum(report.requests for report in people), 'request')}"
    )
    with connect(run.workshop.archive) as db:
        mapped = write_payers(db, run.workshop.payers, [str(month) for month in months(db)])
    run.document["cost_centers"] = mapped
    run.output.line(
        f"mapped     {counted(mapped['actors'], 'person and key', 'people and keys')} to "
        f"{counted(mapped['centers'], 'cost centre')} with budgets, from the groups of the directory"
    )


def charge(run: "DemoRun") -> None:
    """Close each month that is final, and state and report the last whole one."""
    from assets.chargeback_build import build_chargeback  # noqa: PLC0415
    from assets.period_books import bookkeeping  # noqa: PLC0415
    from assets.report_files import REPORT, write_report  # noqa: PLC0415
    from orchestration.demo_invoices import write_invoices  # noqa: PLC0415

    months = whole_months(run)
    if not months:
        run.output.line()
        run.output.line("chargeback no month is whole yet, so there is nothing to state")
        return
    shown, workshop = months[-1], run.workshop
    refreshed_at = workshop.archive.state.stream("cost").refreshed_at
    if workshop.payers.invoices is not None and refreshed_at is not None:
        write_invoices(run.tenant_url, workshop.payers.invoices, months, refreshed_at)
    with bookkeeping(workshop) as desk:
        run.output.line()
        for month in months:
            _close_if_final(run, desk, month)
        built = build_chargeback(desk)
        before = next((one for one in built.statements if one.period.next == shown), None)
        folder = workshop.reports / str(shown)
        # printing takes as long as all the rest of it; `finops report` does that too
        written = write_report(desk, shown, folder, pdf=False)
    _tell(run, written.report.statement, before)
    _tell_invoice(run, written.report.bridge)
    run.document["statement"] = written.report.statement.document() | {"files": [str(p) for p in written.files]}
    config = f"--config {run.folder.config}"
    near = _from_here(folder)
    run.places["the report"] = f"{near / REPORT}    (open it in a browser)"
    run.places["the statement"] = f"{near} (statement.xlsx, .csv, .json; journal.csv; centers/)"
    run.places["another month"] = f"{{ledgerline}} finops report {config} --period {months[0]}"


def whole_months(run: "DemoRun") -> "list[Period]":
    """The months of which every day of usage and cost was read, oldest first."""
    from assets.cost_lines import coverage  # noqa: PLC0415
    from warehouse.finops.periods import Period  # noqa: PLC0415

    last = run.workshop.clock().date()
    month, found = Period.of(run.workshop.start), []
    while month.end <= last + timedelta(days=1):
        if coverage(run.workshop.archive.state, month).complete >= set(month.days):
            found.append(month)
        month = month.next
    return found


def _from_here(path: Path) -> Path:
    """A path as short as it can be typed here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _close_if_final(run: "DemoRun", desk: "Bookkeeping", month: "Period") -> None:
    from warehouse.finops.errors import TooEarly  # noqa: PLC0415

    try:
        entry, made = desk.close(month, by="demo")
    except TooEarly:
        run.output.line(f"open       {month} is provisional: the vendor may restate it until {month.final_from}")
    else:
        run.document.setdefault("closed", []).append(str(month))
        run.output.line(
            f"closed     {month} at {made.total:,.2f} USD, its manifest in log entry {entry.seq}: final for ever"
        )


def _tell(run: "DemoRun", statement: "Statement", before: "Statement | None") -> None:
    """The statement as a table, and its tie-out."""
    earlier = before.by_center() if before else {}
    now = statement.by_center()
    rows = [
        (center, f"{earlier[center]:,.2f}" if center in earlier else "", f"{amount:,.2f}")
        for center, amount in sorted(now.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
    month, last = str(statement.period), str(before.period) if before else "month before"
    rows.append(("total", f"{before.total:,.2f}" if before else "", f"{statement.total:,.2f}"))
    run.output.line()
    run.output.line(f"What each cost centre pays for {month}, in USD ({statement.state}):")
    run.output.table(("cost centre", last, month), rows, right=(last, month))
    facts = _tied(run, statement)
    run.document["tie_out"] = facts
    run.output.line(
        f"tie-out    vendor {Decimal(facts['vendor']):,.2f} = statement {Decimal(facts['statement']):,.2f} USD, "
        f"difference {Decimal(facts['difference']):,.2f}"
        if facts["ties"]
        else f"tie-out    vendor {facts['vendor']} IS NOT statement {facts['statement']} USD, "
        f"difference {facts['difference']}"
    )
    if not facts["ties"]:
        run.wrong.append(f"the statement of {month} is not its source")


def _tell_invoice(run: "DemoRun", bridge: "Reconciliation | None") -> None:
    """The vendor's invoice beside the statement's cost."""
    if bridge is None:
        return
    run.document["invoice"] = bridge.document()
    run.output.line(
        f"invoice    {bridge.invoice_total:,.2f} USD, a line for each product: "
        f"unexplained {bridge.unexplained:,.2f}"
    )
    if not bridge.ties:
        run.wrong.append(f"the invoice of {bridge.period} is not explained")


def _tied(run: "DemoRun", statement: "Statement") -> dict[str, Any]:
    """The vendor's ungrouped total of the month beside the lines of its statement, as decimal texts in cents."""
    from assets.statement_verdicts import statement_is_the_source  # noqa: PLC0415
    from warehouse.finops.money import text, to_cents, total  # noqa: PLC0415

    verdict = statement_is_the_source(run.workshop, statement, None)
    vendor = to_cents(Decimal(verdict.facts["vendor"]))
    billed = total(line.billed for line in statement.own_lines)
    return {
        "vendor": text(vendor, 2),
        "statement": text(billed, 2),
        "difference": text(billed - vendor, 2),
        "ties": verdict.good and billed == vendor,
    }
