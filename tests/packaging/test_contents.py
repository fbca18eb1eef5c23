"""What an installed Ledgerline needs must travel in the wheel."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_file_of_the_dbt_project_is_packed() -> None:
    data_files = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["data-files"]
    packed = {path for patterns in data_files.values() for pattern in patterns for path in ROOT.glob(pattern)}
    project = ROOT / "dbt_project"
    own = {
        path
        for path in project.rglob("*")
        if path.is_file() and not {"target", "logs"} & set(path.relative_to(project).parts)
    }
    assert own == packed


def test_every_file_lands_in_the_folder_it_came_from() -> None:
    data_files = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["data-files"]
    assert {f"share/ledgerline/{Path(pattern).parent}" for (pattern,) in data_files.values()} == set(data_files)


def test_what_runs_without_extras_imports_no_library_of_an_extra() -> None:
    modules = "orchestration.workshop, orchestration.definitions, orchestration.cli, assets.importing"
    extras = {"boto3", "botocore", "azure", "google.cloud", "dbt.adapters.athena", "moto", "dlt"}
    script = f"import sys, {modules}; print(sorted({extras!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (found.stdout.strip(), found.returncode) == ("[]", 0), found.stderr


def test_what_the_evidence_room_reads_beside_its_code_is_packed() -> None:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
    own = [path for path in (ROOT / "warehouse" / "evidence").rglob("*.*") if path.suffix not in (".py", ".pyc")]
    assert {"controls.toml", "certificate.html.j2", "data_taken_out.sql"} <= {path.name for path in own}
    assert [path for path in own if not any(path.match(pattern) for pattern in patterns)] == []
