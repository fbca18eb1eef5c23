"""What an installed Ledgerline needs must travel in the wheel."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


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
