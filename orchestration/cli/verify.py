"""`ledgerline verify`: replay the log and compare all that it names with what is stored."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli import moments
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output, size
from orchestration.cli.progress import Progress

if TYPE_CHECKING:
    from warehouse.archive.archive import Archive
    from warehouse.archive.note import Verifier
    from warehouse.config import Settings


def register(app: typer.Typer) -> None:
    add_command(
        app,
        "verify",
        verify,
        {
            "ledgerline verify": "the whole archive",
            "ledgerline verify --since 2026-11-01": "only objects committed from then on",
            "ledgerline verify --deep --json": "every record too, as JSON",
        },
    )


def verify(
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="T", help="Read the objects of commits from then on; the log is always read whole.",
            show_default=False,
        ),
    ] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Also recompute the root over each page's records")] = False,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:  # fmt: skip
    """Verify the archive: entries, hashes, chain, checkpoint signatures, missing, altered and foreign objects.

    Writes nothing and needs no key of the vendor. Checkpoints must be signed by the key of this configuration;
    where that key is not on this machine, by the one that the log names, and a note says so. Exit code 0: clean,
    1: findings, each with its code and object, 2: could not check.
    """
    moment = moments.past_moment(since, "--since")

    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)

    from orchestration.workshop import open_workshop  # noqa: PLC0415
    from warehouse.archive.verify import verify as verify_store  # noqa: PLC0415

    output = Output(json=json)
    with Progress("objects") as progress, open_workshop(settings, for_writing=False) as workshop:
        trusted, notes = _trusted(workshop.archive, settings)
        result = verify_store(
            workshop.archive.store, trusted=trusted, since=moment, deep=deep, on_progress=progress.reached
        )
    document = {
        "ok": result.ok,
        "checked": result.checked,
        "findings": [
            {"code": finding.code, "subject": finding.subject, "detail": finding.detail}
            for finding in result.findings
        ],
        "notes": [*notes, *result.notes],
    }
    if json:
        output.document(document)
    _show(document, output)
    return 0 if result.ok else 1


def _trusted(archive: "Archive", settings: "Settings") -> "tuple[list[Verifier] | None, list[str]]":
    """The key that may sign this archive's checkpoints, where this machine has it; else a note."""
    from orchestration.workshop import signing_key  # noqa: PLC0415
    from warehouse.archive.errors import ArchiveError, SigningKeyMissing  # noqa: PLC0415
    from warehouse.archive.note import Signer  # noqa: PLC0415
    from warehouse.config import SecretUnavailable  # noqa: PLC0415

    reference = settings.archive.signing_key
    try:
        origin = archive.refresh().origin
    except ArchiveError:
        origin = None  # the verifier meets the same trouble and names it as a finding
    if origin is None:
        return None, []
    try:
        return [Signer(origin, signing_key(reference)).verifier], []
    except (SecretUnavailable, SigningKeyMissing):
        return None, [f"the signing key ({reference}) is not on this machine: the log's own word was taken for it"]


def _show(document: dict[str, Any], output: Output) -> None:
    checked = document["checked"]
    output.line(
        f"checked {checked['entries']:,} entries, {checked['objects']:,} objects, {size(checked['bytes'])}"
        + (f", {checked['records']:,} records" if checked["records"] else "")
    )
    for note in document["notes"]:
        output.line(f"  note: {note}")
    if document["ok"]:
        output.line("clean: nothing is altered, missing or added")
    else:
        output.line(f"{len(document['findings'])} findings:")
        output.findings(document["findings"])
