"""`ledgerline evidence`: what an auditor is handed: certificates, reports, packs, the list of controls."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli import evidence_report, moments
from orchestration.cli.evidence_period import FROM, TO, period_of, signing
from orchestration.cli.failures import CannotRun
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output, duration

if TYPE_CHECKING:
    from warehouse.evidence.certificate import Certificate


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        name="evidence", help="Make what an auditor is handed: certificates, reports, packs.", no_args_is_help=True
    )
    add_command(
        group,
        "certificate",
        certificate,
        {
            "ledgerline evidence certificate": "of all there is",
            "ledgerline evidence certificate --from 2026-10-01 --to 2026-11-01 --out october": "a month, as files",
            "python3 -I -S verify_proof.py october/certificate.proof --key KEY": "what whoever gets it runs",
        },
    )
    add_command(group, "report", evidence_report.report, evidence_report.EXAMPLES)
    add_command(
        group,
        "pack",
        pack,
        {
            "ledgerline evidence pack --control CC7.2 --from 2026-10-01 --to 2026-11-01 --out q4": "as a folder",
            "ledgerline evidence pack --control AU-6 --from 2026-10-01 --to 2026-11-01 --out q4.zip": "one file",
            "ledgerline evidence pack --control AC-2 --sample 100 --seed 'said 4711' --out ac2": "a lot of theirs",
        },
    )
    add_command(
        group,
        "controls",
        controls,
        {
            "ledgerline evidence controls": "the controls that a pack can be made for",
            "ledgerline evidence controls --json": "with what the log proves for each, and leaves open",
        },
    )

    @group.callback()
    def _evidence() -> None:
        pass

    app.add_typer(group)


def certificate(
    from_: FROM = None,
    to: TO = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="A folder for the certificate's files.", show_default=False),
    ] = None,
    unsigned: Annotated[
        bool, typer.Option("--unsigned", help="Make it without the signing key; it then proves nothing.")
    ] = False,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Certify how complete the audit records of a period are, and what speaks against it.

    It says which time was pulled and which was not, whether our own requests show up in the feed, whether the
    vendor's recording was switched off, who else used the Compliance API, what came late, what the vendor changed,
    and what nobody can know. With --out it is written as certificate.json, certificate.note (its signature),
    certificate.proof (the same for verify_proof.py) and certificate.html, a page to read and print.

    Exit code 1 when something must be explained before the period can be called complete.
    """
    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)
    start, end = moments.window(from_, to, settings.anthropic.start)

    from assets.evidence import certify  # noqa: PLC0415
    from orchestration.workshop import open_workshop  # noqa: PLC0415
    from warehouse.evidence.files import certificate_files, write_new  # noqa: PLC0415

    output = Output(json=json)
    with open_workshop(settings, for_writing=False) as workshop:
        period = period_of(workshop, start, end)
        with signing():
            made = certify(workshop, period, signed=not unsigned)
    files = certificate_files(made)
    if out is not None:
        write_new(out, files)
    if json:
        output.document(
            {
                "certificate": made.document,
                "sha256": made.sha256,
                "note": made.signed.note if made.signed else None,
                "findings": made.findings,
                "files": [str(out / name) for name in files] if out is not None else [],
            }
        )
    _show(made, out, output)
    return 1 if made.findings else 0


def pack(
    control: Annotated[
        str, typer.Option("--control", metavar="ID", help="As in `evidence controls`.", show_default=False)
    ],
    out: Annotated[
        Path,
        typer.Option("--out", metavar="DIR|ZIP", help="A new folder, or a new file NAME.zip.", show_default=False),
    ],
    from_: FROM = None,
    to: TO = None,
    sample: Annotated[
        int, typer.Option("--sample", metavar="N", min=0, max=10_000, help="How many events are proven.")
    ] = 25,
    seed: Annotated[
        str | None,
        typer.Option(
            "--seed", metavar="TEXT", help="Picks the sample; the root of the log without it.", show_default=False
        ),
    ] = None,
    unsigned: Annotated[
        bool,
        typer.Option(
            "--unsigned", help="Without the signing key: neither the pack nor its certificate is signed."
        ),
    ] = False,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Make the evidence pack of a control and a period: a BagIt bag that a stranger can check.

    It holds the events that concern the control as Parquet and CSV, the questions of the control as SQL with their
    answers, proofs of a sample picked by lot, the certificate of completeness, the signed checkpoint, the program
    that checks proofs, and a README in plain words with every command. Nothing of ours is needed to check it. The
    log's key signs all of it; with --unsigned nothing but the proofs is signed, and the README says so.

    Exit code 1 when the certificate in it has findings; they are listed.
    """
    from warehouse.evidence.controls import control as control_named  # noqa: PLC0415

    wanted = control_named(control)
    if seed is not None and (not seed.strip() or not seed.isprintable() or "`" in seed or len(seed) > 200):
        raise CannotRun(
            "--seed is up to 200 printable letters, without backticks", remedy="--seed 'the auditor said 4711'"
        )

    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)
    start, end = moments.window(from_, to, settings.anthropic.start)

    from assets.evidence import make_pack  # noqa: PLC0415
    from orchestration.workshop import open_workshop  # noqa: PLC0415

    output = Output(json=json)
    with open_workshop(settings, for_writing=False) as workshop:
        period = period_of(workshop, start, end)
        with signing():
            made = make_pack(workshop, wanted, period, out, sample=sample, seed=seed, signed=not unsigned)
    packed = made.packed
    if json:
        output.document(
            {
                "control": wanted.id,
                "period": made.certificate.document["period"],
                "out": str(out),
                "events": packed.events,
                "answers": packed.answers,
                "sample": {"size": len(packed.proven), "seed": made.seed, "ids": packed.proven},
                "checkpoint": packed.checkpoint,
                "signed": made.signed,
                "certificate": {"sha256": made.certificate.sha256, "signed": made.certificate.signed is not None},
                "findings": made.certificate.findings,
            }
        )
    output.line(f"{wanted.id}: {wanted.title} ({wanted.framework}), {period}")
    output.line(f"  {packed.events:,} events, {len(packed.proven)} of them proven (seed {made.seed})")
    for name, rows in packed.answers.items():
        output.line(f"  {name}: {rows:,} rows")
    if made.certificate.findings:
        output.line(f"the certificate in it has {len(made.certificate.findings)} findings:")
        output.findings(made.certificate.findings)
    if not made.signed:
        output.line("this pack is not signed: without the log's key only the proofs in it can be trusted")
    output.line(f"written to {out}: data/README.md says how to check all of it")
    return 1 if made.certificate.findings else 0


def controls(
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """List the controls that a pack can be made for: NIST SP 800-53, ISO/IEC 27001, SOC 2.

    With --json each has what is asked in our own words, the questions that evidence it, what the vendor's log
    proves for it, and what it leaves open. Needs no configuration.
    """
    from warehouse.evidence.controls import controls as known  # noqa: PLC0415

    output = Output(json=json)
    if json:
        output.document([one.document() for one in known().values()])
    output.table(
        ("control", "framework", "what it is about", "questions"),
        [(one.id, one.framework, one.title, len(one.questions)) for one in known().values()],
        right=("questions",),
    )
    return 0


def _show(made: "Certificate", out: Path | None, output: Output) -> None:
    document = made.document
    own, late, events = document["own_requests"], document["late"], document["events"]
    coverage = document["coverage"]
    output.line(f"period     {document['period']['from']} to {document['period']['to']}")
    output.line(
        f"covered    {duration(coverage['seconds_covered'])} in {document['pulls']['complete']:,} complete pulls"
        + (f", missing {duration(coverage['seconds_missing'])}" if coverage["gaps"] else ", without a gap")
    )
    output.line(f"events     {events['count']:,} of {events['kinds']:,} kinds")
    output.line(
        f"requests   {own['made']:,} of ours: {own['found']:,} found in the feed, {own['missing']:,} missing, "
        f"{own['waiting']:,} too young, {own['unrecorded']:,} made while the recording was off"
    )
    output.line(
        f"late       {late['count']:,} records"
        + (f", the latest by {duration(late['largest_seconds'])}" if late["count"] else "")
    )
    output.line(
        f"checkpoint {document['checkpoint']['size']:,} entries, root {document['checkpoint']['root']}"
        + ("" if made.signed else " (this certificate is not signed)")
    )
    if document["findings"]:
        output.line(f"to be explained ({len(document['findings'])}):")
        output.findings(document["findings"])
    else:
        output.line("nothing speaks against the completeness of this period")
    output.line("what nobody can know is in the certificate: cannot_know")
    if out is not None:
        output.line(f"written to {out}: certificate.html is the page to read")
