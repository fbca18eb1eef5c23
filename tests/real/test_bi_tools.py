"""What docs/how-to/bi-tools.md says, through the drivers that the tools bring: DuckDB's JDBC driver (DBeaver,
Metabase) and its SQLAlchemy dialect (Superset). The tools themselves have windows, and are not here.
"""

import json
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import duckdb
import pytest

from tests.dbt.conftest import Built, built
from tests.docs.pages import ROOT
from tests.real import go_program

__all__ = ["built"]
pytestmark = pytest.mark.real

PAGE = (ROOT / "docs" / "how-to" / "bi-tools.md").read_text(encoding="utf-8")
QUERY = Path(__file__).parent / "duckdb_in_java" / "Query.java"
DRIVERS = ("1.4.4.0", "1.5.5.1", "2.0.0.1")  # older than the DuckDB that writes the file, the same, newer
SQLALCHEMY = ("duckdb-engine==0.17.0", "sqlalchemy==1.4.54", f"duckdb=={duckdb.__version__}")
# What Metabase's plugin hands to the driver with its read-only switch on and its own defaults.
# `TimeZone` is another of them, and has its own test below.
METABASE = {
    "duckdb.read_only": "true",
    "jdbc_stream_results": "true",
    "old_implicit_casting": "true",
    "custom_user_agent": "metabase",
}
ASKED = (
    "select count(*) from fct_login",
    "select event_type, count(*) from fct_admin_change group by all order by all",
    "select count(*) from archive.audit_events",
    "select cast(min(created_at) as varchar) from fct_login",
)


@cache
def jdbc(version: str) -> Path:
    """The driver, from Maven, once. Skips the test where it cannot be had."""
    file = go_program.tools() / f"duckdb_jdbc-{version}.jar"
    if file.exists():
        return file
    maven = shutil.which("mvn")
    if maven is None or shutil.which("java") is None:
        pytest.skip(
            "DuckDB's JDBC driver is not here: install a JDK of version 17 or newer and Maven, and run again"
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    wanted = f"-Dartifact=org.duckdb:duckdb_jdbc:{version}"
    done = subprocess.run(
        [maven, "-q", "-B", "dependency:copy", wanted, f"-DoutputDirectory={file.parent}"],
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    if done.returncode != 0:
        pytest.skip(f"DuckDB's JDBC driver could not be fetched ({done.stdout.strip()[-200:]}): check Maven")
    return file


def section(title: str) -> list[str]:
    """The code blocks of a tool's section, without their fences."""
    text = PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)


def dbeaver(database: Path) -> tuple[str, dict[str, str], str]:
    """The address, the driver properties and the first query of the page."""
    address, properties, first = section("DBeaver")
    named = dict(line.split("=", 1) for line in properties.splitlines())
    return address.strip().replace("/path/to/warehouse.duckdb", str(database)), named, first.strip()


def over_jdbc(version: str, address: str, properties: dict[str, str], lines: tuple[str, ...]) -> list[str]:
    """The driver's answer to each line."""
    done = subprocess.run(
        ["java", "-cp", str(jdbc(version)), str(QUERY), address, *(f"{k}={v}" for k, v in properties.items())],
        input="\n".join(lines), capture_output=True, text=True, check=True, timeout=120, env={"TZ": "Asia/Tokyo"},
    )  # fmt: skip
    return done.stdout.splitlines()


def in_python(database: Path) -> list[str]:
    with duckdb.connect(str(database), read_only=True) as db:
        db.execute("set timezone = 'UTC'")
        return ["|".join("\t".join(map(str, row)) for row in db.execute(sql).fetchall()) for sql in ASKED]


@pytest.mark.parametrize("version", DRIVERS)
def test_the_jdbc_address_and_properties_of_the_page_read_and_never_write(built: Built, version: str) -> None:
    address, properties, first = dbeaver(built.saved)
    with duckdb.connect(str(built.saved), read_only=True):  # somebody else reads too
        done, tables, zone, written, *answers = over_jdbc(
            version, address, properties,
            (first, "tables", "select current_setting('TimeZone')", "create table mine as select 1", *ASKED),
        )  # fmt: skip
    assert done == "done"
    assert {"fct_login", "fct_admin_change", "audit_events"} <= set(tables.split("|"))
    assert zone == "UTC"
    assert written.startswith("refused: ")
    assert "read-only" in written
    assert answers == in_python(built.saved)


@pytest.mark.parametrize("version", DRIVERS)
def test_what_metabase_hands_to_the_driver_reads_and_never_writes(
    built: Built, tmp_path: Path, version: str
) -> None:
    given = METABASE | {"temp_directory": str(tmp_path / "tmp")}
    asked = ("drop table fct_login", "set TimeZone = 'UTC'", *ASKED)
    written, _, *answers = over_jdbc(version, f"jdbc:duckdb:{built.saved}", given, asked)
    assert written.startswith("refused: ")
    assert "read-only" in written
    assert answers == in_python(built.saved)


@pytest.mark.parametrize("version", DRIVERS[:2])  # what 2.0 does hangs on the order of the properties
def test_a_time_zone_among_the_properties_wants_the_icu_extension_of_the_disk(
    built: Built, tmp_path: Path, version: str
) -> None:
    given = {"duckdb.read_only": "true", "TimeZone": "UTC", "extension_directory": str(tmp_path)}
    given |= {"autoinstall_known_extensions": "false"}  # as where there is no network
    (refused,) = over_jdbc(version, f"jdbc:duckdb:{built.saved}", given, ("select 1",))
    assert refused.startswith("refused: ")
    assert "icu extension" in refused


@cache
def superset_python() -> Path:
    """A Python with Superset's SQLAlchemy and the dialect, in an environment of its own below `.venv`."""
    folder = ROOT / ".venv" / "bi-tools"
    ready = folder / "ready"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", *SQLALCHEMY], check=True)
        ready.touch()
    return folder / "bin" / "python"


_ASK = """
import json, sys
from sqlalchemy import create_engine, inspect, text
engine, answers = create_engine(sys.argv[1]), []
with engine.connect() as db:
    for line in sys.stdin.read().splitlines():
        try:
            answers.append(["\\t".join(map(str, row)) for row in db.execute(text(line))])
        except Exception as error:
            answers.append(["refused: " + str(error)])
print(json.dumps([inspect(engine).get_table_names(), *answers]))
"""


def test_the_sqlalchemy_address_of_the_page_reads_and_never_writes(built: Built) -> None:
    address = section("Superset")[0].strip().replace("/path/to/warehouse.duckdb", str(built.saved))
    done = subprocess.run(
        [superset_python(), "-c", _ASK, address],
        input="\n".join(("create table mine as select 1", *ASKED[:3])),
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    tables, written, *answers = json.loads(done.stdout)
    assert {"fct_login", "fct_admin_change"} <= set(tables)
    assert written[0].startswith("refused: ")
    assert "read-only" in written[0]
    assert ["|".join(rows) for rows in answers] == in_python(built.saved)[:3]
