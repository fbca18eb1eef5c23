"""`ledgerline finops report`: a month as one page to read and forward."""

from orchestration.cli.finops_month import NO_PDF, OUT_DIR, PERIOD, begin, open_desk
from orchestration.cli.options import CONFIG, DEBUG, JSON


def report(
    period: PERIOD,
    out: OUT_DIR = None,
    no_pdf: NO_PDF = False,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Write a month as one page for people: report.html and .pdf, with the files of its statement beside it.

    The page needs no network and no script, and prints. Total, tie-out, budgets and month end, cost centres, what
    moved and why, models and products, seats, unit costs, days that stand out, what has no owner, restated days,
    corrections, and the hashes of what it was made from. Exit code 1 when the statement is not its source.
    """
    settings, month, output = begin(period, config, json)

    from assets.report_files import write_report  # noqa: PLC0415
    from warehouse.finops.pdf import missing  # noqa: PLC0415

    with open_desk(settings, for_writing=False) as desk:
        made = write_report(desk, month, out or desk.workshop.reports / str(month), pdf=not no_pdf)
        notes = [str(note) for note in desk.notes]
    statement, untied = made.report.statement, made.report.untied
    if json:
        head = {name: value for name, value in statement.document().items() if name not in ("lines", "versions")}
        output.document(head | {"difference": str(untied), "files": [str(path) for path in made.files]})
    output.line(f"{month} ({statement.state}, statement {statement.number}): {statement.total:,.2f} USD")
    output.line(f"  difference to its source {untied:,.2f} USD")
    for path in made.files:
        output.line(f"  written: {path}")
    if not no_pdf and (why := missing()):
        output.aside(f"note: {why}")
    for note in notes:
        output.aside(f"note: {note}")
    return 1 if untied else 0
