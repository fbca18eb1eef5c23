"""The marts: people's tables of who did what, built by dbt from the archive into one DuckDB file.

Promise: see `build_marts`. Nothing here imports dbt before a build begins.
"""

from warehouse.tables.marts.build import BuildReport, CatalogSql, build_marts
from warehouse.tables.marts.dbt_run import ModelBuild, TestFailure
from warehouse.tables.marts.errors import (
    BuildFailed,
    CatalogIncomplete,
    Failure,
    MartsBusy,
    MartsError,
    NotMarts,
    ProjectMissing,
    Unwritable,
)
from warehouse.tables.marts.project import find_project

__all__ = [
    "BuildFailed",
    "BuildReport",
    "CatalogIncomplete",
    "CatalogSql",
    "Failure",
    "MartsBusy",
    "MartsError",
    "ModelBuild",
    "NotMarts",
    "ProjectMissing",
    "TestFailure",
    "Unwritable",
    "build_marts",
    "find_project",
]
