"""`python -m tests.golden.keep FOLDER NAME`: keep an archive of today under tests/golden/NAME, with its answers.

FOLDER holds `ledgerline.toml` and, beside it, `archive/`: what `ledgerline demo --days 2 --users 3 --keep` left in
data/demo, with a key rotated, a person restricted and a hold set since. A kept archive is never made again.
"""

import hashlib
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import duckdb

from warehouse.archive.archive import Archive
from warehouse.archive.store import open_store
from warehouse.tables.catalog import connect

HERE = Path(__file__).parent
# (table, what identifies a row, what it says): columns that formats.md calls final
DIGESTS = (
    ("audit_events", "id", "content_sha256 || raw"),
    ("audit_event_versions", "id || version", "content_sha256 || fold || raw"),
    ("log_entries", "seq", "kind || coalesce(stream, '') || committed_at"),
)


def answers(archive: Archive) -> dict[str, Any]:
    """What the archive answers: rows of each table, and a digest of the contents of some."""
    with connect(archive) as db:
        tables = [
            row[0] for row in db.execute("select view_name from duckdb_views() where not internal").fetchall()
        ]
        return {
            "head": {"size": archive.state.size, "root": archive.state.edge().root().hex()},
            "rows": {name: _one(db, f'select count(*) from "{name}"') for name in sorted(tables)},
            "digests": {
                table: hashlib.sha256(
                    str(_one(db, f"select string_agg({says}, chr(10) order by {key}) from {table}")).encode()
                ).hexdigest()
                for table, key, says in DIGESTS
            },
        }


def _one(db: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = db.execute(query).fetchone()
    assert row is not None
    return row[0]


def keep(folder: Path, name: str) -> None:
    """Write archive.zip and answers.json. By hand beside them: a proof, a checkpoint, a pack and a certificate of
    the same archive, and in answers.json its public key and the seed of the key that goes on."""
    target = HERE / name
    target.mkdir(exist_ok=True)
    root = folder / "archive"
    with zipfile.ZipFile(target / "archive.zip", "x", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(root.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(str(path.relative_to(root)), (2026, 11, 28, 0, 0, 0))
                packed.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, 9)
    with Archive(open_store(f"file:{root}", lock="governance", writable=False)) as archive:
        archive.refresh()
        document = answers(archive)
    (target / "answers.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    keep(Path(sys.argv[1]), sys.argv[2])
