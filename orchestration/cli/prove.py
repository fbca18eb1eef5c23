"""`ledgerline prove`: the proof of one event, or of one checkpoint being the beginning of another, as one file."""

import os
import secrets
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.failures import CannotRun
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output, size

if TYPE_CHECKING:
    from assets.proving import ProvenEvent
    from assets.workshop import Workshop
    from warehouse.archive.proof import Made

_OLD_PROOF = b"ledgerline-proof/"


def register(app: typer.Typer) -> None:
    add_command(
        app,
        "prove",
        prove,
        {
            "ledgerline prove activity_01abc --out activity_01abc.proof": "the newest version of one event",
            "ledgerline prove activity_01abc --version 1 --out first.proof": "an earlier one",
            "ledgerline prove --consistency 4100 5230 --out growth.proof": "that the log only grew in between",
            "python3 -I -S verify_proof.py activity_01abc.proof --key KEY": "what whoever gets the file runs",
        },
    )


def prove(
    event_id: Annotated[
        str | None, typer.Argument(metavar="EVENT_ID", help="As in audit_events.id.", show_default=False)
    ] = None,
    version: Annotated[
        int | None,
        typer.Option("--version", metavar="N", help="One version; the newest without it.", show_default=False),
    ] = None,
    consistency: Annotated[
        tuple[int, int] | None,
        typer.Option("--consistency", metavar="A B", help="Two checkpoint sizes, in entries.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where to write it; stdout without it.", show_default=False),
    ] = None,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:  # fmt: skip
    """Write the proof of one event as one text file that anybody can check offline, without the archive.

    It holds the record's bytes, their path in the page's tree, the entry, its path in the log, and the signed
    checkpoint. Of a withdrawn event it proves the bytes served last, and carries the later pull along. With
    --consistency it proves that the log of A entries is the beginning of the log of B entries.

    Needs no key. What is written has been checked with verify_proof.py, which is one file, needs nothing but
    Python 3.9, and lies where this command says.
    """
    if (event_id is None) == (consistency is None):
        raise CannotRun("name one event, or two checkpoints with --consistency", remedy="ledgerline prove --help")
    if version is not None and event_id is None:
        raise CannotRun("--version is of an event", remedy="ledgerline prove EVENT_ID --version N")
    if out is not None and not out.parent.is_dir():
        raise CannotRun(
            f"there is no folder {out.parent} for {out.name}", remedy="make it, or choose another --out"
        )
    if consistency is not None and not 0 < consistency[0] < consistency[1]:
        raise CannotRun(
            f"--consistency {consistency[0]} {consistency[1]}: the first size is at least 1 and below the second",
            remedy="sizes count entries; `ledgerline status --json` has the newest as `entries`",
        )

    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)

    from orchestration.workshop import open_workshop  # noqa: PLC0415

    output = Output(json=json)
    with open_workshop(settings, for_writing=False) as workshop:
        if workshop.archive.refresh().size == 0:
            raise CannotRun(
                "the archive is empty, so nothing can be proven yet",
                remedy="run `ledgerline pull activities`", kind="name",
            )  # fmt: skip
        if event_id is not None:
            proven = _event(workshop, event_id.strip(), version)
            document, made = _event_document(proven), proven.made
        else:
            assert consistency is not None
            document, made = _consistency(workshop, *consistency)
    document |= {
        "out": None if out is None else str(out),
        "bytes": len(made.text.encode()),
        "proven": made.checked.proven,
        "not_proven": made.checked.not_proven,
    }
    if out is not None:
        _write(out, made.text)
    if json:
        output.document(document if out is not None else document | {"proof": made.text})
    elif out is None:
        print(made.text, end="", file=output.out)
    else:
        _show(document, output)
    return 0


def _event(workshop: "Workshop", event_id: str, version: int | None) -> "ProvenEvent":
    from assets.proving import EventUnknown, VersionUnknown, prove_event, unfolded  # noqa: PLC0415
    from assets.status import stream_gaps  # noqa: PLC0415
    from warehouse.wire.times import midnight, rfc3339  # noqa: PLC0415

    try:
        return prove_event(workshop, event_id, version)
    except VersionUnknown as unknown:
        raise CannotRun(
            f"{event_id} has no version {version}", kind="name",
            remedy=f"it has: {', '.join(map(str, unknown.numbers))}",
        ) from unknown  # fmt: skip
    except EventUnknown as unknown:
        stream = workshop.archive.state.stream("activities")
        holes, waiting = len(stream_gaps(stream, midnight(workshop.start))), unfolded(workshop)
        covered = (
            f"it covers {rfc3339(stream.covered[0].start)} to {rfc3339(stream.covered[-1].end)} with "
            f"{holes} gap{'' if holes == 1 else 's'}"
            if stream.covered
            else "it covers nothing"
        )
        near = f" Did you mean {' or '.join(unknown.near)}?" if unknown.near else ""
        behind = f", and {waiting} pulls wait to be folded (the next pull does that)" if waiting else ""
        raise CannotRun(
            f"there is no event {event_id!r} in the archive.{near}", kind="name",
            remedy=f"an id does not tell its time, so nobody knows whether the archive covers it: {covered}"
            f"{behind}. Find events with `ledgerline sql`",
        ) from unknown  # fmt: skip


def _event_document(proven: "ProvenEvent") -> dict[str, Any]:
    asked, served, checked = proven.asked, proven.served, proven.made.checked
    return {
        "kind": "event",
        "event_id": proven.event_id,
        "version": asked.version,
        "versions": proven.versions,
        "fold": asked.fold,
        "proven_version": served.version,
        "commit_seq": served.commit_seq,
        "page": served.page,
        "position": served.position,
        "withdrawn_by": proven.withdrawn_by,
        "checkpoint": _checkpoint(checked.checkpoints[0]),
        "key": proven.made.vkey,
    }


def _consistency(workshop: "Workshop", old: int, new: int) -> "tuple[dict[str, Any], Made]":
    from assets.proving import prove_consistency  # noqa: PLC0415

    made = prove_consistency(workshop, old, new)
    heads = [_checkpoint(head) for head in made.checked.checkpoints]
    return {"kind": "consistency", "old": heads[0], "new": heads[1], "key": made.vkey, "keys": made.vkeys}, made


def _checkpoint(head: Any) -> dict[str, Any]:
    return {"origin": head.origin, "size": head.size, "root": head.base64}


def _write(path: Path, text: str) -> None:
    """Write the file whole or not at all. Takes the place of an earlier proof, and of nothing else."""
    if path.exists():
        with path.open("rb") as file:
            if file.read(len(_OLD_PROOF)) != _OLD_PROOF:
                raise CannotRun(
                    f"{path} exists and is not a proof; it was left as it is", remedy="choose another --out"
                )
    temporary = path.with_name(f".{secrets.token_hex(6)}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _show(document: dict[str, Any], output: Output) -> None:
    from warehouse.archive import verify_proof  # noqa: PLC0415

    if document["kind"] == "event":
        what = (
            f"{document['event_id']}, version {document['version']} of {document['versions']} ({document['fold']})"
        )
        if document["proven_version"] != document["version"]:
            what += f"; the bytes are those of version {document['proven_version']}, the last that was served"
        output.line(what)
    output.line("proven:")
    for line in document["proven"]:
        output.line(f"  - {line}")
    output.line("not proven:")
    for line in document["not_proven"]:
        output.line(f"  - {line}")
    output.line(f"written to {document['out']} ({size(document['bytes'])}). Anybody can check it, anywhere:")
    keys = " ".join(f"--key {key}" for key in document.get("keys") or [document["key"]])
    output.line(f"  python3 -I -S verify_proof.py {shlex.quote(document['out'])} {keys}")
    output.line(f"  verify_proof.py is {verify_proof.__file__}; give the key by another way than the file")
