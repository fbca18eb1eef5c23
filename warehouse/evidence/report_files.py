"""The evidence report on disk: one page, and where asked a folder of proofs beside it.

Promise: over nothing that is there, whole or not at all; each event that is a link on the page has a proof in the
folder, made of what the page was made of. `report.proof` signs the page's hash with the log's key.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.archive import verify_proof
from warehouse.archive.archive import Archive
from warehouse.archive.entry import sha256_hex
from warehouse.archive.note import Signer
from warehouse.archive.proof import Prover
from warehouse.evidence.csv_cells import write_csv
from warehouse.evidence.files import certificate_files, new_folder, refuse_taken
from warehouse.evidence.proofs import proof_of, provable_ids
from warehouse.evidence.report import Report
from warehouse.evidence.report_page import page
from warehouse.evidence.statement import sign

FORMAT = "ledgerline-report/1"
PROOF = "report.proof"


@dataclass(frozen=True)
class Written:
    """A page that was written: its hash, the folder beside it and how many proofs lie there."""

    page: Path
    sha256: str
    folder: Path | None = None
    proofs: int = 0


def folder_beside(place: Path) -> Path:
    """The folder of a page's proofs: `june.html` has `june-proofs`."""
    return place.with_name(f"{place.stem}-proofs")


def write_report(report: Report, place: Path) -> Written:
    """Write the page alone. Raises PlaceTaken, OSError."""
    return _write_page(place, page(report).encode())


def write_report_with_proofs(
    report: Report, place: Path, db: duckdb.DuckDBPyConnection, archive: Archive, signer: Signer | None
) -> Written:
    """Write the page and its folder: proofs, the certificate, and `report.proof` where there is a signer.

    Raises PlaceTaken, OSError, and what `Prover` raises.
    """
    folder = folder_beside(place)
    refuse_taken(place)
    with new_folder(folder) as made:
        prover = Prover(archive)
        proofs = _proofs(report, made, db, prover)
        html = page(report, folder.name, proofs).encode()
        certificate = report.certificate
        if signer is not None:
            certificate = certificate.sign(signer, archive.state)
            proof = sign(signer, prover.head.checkpoint, FORMAT, sha256_hex(html)).proof
            (made / PROOF).write_text(proof, encoding="utf-8", newline="\n")
        for name, data in certificate_files(certificate).items():
            (made / name).write_bytes(data)
        (made / "checkpoint.txt").write_text(prover.head.note, encoding="utf-8", newline="\n")
        (made / "key.txt").write_text(prover.vkey + "\n", encoding="utf-8", newline="\n")
        (made / "verify_proof.py").write_bytes(Path(verify_proof.__file__).read_bytes())
    written = _write_page(place, html)
    return Written(written.page, written.sha256, folder, len(set(proofs.values())))


def _proofs(
    report: Report, folder: Path, db: duckdb.DuckDBPyConnection, prover: Prover
) -> dict[tuple[str, int | None], str]:
    """A proof file for each event the page names, and for each version of those that changed; their names."""
    changed = {change.id for change in report.changes}
    found = provable_ids(db, [one for one in report.ids if one not in changed], changed)
    order = {event: place for place, event in enumerate([*(one.id for one in report.changes), *report.ids])}
    found.sort(key=lambda one: (order[one.id], one.version, one.commit_seq, one.fold))
    named: dict[tuple[str, int | None], str] = {}
    rows = []
    for count, one in enumerate(found, 1):
        name = f"{count:04}.proof"
        (folder / name).write_text(proof_of(db, prover, one).text, encoding="utf-8", newline="\n")
        named[one.id, one.version] = named[one.id, None] = name
        rows.append((name, one.id, one.type, one.created_at, one.version, one.fold))
    write_csv(folder / "index.csv", ("proof", "id", "type", "created_at", "version", "fold"), rows)
    return named


def _write_page(place: Path, html: bytes) -> Written:
    refuse_taken(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    work = place.with_name(f".{secrets.token_hex(6)}.tmp")
    try:
        work.write_bytes(html)
        os.link(work, place)  # fails where somebody has put something there meanwhile
    finally:
        work.unlink(missing_ok=True)
    return Written(place, sha256_hex(html))
