"""`ledgerline evidence report`: what an auditor asks of a period, as one page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli import moments
from orchestration.cli.evidence_period import FROM, TO, period_of, signing
from orchestration.cli.failures import CannotRun
from orchestration.cli.options import CONFIG, DEBUG, JSON
from orchestration.cli.output import Output, counted

if TYPE_CHECKING:
    from warehouse.evidence.report import Report
    from warehouse.evidence.report_files import Written

EXAMPLES = {
    "ledgerline evidence report --period 2026-10 --out october.html": "a month as one file to hand out",
    "ledgerline evidence report --period 2026-10 --out october.html --proofs": "and october-proofs beside it",
    "ledgerline evidence report --from 2026-10-01 --to 2026-12-15 --out audit.html": "any other period",
}


def report(
    out: Annotated[
        Path,
        typer.Option("--out", "--output", metavar="FILE", help="A new file NAME.html.", show_default=False),
    ],
    period: Annotated[
        str | None,
        typer.Option("--period", metavar="YYYY-MM", help="A month, UTC; or --from and --to.", show_default=False),
    ] = None,
    from_: FROM = None,
    to: TO = None,
    proofs: Annotated[
        bool, typer.Option("--proofs", help="A folder NAME-proofs beside it, with a proof of each event it names.")
    ] = False,
    unsigned: Annotated[
        bool, typer.Option("--unsigned", help="With --proofs: without the signing key, so the page is not signed.")
    ] = False,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Write the evidence report of a period: one page for an auditor, without script and network.

    Completeness and what speaks against it, a calendar of coverage, what the vendor changed, who acted and who
    administers, what data moved, alerts and deliveries, each control with its evidence, and how to verify all of
    it. No clock is read: the same archive, period and program make the same bytes. Of a month that is not over it
    tells what was pulled. With --proofs each event that the page names is a link to its proof.

    Exit code 1 when something must be explained before the period can be called complete.
    """
    if period is not None and (from_ is not None or to is not None):
        raise CannotRun("--period and --from or --to are both given", remedy="a month, or two ends", kind="usage")
    if unsigned and not proofs:
        raise CannotRun(
            "--unsigned is for --proofs: the page alone is never signed", remedy="leave it out", kind="usage"
        )

    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)
    start, end = moments.window(from_, to, settings.anthropic.start)

    from assets.evidence import make_report  # noqa: PLC0415
    from orchestration.workshop import open_workshop  # noqa: PLC0415

    output = Output(json=json)
    with open_workshop(settings, for_writing=False) as workshop:
        span = period_of(workshop, start, end, period)
        with signing():
            made, written = make_report(workshop, span, out, proofs=proofs, signed=not unsigned)
    if json:
        output.document(
            made.document()
            | {
                "out": str(written.page),
                "sha256": written.sha256,
                "proofs": {"folder": str(written.folder), "files": written.proofs} if written.folder else None,
            }
        )
    _show(made, written, output)
    return 1 if made.findings else 0


def _show(made: "Report", written: "Written", output: Output) -> None:
    document = made.document()
    days, changed = document["days"], document["changes"]
    output.line(f"period     {document['period']['from']} to {document['period']['to']}")
    output.line(
        f"days       {days['complete']:,} complete, {days['partial']:,} partial, {days['missing']:,} missing; "
        f"{days['sealed']:,} sealed"
    )
    output.line(
        f"events     {document['events']:,}; {changed['revised']:,} changed by the vendor, "
        f"{changed['withdrawn']:,} withdrawn"
    )
    output.line(f"controls   {counted(len(made.controls), 'control')} with their evidence")
    if made.findings:
        output.line(f"to be explained ({len(made.findings)}):")
        output.findings(made.findings)
    else:
        output.line("nothing speaks against the completeness of this period")
    beside = f", {counted(written.proofs, 'proof')} in {written.folder}" if written.folder else ""
    output.line(f"written to {written.page}{beside}")
    output.line(f"  sha256 {written.sha256}")
