"""Where the dbt project is, and which one it is.

Promise: two builds with one fingerprint run the same SQL, so days built by the one fit beside days of the other.
"""

import hashlib
import sysconfig
from importlib.metadata import version
from pathlib import Path

from warehouse.tables.marts.errors import ProjectMissing

PROJECT_FILE = "dbt_project.yml"
_SQL_DECIDES = {".sql", ".yml", ".csv"}
_NOT_SOURCE = {"target", "logs", "dbt_packages"}


def find_project(project_dir: Path | None = None) -> Path:
    """The dbt project's folder: the one given, else the checkout's, else the one installed with the package.

    Raises ProjectMissing where there is none.
    """
    package = Path(__file__).resolve().parents[2]
    places = [
        package.parent / "dbt_project",
        package / "dbt_project",
        Path(sysconfig.get_path("data")) / "share" / "ledgerline" / "dbt_project",
    ]
    looked = [project_dir.resolve()] if project_dir is not None else places
    for place in looked:
        if (place / PROJECT_FILE).is_file():
            return place
    searched = ", ".join(str(place) for place in looked)
    raise ProjectMissing(
        f"No dbt project (a folder with {PROJECT_FILE}) found; looked in {searched}. "
        "Give the project's folder, or install the package again."
    )


def fingerprint(project: Path) -> str:
    """sha256 over the project's files and the versions of dbt and its adapter, as hex."""
    digest = hashlib.sha256()
    for package in ("dbt-core", "dbt-duckdb"):
        digest.update(f"{package} {version(package)}\n".encode())
    for path in sorted(project.rglob("*")):
        inside = path.relative_to(project)
        if path.suffix in _SQL_DECIDES and not _NOT_SOURCE & set(inside.parts) and path.is_file():
            digest.update(f"{inside.as_posix()}\n{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
