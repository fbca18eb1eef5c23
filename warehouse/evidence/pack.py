"""The evidence pack of a control and a period: a BagIt bag (RFC 8493) that a stranger checks with nothing of ours.

Promise: what is in it comes from one state of the archive; the sample that is proven follows from the seed and the
events alone; where the log's key is at hand, `pack.proof` signs the manifest, and so every byte below `data/`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bagit
import duckdb

from warehouse.archive import verify_proof
from warehouse.archive.archive import Archive
from warehouse.archive.entry import sha256_hex
from warehouse.archive.errors import SigningKeyInvalid
from warehouse.archive.note import Signer
from warehouse.archive.proof import Prover
from warehouse.evidence.certificate import Certificate
from warehouse.evidence.controls import Control
from warehouse.evidence.csv_cells import write_csv
from warehouse.evidence.files import certificate_files
from warehouse.evidence.proofs import proof_of, provable
from warehouse.evidence.questions import filled, question
from warehouse.evidence.readme import readme
from warehouse.evidence.statement import sign
from warehouse.tables.catalog import connect
from warehouse.tables.sql_literal import literal
from warehouse.wire.times import rfc3339
from warehouse.wire.windows import Window

FORMAT = "ledgerline-pack/1"
MANIFEST, PROOF = "manifest-sha256.txt", "pack.proof"
_BATCH = 5_000
# The verbatim bytes of a record are only kept beside `raw` where they are no text; a CSV cell could not hold them.
_NOT_IN_CSV = ("raw_bytes",)


@dataclass(frozen=True)
class Wanted:
    """What a pack is made of: `sample` events are proven, chosen by `seed`."""

    control: Control
    period: Window
    sample: int
    seed: str
    program: str


@dataclass
class Packed:
    """What went into a pack: rows by question, ids of the proven events, and the checkpoint they stand under."""

    events: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    proven: list[str] = field(default_factory=list)
    checkpoint: dict[str, Any] = field(default_factory=dict)


def fill_pack(
    folder: Path, archive: Archive, wanted: Wanted, certificate: Certificate, signer: Signer | None
) -> Packed:
    """Fill an empty folder and make a bag of it, signed where there is a signer.

    Raises SigningKeyInvalid where the signer's key is not the one of the newest checkpoint, and what reading the
    archive raises.
    """
    packed = Packed()
    with connect(archive) as db:
        prover = Prover(archive)
        if signer is not None and signer.verifier.vkey != prover.vkey:
            raise SigningKeyInvalid(
                "the log was handed over to a new key and nothing was committed since, so one key cannot sign "
                "all of the pack; run `ledgerline pull`, then make the pack again"
            )
        _events(db, folder, wanted, packed)
        _answers(db, folder, wanted, packed)
        _proofs(db, folder, prover, wanted, packed)
    head = prover.head.checkpoint
    packed.checkpoint = {"origin": head.origin, "size": head.size, "root": head.text.split("\n")[2]}
    (folder / "certificate").mkdir()
    for name, data in certificate_files(certificate).items():
        (folder / "certificate" / name).write_bytes(data)
    (folder / "checkpoint.txt").write_text(prover.head.note, encoding="utf-8", newline="\n")
    (folder / "key.txt").write_text(prover.vkey + "\n", encoding="utf-8", newline="\n")
    (folder / "verify_proof.py").write_bytes(Path(verify_proof.__file__).read_bytes())
    _json(folder / "control.json", wanted.control.document())
    _json(folder / "pack.json", _about(wanted, packed))
    (folder / "README.md").write_text(
        readme(_about(wanted, packed), certificate, signed=signer is not None), encoding="utf-8", newline="\n"
    )
    about = f"Audit records of Claude for the control {wanted.control.id}, {wanted.period}"
    bag = bagit.make_bag(str(folder), {"External-Description": about, "External-Identifier": wanted.control.id},
                         checksums=["sha256"])  # fmt: skip
    if signer is not None:
        # The manifest names every file below data/ by its hash, so its own hash stands for all of them.
        manifest = sha256_hex((folder / MANIFEST).read_bytes())
        proof = sign(signer, head, FORMAT, manifest).proof
        (folder / PROOF).write_text(proof, encoding="utf-8", newline="\n")
        bag.save()  # names the new file in the manifest of tag files
    return packed


def _about(wanted: Wanted, packed: Packed) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "control": wanted.control.document(),
        "period": {"from": rfc3339(wanted.period.start), "to": rfc3339(wanted.period.end)},
        "events": packed.events,
        "answers": packed.answers,
        "sample": {"size": len(packed.proven), "asked_for": wanted.sample, "seed": wanted.seed},
        "checkpoint": packed.checkpoint,
        "made_by": wanted.program,
    }


def _events(db: duckdb.DuckDBPyConnection, folder: Path, wanted: Wanted, packed: Packed) -> None:
    """The control's events, in order of time."""
    db.execute(
        f"create temp table packed as select e.* from audit_events as e "
        f"left join event_types as t on t.type = e.type where ({wanted.control.population}) "
        f"and e.created_at >= timestamptz '{rfc3339(wanted.period.start)}' "
        f"and e.created_at < timestamptz '{rfc3339(wanted.period.end)}' order by e.created_at, e.id"
    )
    _parquet(db, "select * from packed order by created_at, id", folder / "events.parquet")
    columns = [name for (name, *_) in db.execute("describe packed").fetchall() if name not in _NOT_IN_CSV]
    named = ", ".join(f'"{name}"' for name in columns)
    rows = db.execute(f"select {named} from packed order by created_at, id")
    packed.events = write_csv(folder / "events.csv", columns, _fetched(rows))


def _answers(db: duckdb.DuckDBPyConnection, folder: Path, wanted: Wanted, packed: Packed) -> None:
    """Each question of the control: its SQL with the period put in, and its answer."""
    (folder / "questions").mkdir()
    (folder / "answers").mkdir()
    period = {"from": wanted.period.start, "to": wanted.period.end}
    for name in wanted.control.questions:
        asked = question(name)
        known = {parameter.name for parameter in asked.parameters}
        sql = filled(asked, {key: value for key, value in period.items() if key in known})
        text = f"-- {asked.title}\n-- {asked.about}\n{sql}"
        (folder / "questions" / f"{name}.sql").write_text(text, encoding="utf-8", newline="\n")
        _parquet(db, sql, folder / "answers" / f"{name}.parquet")
        found = db.execute(sql)
        columns = [column[0] for column in found.description or []]
        packed.answers[name] = write_csv(folder / "answers" / f"{name}.csv", columns, _fetched(found))


def _proofs(db: duckdb.DuckDBPyConnection, folder: Path, prover: Prover, wanted: Wanted, packed: Packed) -> None:
    """Proofs of a sample: the events whose SHA-256 of `seed:id` comes first. A proof holds the whole record, so
    none is made of a record that is masked."""
    chosen = provable(db, "packed", f"sha256({literal(wanted.seed + ':')} || id), id", wanted.sample)
    rows = []
    if chosen:
        (folder / "proofs").mkdir()
    for number, one in enumerate(chosen, 1):
        name = f"{number:04}.proof"
        text = proof_of(db, prover, one).text
        (folder / "proofs" / name).write_text(text, encoding="utf-8", newline="\n")
        rows.append((f"proofs/{name}", one.id, one.type, one.created_at, one.version, one.fold))
        packed.proven.append(one.id)
    write_csv(folder / "sample.csv", ("proof", "id", "type", "created_at", "version", "fold"), rows)


def _parquet(db: duckdb.DuckDBPyConnection, sql: str, path: Path) -> None:
    db.execute(f"copy ({sql.rstrip().rstrip(';')}) to {literal(str(path))} (format parquet, compression zstd)")


def _fetched(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while batch := cursor.fetchmany(_BATCH):
        yield from batch


def _json(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
