"""`ledgerline finops`: a month's statement, close and corrections, the invoice, the FOCUS files, the report."""

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.finops_mapping import register_mapping
from orchestration.cli.finops_month import NO_PDF, OUT_DIR, PERIOD, begin, open_desk
from orchestration.cli.finops_outlook import register_outlook
from orchestration.cli.finops_parity import parity
from orchestration.cli.finops_report import report
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output, counted

if TYPE_CHECKING:
    from warehouse.finops.statement import Statement

BY = Annotated[
    str | None,
    typer.Option("--by", metavar="NAME", help="Who does it. Default: this machine's user.", show_default=False),
]


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        name="finops", help="Chargeback: who pays for what, month by month, to the cent.", no_args_is_help=True
    )
    add_command(
        group,
        "statement",
        statement,
        {
            "ledgerline finops statement --period 2026-10": "what each cost centre pays, and files of it",
            "ledgerline finops statement --period 2026-10 --json": "the same as one document",
        },
    )
    add_command(
        group,
        "build",
        build,
        {"ledgerline finops build": "the marts, and allocation and statements of every month as tables"},
    )
    add_command(
        group,
        "close",
        close,
        {
            "ledgerline finops close --period 2026-10": "freeze a month that is restated no more",
            'ledgerline finops close --period 2026-10 --force --reason "year end"': "earlier; both are recorded",
        },
    )
    add_command(
        group,
        "reopen",
        reopen,
        {'ledgerline finops reopen --period 2026-10 --reason "wrong rule for credits"': "audited"},
    )
    add_command(
        group,
        "reconcile",
        reconcile,
        {"ledgerline finops reconcile --period 2026-10 invoice.csv": "from our cost to the invoice, in steps"},
    )
    add_command(
        group,
        "focus",
        focus,
        {
            "ledgerline finops focus --period 2026-10 --out october.parquet": "FOCUS 1.2 rows, Parquet or CSV",
            "ledgerline finops focus --period 2026-10 --set billing-period --out periods.csv": "FOCUS 1.4",
        },
    )

    add_command(
        group,
        "report",
        report,
        {"ledgerline finops report --period 2026-10": "one page to read and forward, its files beside it"},
    )
    register_outlook(group)
    register_mapping(group)

    add_command(
        group,
        "parity",
        parity,
        {"ledgerline finops parity --from 2026-11-01": "the current API beside the legacy reports, day by day"},
    )

    @group.callback()
    def _finops() -> None:
        pass

    app.add_typer(group)


def statement(
    period: PERIOD,
    out: OUT_DIR = None,
    no_pdf: NO_PDF = False,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Show what each cost centre pays for a month, and write it: JSON, CSV, workbook, journal, PDF by centre.

    A closed month is shown as it was published, whatever was restated since. An open one is made now, from the
    rows and the files of the configuration, with the corrections of closed months that belong into it.
    """
    settings, month, output = begin(period, config, json)

    from assets.statement_files import write_statement  # noqa: PLC0415
    from warehouse.finops.pdf import missing  # noqa: PLC0415

    with open_desk(settings, for_writing=False) as desk:
        made = desk.statement(month)
        written = write_statement(made, out or desk.workshop.reports / str(month), pdf=not no_pdf)
        notes = [str(note) for note in desk.notes]
    if json:
        output.document(made.document() | {"files": [str(path) for path in written]})
    _show(made, output)
    for path in written:
        output.line(f"  written: {path}")
    if not no_pdf and (why := missing()):
        output.aside(f"note: {why}")
    for note in notes:
        output.aside(f"note: {note}")
    return 0


def build(config: CONFIG = None, json: JSON = False, debug: DEBUG = False) -> int:
    """Build the marts, and put the allocation and the statements of every month beside them, for SQL.

    Tables: fct_allocation (each row of cost by the centre that pays it, with rule and versions),
    fct_chargeback_line, fct_period; and of each month fct_forecast, fct_budget, fct_anomaly, fct_orphaned_spend,
    fct_unit_economics, fct_seat_day, fct_reconciliation, invoice_detail; and dim_cost_center,
    map_user_cost_center, map_actor_cost_center, allocation_rule, seat_contract, billing_period. Closed months are
    as they were published. Exit code 1 when a model or a test failed, 2 where the disk has no room for them.
    """
    from warehouse.config import load  # noqa: PLC0415

    settings, output = load(config), Output(json=json)

    from assets.building import build as build_marts  # noqa: PLC0415
    from assets.chargeback_build import build_chargeback  # noqa: PLC0415
    from orchestration.cli.build import show_failed  # noqa: PLC0415
    from warehouse.tables.marts.errors import BuildFailed  # noqa: PLC0415

    with open_desk(settings, for_writing=False) as desk:
        try:
            build_marts(desk.workshop)
        except BuildFailed as error:
            return show_failed(error, output)
        made = build_chargeback(desk)
    if json:
        months = [
            {"period": str(one.period), "state": one.state, "total": str(one.total), "lines": len(one.lines)}
            for one in made.statements
        ]
        output.document({"ok": True, "rows": made.rows, "periods": months})
    rows = [(str(one.period), one.state, f"{one.total:,.2f}", len(one.lines)) for one in made.statements]
    output.table(("month", "state", "USD", "lines"), rows, right=("USD", "lines"))
    for name, count in made.rows.items():
        output.line(f"{name}: {counted(count, 'row')}")
    return 0


def close(
    period: PERIOD,
    force: Annotated[bool, typer.Option("--force", help="Close although it may still change.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why, for --force.", show_default=False)] = "",
    by: BY = None,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Close a month: its statement is published, with a manifest of what it was made from, and never changes.

    Refused while the vendor may still restate the month (30 days after its end) or while a day is missing; it says
    until when. Later changes are corrections in the next open month.
    """
    settings, month, output = begin(period, config, json)
    with open_desk(settings, for_writing=True) as desk:
        entry, made = desk.close(month, by=by or getpass.getuser(), reason=reason, forced=force)
    step: dict[str, Any] = entry.period if isinstance(entry.period, dict) else {}
    if json:
        head = {name: value for name, value in made.document().items() if name not in ("lines", "versions")}
        files = [{"key": ref.key, "sha256": ref.sha256, "bytes": ref.bytes} for ref in entry.objects]
        output.document(head | {"entry": entry.seq, "files": files} | step)
    _show(made, output)
    output.line(f"closed as statement {made.number} in entry {entry.seq}; manifest {step.get('manifest_sha256')}")
    for why in step.get("because", []):
        output.line(f"  closed early although {why}")
    return 0


def reopen(
    period: PERIOD,
    reason: Annotated[str, typer.Option("--reason", help="Why. It is recorded.", show_default=False)] = "",
    by: BY = None,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Reopen a closed month: its next close publishes a further statement, which names the one it replaces.

    Refused while corrections of the month are booked in another closed one: they would count twice.
    """
    settings, month, output = begin(period, config, json)
    with open_desk(settings, for_writing=True) as desk:
        entry = desk.reopen(month, by=by or getpass.getuser(), reason=reason)
    step: dict[str, Any] = entry.period if isinstance(entry.period, dict) else {}
    if json:
        output.document({"entry": entry.seq} | step)
    number = step.get("number")
    output.line(f"{month} is reopened in entry {entry.seq}; statement {number} stands until the next close")
    return 0


def reconcile(
    period: PERIOD,
    invoice: Annotated[
        Path, typer.Argument(metavar="FILE", help="The invoice as CSV.", exists=True, dir_okay=False)
    ],
    detail: Annotated[
        Path | None,
        typer.Option("--detail", metavar="PATH", help="Write FOCUS Invoice Detail too.", show_default=False),
    ] = None,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Compare an invoice with the statement of its month, in steps with reasons.

    Exit code 1 when something is left unexplained.
    """
    settings, month, output = begin(period, config, json)

    from assets.invoices import compared, detail_file  # noqa: PLC0415
    from warehouse.finops.reconciliation import read_invoice  # noqa: PLC0415

    lines = read_invoice(invoice.read_bytes(), invoice.name, month)
    with open_desk(settings, for_writing=False) as desk:
        found = compared(desk, month, lines)
        if detail is not None:
            _write(detail, detail_file(desk, month, lines, detail))
    if json:
        output.document(found.document() | ({"detail": str(detail)} if detail else {}))
    rows = [(step.reason, f"{step.amount:,.2f}", step.explanation) for step in found.steps]
    rows += [("unexplained", f"{found.unexplained:,.2f}", ""), ("invoice", f"{found.invoice_total:,.2f}", "")]
    output.table(("step", "USD", "why"), rows, right=("USD",))
    return 0 if found.ties else 1


def focus(
    period: PERIOD,
    out: Annotated[
        Path, typer.Option("--out", metavar="PATH", help="Ends in .parquet or .csv.", show_default=False)
    ],
    dataset: Annotated[
        str, typer.Option("--set", metavar="NAME", help="cost-and-usage or billing-period.")
    ] = "cost-and-usage",
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Write a month as FOCUS rows: version 1.2 with the columns of 1.4 behind, or the 1.4 set of billing periods.

    A closed month is written as it was published. The rows add up to its statement.
    """
    from orchestration.cli.names import known  # noqa: PLC0415

    wanted = known("set", dataset, ("cost-and-usage", "billing-period"))
    settings, month, output = begin(period, config, json)

    from assets.focus_files import cost_and_usage_of, periods_of  # noqa: PLC0415
    from warehouse.finops.focus import check_ending, file_bytes  # noqa: PLC0415

    check_ending(out)
    with open_desk(settings, for_writing=False) as desk:
        table = cost_and_usage_of(desk, month) if wanted == "cost-and-usage" else periods_of(desk, month)
    _write(out, file_bytes(table, out))
    if json:
        output.document({"period": str(month), "set": wanted, "rows": table.num_rows, "file": str(out)})
    output.line(f"{out}: {table.num_rows:,} rows")
    return 0


def _write(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def _show(made: "Statement", output: Output) -> None:
    output.table(
        ("cost centre", "USD"),
        [(center, f"{amount:,.2f}") for center, amount in made.by_center().items()],
        right=("USD",),
    )
    output.line(f"{made.period} ({made.state}, statement {made.number}): {made.total:,.2f} USD")
    output.line(f"  source {made.source_total:,.8f} USD, unallocated {made.unallocated:,.2f} USD")
