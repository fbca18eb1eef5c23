"""`ledgerline key`: which key signs the log, and handing it over to a new one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.failures import CannotRun
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output

if TYPE_CHECKING:
    from warehouse.archive.state import LogState
    from warehouse.config import SecretRef, Settings


def register(app: typer.Typer) -> None:
    group = typer.Typer(name="key", help="The key that signs the log: show it, change it.", no_args_is_help=True)
    add_command(
        group, "show", show, {"ledgerline key show": "the log's keys, and whether this machine has the one"}
    )
    add_command(
        group,
        "rotate",
        rotate,
        {
            "ledgerline key rotate --to file:./data/signing-2027.key": "made if it is not there; then set it",
            "ledgerline key rotate --to aws-secretsmanager:ledgerline/signing": "a key that you have stored there",
        },
    )

    @group.callback()
    def _key() -> None:
        pass

    app.add_typer(group)


def show(config: CONFIG = None, json: JSON = False, debug: DEBUG = False) -> int:
    """Show the log's public keys, each with the sizes whose checkpoints it signs.

    Needs no key. Note the newest one where nobody who can write to the archive can change it: verifiers compare
    it with what the archive says.
    """
    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)

    from orchestration.workshop import open_workshop  # noqa: PLC0415

    output = Output(json=json)
    with open_workshop(settings, for_writing=False) as workshop:
        document = _document(workshop.archive.refresh(), settings)
    if json:
        output.document(document)
    _show(document, output)
    return 0


def rotate(
    to: Annotated[
        str,
        typer.Option(
            "--to", metavar="REF", help="The new key: file:PATH (made if it is not there), env:NAME, or another.",
            show_default=False,
        ),
    ],
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:  # fmt: skip
    """Hand the log over to a new signing key.

    An entry names the new key, with that key's own signature; the old key signs the checkpoint over it, the new
    one every later checkpoint. The configuration must still name the old key: change archive.signing_key when this
    is done. Until then, pulls stop before they write. Run it again where it was interrupted: it completes it.
    """
    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)

    from orchestration.workshop import open_workshop, signing_key  # noqa: PLC0415
    from warehouse.archive.rotate import rotate as hand_over  # noqa: PLC0415

    output = Output(json=json)
    reference = _reference(to, settings)
    with open_workshop(settings) as workshop:
        if workshop.archive.refresh().size == 0:
            raise CannotRun(
                "the archive is empty: there is no key to change yet",
                remedy="set archive.signing_key as you want it, then pull", kind="archive",
            )  # fmt: skip
        created = _create_where_missing(reference)
        entry = hand_over(workshop.archive, signing_key(reference))
        document = _document(workshop.archive.state, settings) | {
            "entry": workshop.archive.state.signed_from[-1].size - 2,
            "rotated": entry is not None,
            "created": created,
            "to": _as_setting(reference, settings),
        }
    if json:
        output.document(document)
    if created is not None:
        output.line(f"created  {created}: keep a copy of it somewhere safe, out of version control")
    done = "hands the log over" if entry is not None else "had handed the log over before"
    output.line(f"entry {document['entry']} {done}, signed by the old key and by the new one")
    _show(document, output)
    output.line("Next:")
    output.line(f'  1. set archive.signing_key = "{document["to"]}", on every machine that writes')
    output.line("  2. tell whoever noted the old key the new one, and the witnesses that they will see a change")
    output.line("  3. `ledgerline verify`; when it is clean, destroy the old key")
    return 0


def _reference(text: str, settings: "Settings") -> "SecretRef":
    """The option as a reference; a relative path is relative to this folder, as on every command line."""
    from warehouse.config import SecretRef  # noqa: PLC0415

    try:
        return SecretRef(text, base=Path.cwd())
    except ValueError:
        raise CannotRun(
            "--to is not a reference to a key",
            remedy=f'write file:PATH, env:NAME or aws-secretsmanager:ID (now: "{settings.archive.signing_key}")',
        ) from None


def _as_setting(reference: "SecretRef", settings: "Settings") -> str:
    """The reference as the configuration has to name it: there, paths are relative to the file's folder."""
    if reference.path is None:
        return str(reference)
    folder = settings.folder.absolute()
    inside = reference.path.is_relative_to(folder)
    return f"file:./{reference.path.relative_to(folder)}" if inside else f"file:{reference.path}"


def _create_where_missing(reference: "SecretRef") -> Path | None:
    from warehouse.archive.signing import create_key  # noqa: PLC0415

    if reference.path is None or reference.path.exists():
        return None
    create_key(reference.path)
    return reference.path


def _document(state: "LogState", settings: "Settings") -> dict[str, Any]:
    from orchestration.workshop import signing_key  # noqa: PLC0415
    from warehouse.archive.errors import ArchiveError  # noqa: PLC0415
    from warehouse.archive.note import Signer  # noqa: PLC0415
    from warehouse.config import SecretUnavailable  # noqa: PLC0415

    here = None
    if state.origin is not None:
        try:
            here = Signer(state.origin, signing_key(settings.archive.signing_key)).verifier.vkey
        except (SecretUnavailable, ArchiveError):
            here = None
    return {
        "origin": state.origin,
        "key": state.public_key,
        "keys": [{"from_size": key.size, "key": key.public_key} for key in state.signed_from],
        "signing_key": str(settings.archive.signing_key),
        "here": None if here is None else here == state.public_key,
    }


def _show(document: dict[str, Any], output: Output) -> None:
    if document["key"] is None:
        output.line("the archive is empty: no key has signed anything yet")
        return
    output.line(f"log {document['origin']}")
    for key in document["keys"]:
        output.line(f"  checkpoints of {key['from_size']} entries and more: {key['key']}")
    said = {
        True: "is the key that signs now",
        False: "is not the key that signs now",
        None: "is not on this machine, or is no key",
    }
    output.line(f"archive.signing_key ({document['signing_key']}) {said[document['here']]}")
