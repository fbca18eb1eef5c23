"""`ledgerline init`: a commented configuration and a signing key, where there are none yet.

Promise: a file that exists is never touched, and an archive that exists is never given a new key.
"""

import os
from importlib.resources import files
from pathlib import Path

import typer

from orchestration.cli.failures import CannotRun
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output


def register(app: typer.Typer) -> None:
    add_command(
        app,
        "init",
        init,
        {
            "ledgerline init": "ledgerline.toml and data/signing.key in this folder",
            "ledgerline init --config /etc/ledgerline/ledgerline.toml": "in another folder",
        },
    )


def init(config: CONFIG = None, json: JSON = False, debug: DEBUG = False) -> int:
    """Make ledgerline.toml and the signing key.

    Writes a configuration with every setting and its default explained, and creates the Ed25519 key that signs
    the log. Nothing that exists is overwritten: run it again at any time to make what is missing.
    """
    from warehouse.config import config_path, load  # noqa: PLC0415

    output = Output(json=json)
    path = config_path(config)
    created: list[Path] = []
    kept: list[Path] = []
    (created if _write_example(path) else kept).append(path)
    settings = load(path)
    key = settings.archive.signing_key.path
    if key is not None:
        (created if _create_key(key, settings.archive.url) else kept).append(key)
    following = _next_steps(key is not None and key in created, str(settings.archive.signing_key))
    if json:
        output.document(
            {
                "config": path,
                "signing_key": str(settings.archive.signing_key),
                "created": created,
                "kept": kept,
                "next": following,
            }
        )
    for made in created:
        output.line(f"created  {made}")
    for there in kept:
        output.line(f"kept     {there} (it was there before)")
    output.line()
    output.line("Next:")
    for number, step in enumerate(following, 1):
        output.line(f"  {number}. {step}")
    return 0


def _write_example(path: Path) -> bool:
    """Write the example; False where something stands there already."""
    text = files("warehouse.config").joinpath("example.toml").read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return False
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
    except OSError as error:  # a full disk: no half of a file stays, and its name is told
        path.unlink()
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
    return True


def _create_key(path: Path, archive_url: str) -> bool:
    """Create the key; False where there is one. Raises CannotRun where the archive was begun with another."""
    from warehouse.archive.signing import create_key  # noqa: PLC0415

    if path.exists():
        return False
    folder = Path(archive_url.removeprefix("file:"))
    if archive_url.startswith("file:") and (folder / "log" / "entry").is_dir():
        raise CannotRun(
            f"there is an archive at {folder}, but no signing key at {path}; "
            "a new key would not continue the log that the old one signed",
            remedy=f"put the key that the archive was begun with back at {path}",
            kind="archive",
        )
    try:
        create_key(path)
    except FileExistsError:
        return False
    return True


def _next_steps(new_key: bool, reference: str) -> list[str]:
    steps = []
    if new_key:
        steps.append(
            "Keep a copy of the signing key somewhere safe, out of version control: no log goes on without it."
        )
    elif not reference.startswith("file:"):
        steps.append(
            f"Store an Ed25519 private key (PKCS #8 PEM) at {reference}; init creates keys in files only."
        )
    return [
        *steps,
        "Make a key with the scope read:compliance_activities (claude.ai > Organization settings > API) "
        "and put it into LEDGERLINE_COMPLIANCE_KEY.",
        "ledgerline doctor            checks keys, scopes, store, lock and clocks",
        "ledgerline pull activities   pulls what is due",
    ]
