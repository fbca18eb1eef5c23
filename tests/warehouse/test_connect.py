"""`warehouse.connect`: one line from a notebook to every table; it loads nothing before, and changes nothing."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

import warehouse
from warehouse.archive.local import LocalStore
from warehouse.config import ConfigError

HEAVY = ("duckdb", "pyarrow", "pandas", "pydantic", "httpx", "msgspec", "dagster")
CONFIG = """\
[archive]
url = "file:{folder}/archive"
signing_key = "file:{folder}/no-such.key"
cache = "{folder}/cache"
[anthropic]
keys.compliance = "env:NO_SUCH_KEY"
start = 2026-10-01
[warehouse]
duckdb = "{folder}/marts.duckdb"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration beside an empty archive, without any key at hand."""
    LocalStore.open(f"file:{tmp_path}/archive", lock="none")
    path = tmp_path / "ledgerline.toml"
    path.write_text(CONFIG.format(folder=tmp_path))
    return path


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = f"import sys, warehouse; print([name for name in {HEAVY} if name in sys.modules])"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, text=True, capture_output=True, check=True)
    assert done.stdout.strip() == "[]"


def test_it_has_every_table_of_an_archive_and_needs_no_key(config: Path) -> None:
    with warehouse.connect(config) as db:
        names = {name for (name,) in db.execute("show tables").fetchall()}
        assert {
            "audit_events",
            "audit_event_versions",
            "log_entries",
            "cost_rows",
            "alerts",
            "deliveries",
        } <= names
        assert db.execute("select count(*) from audit_events").fetchall() == [(0,)]


def test_built_marts_stand_beside_the_tables_and_can_be_changed_as_little(config: Path) -> None:
    with duckdb.connect(str(config.with_name("marts.duckdb"))) as marts:
        marts.execute("create table fct_something as select 42 as answer")
        marts.execute("create table marts_build as select '' as restrictions")
    with warehouse.connect(str(config)) as db:
        assert db.sql("select answer from fct_something").fetchall() == [(42,)]
        for change in (
            "delete from audit_events",
            "insert into fct_something values (43)",
            "create table marts.main.mine as select 1",
            "drop table marts.main.fct_something",
        ):
            with pytest.raises(duckdb.Error):
                db.execute(change)
    with duckdb.connect(str(config.with_name("marts.duckdb")), read_only=True) as marts:
        assert marts.sql("select answer from fct_something").fetchall() == [(42,)]


def test_what_is_wrong_with_the_configuration_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.toml"):
        warehouse.connect(tmp_path / "nothing.toml")


def test_an_answer_becomes_a_data_frame(config: Path) -> None:
    with warehouse.connect(config) as db:
        frame = db.sql("select 'research' as cost_center, cast(1.25 as decimal(38, 2)) as usd").df()
    assert list(frame.columns) == ["cost_center", "usd"]
    assert frame["usd"].sum() == 1.25
