"""What every connection to DuckDB has, whatever kind of process opens it, and what it may hold."""

import json
import subprocess
import sys
from pathlib import Path

from warehouse.tables.connection import bound_memory, open_duckdb

ROOT = Path(__file__).parents[3]
# DuckDB takes a process without a script of its own for a person at a prompt, as workers of a pool are.
_ASK = """
import json, sys
from pathlib import Path
import duckdb
from warehouse.tables.connection import open_duckdb

file = Path(sys.argv[1])
told = {}
for name, db in (("plain", duckdb.connect()), ("memory", open_duckdb()), ("file", open_duckdb(file))):
    told[name] = [db.execute(f"select current_setting('{one}')").fetchone()[0]
                  for one in ("enable_progress_bar", "TimeZone", "autoinstall_known_extensions")]
print(json.dumps(told))
"""


def test_no_bar_is_drawn_on_stdout_and_times_are_utc(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _ASK, tmp_path / "marts.duckdb"],
        cwd=ROOT, env={"TZ": "Asia/Tokyo"}, text=True, capture_output=True, check=True,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert told["plain"][:2] == [True, "Asia/Tokyo"]  # else the test shows nothing
    assert told["memory"] == [False, "UTC", False]
    assert told["file"][:2] == [False, "UTC"]


def test_what_does_not_fit_into_the_memory_granted_goes_to_the_folder(tmp_path: Path) -> None:
    with open_duckdb(threads=1) as db:
        bound_memory(db, 60, tmp_path)
        db.execute("create temp table held as select i, md5(i::varchar) as text from range(4_000_000) as r(i)")
        spilled = sum(path.stat().st_size for path in tmp_path.rglob("*"))
        assert db.execute("select count(distinct i), sum(i) from held").fetchall() == [(4_000_000, 7999998000000)]
    assert spilled > 10e6
