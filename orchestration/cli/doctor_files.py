"""What `ledgerline doctor` says of files that other users of this machine can read: secrets, archive, marts."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from orchestration.cli.doctor_check import Check
from warehouse.config import SecretRef

if TYPE_CHECKING:
    from warehouse.config import Settings

# (read and enter of a folder or file, enter of the folders above it), for the group and for all others
_GROUP, _OTHERS = (0o050, 0o010), (0o005, 0o001)


def file_checks(settings: "Settings") -> Iterator[Check]:
    """A failed check for each file of a secret that anybody else can read, and each folder of records that every
    user of this machine can; one that is ok where there is none of these."""
    signing = settings.archive.signing_key.path  # has a check of its own
    wrong = False
    for path in sorted({one.path for one in _secrets(settings) if one.path is not None} - {signing}):
        if _is_open(path, _GROUP) or _is_open(path, _OTHERS):
            wrong = True
            yield Check("files", str(path), "failed", "other users can read this secret", f"run: chmod 600 {path}")
    for path in _holding_people(settings):
        if _is_open(path, _OTHERS):
            wrong = True
            what = "every user of this machine can read it, and people are named in it"
            yield Check("files", str(path), "failed", what, f"run: chmod o-rwx {path}")
    if not wrong:
        yield Check("files", "this machine", "ok", "secrets and records are closed to its other users")


def _secrets(value: object) -> Iterator[SecretRef]:
    """Every reference in the settings, however deep."""
    if isinstance(value, SecretRef):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _secrets(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _secrets(inner)


def _holding_people(settings: "Settings") -> list[Path]:
    """The archive's folder, where it is one, and what is made of it."""
    from warehouse.archive.address import folder_of  # noqa: PLC0415

    made = [settings.archive.cache, settings.warehouse.duckdb, settings.folder / "data" / "reports"]
    return [folder_of(settings.archive.url), *made] if settings.archive.url.startswith("file:") else made


def _is_open(path: Path, to: tuple[int, int]) -> bool:
    """Whether others than the owner can read it: it says so, and so does each folder on the way."""
    inside, way = to
    return bool(_mode(path) & inside) and all(_mode(parent) & way for parent in path.resolve().parents)


def _mode(path: Path) -> int:
    """The mode of what is there; 0 where nothing is, or nothing that this user may look at."""
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        return 0
