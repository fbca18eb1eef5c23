"""`ledgerline witness`: run by a second person, who checks that the log only grew and signs that."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.failures import CannotRun
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output

if TYPE_CHECKING:
    from assets.workshop import Workshop
    from warehouse.archive.cosignature import Cosigner
    from warehouse.archive.witness import Cosigned, WitnessState
    from warehouse.config import SecretRef

STATE = Path("witness.json")


def register(app: typer.Typer) -> None:
    add_command(
        app,
        "witness",
        witness,
        {
            "ledgerline witness --init --name witness.example.com/alex --key file:witness.key": "once",
            "ledgerline witness --key file:witness.key --log-key KEY --out cosigned.checkpoint": "the first time",
            "ledgerline witness --key file:witness.key --copy git:git@example.com:audit/checkpoints.git": "daily",
        },
    )


def witness(
    key: Annotated[
        str,
        typer.Option("--key", metavar="REF", help="The witness's own key: file:PATH, env:NAME, or another.",
                     show_default=False),
    ],
    state: Annotated[
        Path, typer.Option("--state", metavar="FILE", help="Where the witness remembers what it has cosigned.")
    ] = STATE,
    init: Annotated[
        bool, typer.Option("--init", help="Make key and state, where there are none, and print the public key.")
    ] = False,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="With --init: who signs, best a domain and a path.",
                     show_default=False),
    ] = None,
    log_key: Annotated[
        str | None,
        typer.Option("--log-key", metavar="KEY", help="The first time: the log's public key, as you were told it.",
                     show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write the cosigned checkpoint there.", show_default=False),
    ] = None,
    copy: Annotated[
        list[str] | None,
        typer.Option("--copy", metavar="ADDRESS", show_default=False,
                     help="Keep it there too: file:PATH, s3://bucket/prefix, git:REPOSITORY. Repeatable."),
    ] = None,
    into_archive: Annotated[
        bool, typer.Option("--into-archive", help="Write it into the archive, where `ledgerline verify` finds it.")
    ] = False,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:  # fmt: skip
    """Check that the log only grew since the last time, and cosign its newest checkpoint.

    For a second person on a second machine, with a key of their own and read access to the archive. What was
    cosigned is kept in the state file. A log that got shorter, that has other entries than it had, or that is
    signed by a key nobody handed it to is refused: exit code 1, and nothing is signed.
    """
    if name is not None and not init:
        raise CannotRun("--name goes with --init", remedy="ledgerline witness --help")
    output = Output(json=json)
    reference = _reference(key)
    if init:
        return _init(reference, state, name, output)

    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)

    from orchestration.workshop import open_workshop  # noqa: PLC0415
    from warehouse.archive.witness import Refused, WitnessState, cosign_newest  # noqa: PLC0415

    _checked_key(log_key)
    with WitnessState.alone(state), open_workshop(settings, for_writing=False) as workshop:
        memory, cosigner = _remembered(state, reference)
        try:
            done = cosign_newest(workshop.archive, memory, cosigner, log_key)
        except Refused as refused:
            return _refuse(refused, output, first=memory.seen is None, told=log_key is not None)
        kept = _keep(done, cosigner, workshop, out, copy or [], into_archive=into_archive)
    document = {
        "ok": True,
        "origin": done.checkpoint.origin,
        "size": done.checkpoint.size,
        "root": done.checkpoint.text.splitlines()[2],
        "before": done.before,
        "key": done.key,
        "handed_over": done.handed_over,
        "witness": cosigner.key.vkey,
        "cosigned_at": done.at,
        "kept": kept,
        "findings": [],
    }
    if json:
        output.document(document | {"note": done.note})
    elif not kept:
        print(done.note, end="", file=output.out)
        _tell(done, output.aside)
    else:
        _tell(done, output.line)
        for place in kept:
            output.line(f"  {place['outcome']}  {place['place']}  {place['name']}")
    return 0


def _init(reference: "SecretRef", path: Path, name: str | None, output: Output) -> int:
    """Make what is missing; nothing that exists is touched."""
    from warehouse.archive.cosignature import Cosigner  # noqa: PLC0415
    from warehouse.archive.signing import create_key  # noqa: PLC0415
    from warehouse.archive.witness import WitnessState  # noqa: PLC0415

    if not name or "+" in name or not name.isprintable() or any(letter.isspace() for letter in name):
        raise CannotRun(
            "--init needs --name: who signs, without spaces and without a plus",
            remedy="for instance: --name witness.example.com/alex",
        )
    made = []
    if reference.path is not None and not reference.path.exists():
        create_key(reference.path)
        made.append(str(reference.path))
    vkey = Cosigner(name, _private_key(reference)).key.vkey
    if path.exists():
        there = WitnessState.load(path).witness
        if there != vkey:
            raise CannotRun(
                f"{path} is the state of another witness: {there}", remedy="name another --state", kind="archive"
            )
    else:
        WitnessState(path, vkey).save()
        made.append(str(path))
    if output.json:
        output.document({"witness": vkey, "created": made})
    for file in made:
        output.line(f"created  {file}")
    output.line("The public key of this witness; whoever runs the archive adds it to [archive] witnesses:")
    output.line(f"  {vkey}")
    return 0


def _remembered(path: Path, reference: "SecretRef") -> "tuple[WitnessState, Cosigner]":
    from warehouse.archive.cosignature import Cosigner, WitnessKey  # noqa: PLC0415
    from warehouse.archive.witness import WitnessState  # noqa: PLC0415

    try:
        memory = WitnessState.load(path)
    except FileNotFoundError:
        raise CannotRun(
            f"there is no {path}, in which a witness remembers what it has cosigned",
            remedy="the first time: ledgerline witness --init --name NAME --key REF. If there was one, restore "
            "it: without it, a log that was cut off looks like any other",
            kind="archive",
        ) from None
    cosigner = Cosigner(WitnessKey.from_vkey(memory.witness).name, _private_key(reference))
    if cosigner.key.vkey != memory.witness:
        raise CannotRun(
            f"the key {reference} is {cosigner.key.vkey}, and {path} belongs to {memory.witness}",
            remedy="name the key that this state was made with", kind="archive",
        )  # fmt: skip
    return memory, cosigner


def _private_key(reference: "SecretRef") -> Any:
    from orchestration.workshop import signing_key  # noqa: PLC0415

    return signing_key(reference)


def _reference(text: str) -> "SecretRef":
    from warehouse.config import SecretRef  # noqa: PLC0415

    try:
        return SecretRef(text, base=Path.cwd())
    except ValueError:
        raise CannotRun("--key is not a reference to a key", remedy="write file:PATH or env:NAME") from None


def _checked_key(log_key: str | None) -> None:
    from warehouse.archive.note import NoteError, Verifier  # noqa: PLC0415

    try:
        if log_key is not None:
            Verifier.from_vkey(log_key)
    except NoteError as error:
        raise CannotRun(f"--log-key: {error}", remedy="`ledgerline key show` prints it") from None


def _refuse(refused: Any, output: Output, *, first: bool, told: bool) -> int:
    """Say it loudly. `first`: nothing was cosigned before; `told`: the log's key was given with --log-key."""
    finding = {"code": refused.code, "subject": refused.subject, "detail": refused.detail}
    if output.json:
        output.document({"ok": False, "findings": [finding]})
    if not first:
        output.line("REFUSED: this log is not the continuation of what was cosigned before. Nothing was signed.")
    elif told and refused.code == "foreign_key":
        output.line("REFUSED: this log is signed by another key than --log-key. Nothing was cosigned.")
    else:
        output.line("REFUSED: this log cannot be checked. Nothing was cosigned.")
    output.findings([finding])
    if first:
        output.line(
            "Ask the archive's owner again for the log's key (`ledgerline key show`), and tell what you saw."
        )
    else:
        output.line(
            "Tell the archive's owner and whoever relies on it, and keep the state file: it is the evidence."
        )
    return 1


def _keep(
    done: "Cosigned",
    cosigner: "Cosigner",
    workshop: "Workshop",
    out: Path | None,
    addresses: list[str],
    *,
    into_archive: bool,
) -> list[dict[str, str]]:
    """Write the cosigned note to each place; what one of them refuses ends the command, signed as it is."""
    from warehouse.archive import keys  # noqa: PLC0415
    from warehouse.archive.copies import cosigned_copy  # noqa: PLC0415

    digest, size = cosigner.key.key_hash, done.checkpoint.size
    kept = []
    if out is not None:
        temporary = out.with_name(f".{out.name}.tmp")
        temporary.write_text(done.note, encoding="utf-8", newline="\n")
        temporary.replace(out)
        kept.append({"place": "--out", "name": str(out), "outcome": "written"})
    if into_archive:
        name = keys.cosignature(size, digest)
        stored = workshop.archive.put_beside(name, done.note.encode())
        kept.append(
            {"place": workshop.archive.store.url, "name": name, "outcome": "written" if stored else "there"}
        )
    for address in addresses:
        place = workshop.anchors.place(address)
        name = cosigned_copy(done.checkpoint.origin, size, digest)
        outcome = place.add({name: done.note.encode()})[name]
        # A note of an earlier time under the same name is this witness's own, of a run that was repeated.
        kept.append({"place": place.url, "name": name, "outcome": "written" if outcome == "written" else "there"})
    return kept


def _tell(done: "Cosigned", say: Any) -> None:
    grown = (
        "for the first time: compare the log's key with the one that its owner gave you"
        if done.before is None
        else f"it continues the {done.before} entries cosigned before"
    )
    say(f"cosigned {done.checkpoint.size} entries of {done.checkpoint.origin}, {grown}")
    if done.before is None:
        say(f"  the log's key: {done.key}")
    for seq in done.handed_over:
        say(f"  on the way, entry {seq} handed the log over to another key; ask its owner whether that was meant")
