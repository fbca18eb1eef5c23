"""`ledgerline verify`: replay the log and compare all that it names with what is stored."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli import moments
from orchestration.cli.failures import CannotRun
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output, counted, size
from orchestration.cli.progress import Progress
from orchestration.cli.verify_record import OWN_WORD, demand_values, record_of, show_record, verdict

if TYPE_CHECKING:
    from warehouse.archive.archive import Archive
    from warehouse.archive.note import Verifier
    from warehouse.archive.pins import Pin
    from warehouse.config import Settings


LAST = "last"
MORE = "(more)"  # the subject of a finding that counts others
_SHOWN = 10  # findings of a code on a terminal


def register(app: typer.Typer) -> None:
    add_command(
        app,
        "verify",
        verify,
        {
            "ledgerline verify": "the whole archive",
            "ledgerline verify --since last": "what was added since the last clean verification on this machine",
            "ledgerline verify --since 2026-11-01": "only objects committed from then on",
            "ledgerline verify --pinned noted.txt --pinned siem.ndjson": "against checkpoints kept elsewhere",
            "ledgerline verify --key ledgerline/0123456789abcdef+...": "against a public key that you were given",
            "ledgerline verify --deep --rederive --json": "every record and every table row too, as JSON",
        },
    )


def verify(
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="T|last",
            help="Read the objects of commits from then on. `last`: go on where the last clean verification on "
            "this machine ended, without reading the log before it.",
            show_default=False,
        ),
    ] = None,
    pinned: Annotated[
        list[Path] | None,
        typer.Option(
            "--pinned", metavar="FILE",
            help="Checkpoints kept elsewhere: signed notes, JSON or NDJSON with them in a field, or a proof. "
            "May be given several times.",
            show_default=False,
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key", metavar="VKEY",
            help="The public key of the log, as `ledgerline key show` prints it; else archive.public_key, "
            "else the signing key's.",
            show_default=False,
        ),
    ] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Also recompute the root over each page's records")] = False,
    rederive: Annotated[
        bool, typer.Option("--rederive", help="Also make the rows of the tables again from the pages, and compare")
    ] = False,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:  # fmt: skip
    """Verify the archive: entries, hashes, chain, signatures, locks, missing, altered and foreign objects.

    Writes nothing to the archive and needs no key of the vendor. Checkpoints must be signed by the key that --key
    or this configuration gives; where there is none that this user can read, by the one that the log names, and a
    note says so. Exit code 0: clean, 1: findings, each with its code and object, 2: could not check all of it, or
    there is nothing to check.
    """
    demand_values([("--since", since), ("--key", key), *(("--pinned", str(path)) for path in pinned or ())])
    moment = None if since == LAST else moments.past_moment(since, "--since")

    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)
    given = _given(key, settings.archive.public_key)

    from orchestration.opening import CACHE_FILE, opened_archive, reopening  # noqa: PLC0415
    from warehouse.archive.cosignature import WitnessKey  # noqa: PLC0415
    from warehouse.archive.timestamp import reader  # noqa: PLC0415
    from warehouse.archive.verify import verify as verify_store  # noqa: PLC0415
    from warehouse.archive.verify_pins import kept_pin  # noqa: PLC0415
    from warehouse.archive.verify_start import Position, PositionFile  # noqa: PLC0415
    from warehouse.wire.times import system_clock  # noqa: PLC0415

    output = Output(json=json)
    pins = [pin for path in pinned or () for pin in _pins_in(path)]
    own = settings.archive
    with Progress("objects", "bytes") as progress, opened_archive(settings) as archive:
        trusted, notes, trust = _trusted(archive, settings, given)
        kept = PositionFile.beside(own.cache / CACHE_FILE)
        position = kept.load()
        if since == LAST and position is None:
            notes.append("no clean verification is kept on this machine: everything was looked at")
        began = system_clock()
        result = verify_store(
            archive.store,
            trusted=trusted,
            since=moment,
            position=position if since is not None else None,
            pins=pins if since is not None or position is None else [*pins, kept_pin(position)],
            deep=deep,
            retention=archive.retention,
            witnesses=[WitnessKey.from_vkey(vkey) for vkey in own.witnesses],
            timestamps=reader(own.timestamp_certificates),
            reopen=reopening(settings),
            on_progress=progress.counted,
        )
        if rederive:
            from warehouse.tables.activities import Parser  # noqa: PLC0415
            from warehouse.tables.rederive import rederive as rederive_tables  # noqa: PLC0415
            from warehouse.taxonomy import load as load_taxonomy  # noqa: PLC0415

            rederive_tables(archive, Parser(load_taxonomy()), result, on_progress=progress.counted)
    if result.ok and result.reached is not None:
        kept.save(Position(result.reached, began))
    if not pins and not result.checked["entries"] and not result.per_code["missing"]:
        _demand_something(settings, result.ok)
    document = {
        "ok": result.ok,
        "checked": result.checked,
        "findings": [
            {
                "code": finding.code,
                "subject": finding.subject,
                "detail": finding.detail,
                "next_step": finding.next_step,
            }
            for finding in result.findings
        ],
        "unread": [{"subject": unread.subject, "reason": unread.reason} for unread in result.unread],
        "notes": [*notes, *result.notes],
        **record_of(
            result,
            "--key" if key else trust,
            deep=deep,
            rederive=rederive,
        ),
    }
    if json:
        output.document(document)
    _show(document, output)
    return 2 if result.unread else 0 if result.ok else 1


def _demand_something(settings: "Settings", ok: bool) -> None:
    """Nothing of ours is there: a disk that is not mounted, or a new archive, is nothing that was verified."""
    from orchestration.opening import CACHE_FILE  # noqa: PLC0415
    from warehouse.archive.cache import StateCache  # noqa: PLC0415

    own = settings.archive
    StateCache(own.cache / CACHE_FILE).demand_unknown(own.url)
    if ok:
        raise CannotRun(
            f"there is nothing to verify: the archive at {own.url} is empty",
            remedy="check archive.url in the configuration; `ledgerline pull` begins an archive there",
            kind="archive",
        )


def _pins_in(path: Path) -> "list[Pin]":
    from warehouse.archive.pins import read_pins  # noqa: PLC0415

    return read_pins(path.read_bytes(), path.name)


def _given(key: str | None, configured: str | None) -> "Verifier | None":
    """The public key that somebody gave. Raises CannotRun."""
    from warehouse.archive.note import NoteError, Verifier  # noqa: PLC0415

    try:
        vkey = key or configured
        return Verifier.from_vkey(vkey) if vkey else None
    except NoteError as error:
        raise CannotRun(
            f"{'--key' if key else 'archive.public_key'}: {error}",
            remedy="give it as `ledgerline key show` prints it",
        ) from error


def _trusted(
    archive: "Archive", settings: "Settings", given: "Verifier | None"
) -> "tuple[list[Verifier] | None, list[str], str]":
    """The key that may sign this archive's checkpoints, where this machine has it; else a note. And where from."""
    from orchestration.opening import signing_key  # noqa: PLC0415
    from warehouse.archive.errors import (  # noqa: PLC0415
        ArchiveError,
        SigningKeyMissing,
        SigningKeyUnreadable,
    )
    from warehouse.archive.note import Signer  # noqa: PLC0415
    from warehouse.config import SecretUnavailable  # noqa: PLC0415

    reference = settings.archive.signing_key
    try:
        origin = archive.entry(0).origin
    except ArchiveError:
        origin = None  # the verifier meets the same trouble and names it as a finding
    if given is not None:
        return [given], [], "archive.public_key"
    if not isinstance(origin, str):
        return None, [], OWN_WORD
    try:
        return [Signer(origin, signing_key(reference)).verifier], [], "archive.signing_key"
    except (SecretUnavailable, SigningKeyMissing, SigningKeyUnreadable) as error:
        why = (
            "cannot be read by this user" if isinstance(error, SigningKeyUnreadable) else "is not on this machine"
        )
        return (
            None,
            [
                f"the signing key ({reference}) {why}: the log's own word was taken for it; --key or "
                f"archive.public_key "
                f"gives the public key"
            ],
            OWN_WORD,
        )


def _show(document: dict[str, Any], output: Output) -> None:
    checked = document["checked"]
    output.line(
        f"checked {counted(checked['entries'], 'entry', 'entries')}, {counted(checked['objects'], 'object')}, "
        f"{size(checked['bytes'])}" + (f", {counted(checked['records'], 'record')}" if checked["records"] else "")
    )
    show_record(document, output)
    for note in document["notes"]:
        output.line(f"  note: {note}")
    if document["unread"]:
        output.line(f"{counted(len(document['unread']), 'object')} could not be read; of these nothing is known:")
        for unread in document["unread"]:
            output.line(f"  {unread['subject']}")
            output.line(f"      {unread['reason']}")
    if document["ok"]:
        output.line(verdict(document))
    elif document["findings"]:
        output.line(f"{counted(len(document['findings']), 'finding')}:")
        _show_findings(document["findings"], output)


def _show_findings(findings: list[dict[str, Any]], output: Output) -> None:
    """The first of each code, with what to do once for all of them; `--json` has the others."""
    by_code: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for finding in findings:
        by_code.setdefault((finding["code"], finding["next_step"]), []).append(finding)
    for (code, _), same in by_code.items():
        named = [finding for finding in same if finding["subject"] != MORE]
        output.findings(named[:_SHOWN])
        if len(named) > _SHOWN:
            output.line(f"  {code}  {len(named) - _SHOWN} more are named with --json")
        output.findings([finding for finding in same if finding["subject"] == MORE])
        output.line(f"      What to do: {same[0]['next_step']}")
