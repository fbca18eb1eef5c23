"""Writes what is handed out: whole or not at all, and over nothing.

Promise: a folder or file that is there is left as it is; a run that fails leaves nothing behind.
"""

import os
import secrets
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from warehouse.evidence.certificate import Certificate
from warehouse.evidence.errors import PlaceTaken
from warehouse.evidence.page import page


def certificate_files(certificate: Certificate) -> dict[str, bytes]:
    """A certificate's files by name."""
    files = {"certificate.json": certificate.data, "certificate.html": page(certificate).encode()}
    if certificate.signed is not None:
        files["certificate.note"] = certificate.signed.note.encode()
        files["certificate.proof"] = certificate.signed.proof.encode()
    return files


def write_new(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder that is not there, or is empty. Raises PlaceTaken, OSError."""
    with new_folder(folder) as made:
        for name, data in files.items():
            (made / name).write_bytes(data)


@contextmanager
def new_folder(place: Path) -> Iterator[Path]:
    """A folder to fill, which takes its place when the block has ended well. Raises PlaceTaken, OSError."""
    refuse_taken(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    work = place.with_name(f".{secrets.token_hex(6)}.tmp")
    work.mkdir()
    try:
        yield work
        if place.is_dir():
            place.rmdir()  # it was empty; if somebody has put something there meanwhile, this fails
        os.rename(work, place)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def refuse_taken(place: Path) -> None:
    """Raise PlaceTaken where something stands that would be overwritten; an empty folder is nothing."""
    if place.is_symlink() or (place.exists() and not (place.is_dir() and not any(place.iterdir()))):
        raise PlaceTaken(f"{place} is there already; it was left as it is", remedy="choose another --out")


@contextmanager
def new_bag(place: Path) -> Iterator[Path]:
    """As `new_folder`; where the place's name ends with .zip, a ZIP with one folder in it takes it."""
    if place.suffix.lower() != ".zip":
        with new_folder(place) as work:
            yield work
        return
    refuse_taken(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    work = place.with_name(f".{secrets.token_hex(6)}.tmp")
    folder, packed = work / place.stem, work / "packed.zip"
    folder.mkdir(parents=True)
    try:
        yield folder
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as file:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    file.write(path, path.relative_to(work))
        os.link(packed, place)  # fails where somebody has put something there meanwhile
    finally:
        shutil.rmtree(work, ignore_errors=True)
