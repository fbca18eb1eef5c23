"""`audit_events` over the archive's Parquet in Snowflake, Databricks and BigQuery: SQL files under deploy/lakes.

`python -m warehouse.tables.athena.lakes` writes them. Promise: columns come from the one schema, and the views
mean what Athena's mean: a sealed row counts when its file's marker is there, a recent one when no seal has taken
it in.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from warehouse.tables.athena.external import hive_columns
from warehouse.tables.current import current_rows
from warehouse.tables.schema import AUDIT_EVENTS
from warehouse.tables.seal import MARKER

FOLDER: Final = Path(__file__).resolve().parents[3] / "deploy" / "lakes"
# folder below the archive's root, by the table that is made of it
_FOLDERS: Final = {
    "stored_audit_events_recent": "tables/recent/audit_events",
    "stored_audit_events_sealed": "tables/sealed/audit_events",
    "stored_audit_events_seals": "seals/audit_events",
}
_SNOWFLAKE: Final = {
    "string": "varchar",
    "bigint": "number(38, 0)",
    "int": "number(38, 0)",
    "timestamp": "timestamp_ntz",
    "array<string>": "array",
}
_BIGQUERY: Final = {"bigint": "int64", "int": "int64", "boolean": "bool", "binary": "bytes"}
Columns = tuple[tuple[str, str], ...]


def snowflake() -> str:
    """A stage of yours, three external tables, two views."""
    made = [
        "-- Snowflake over an archive on S3, Azure or Google Cloud. Set the address; ledgerline_reader is\n"
        "-- a storage integration of yours that may read below it and nothing else.\n"
        "create stage if not exists ledgerline_archive url = 's3://example-claude-audit/ledger/'\n"
        "  storage_integration = ledgerline_reader",
        "create file format if not exists ledgerline_parquet type = parquet use_logical_type = true "
        "binary_as_text = false",
    ]
    for table, folder in _FOLDERS.items():
        columns = ",\n".join(
            f"  {name} {_SNOWFLAKE.get(kind, kind)} as (value:{name}::{_SNOWFLAKE.get(kind, kind)})"
            for name, kind in _columns(table)
        )
        made.append(
            f"create or replace external table {table} (\n"
            "  dt date as (to_date(split_part(split_part(metadata$filename, 'dt=', 2), '/', 1))),\n"
            "  source_file varchar as (split_part(metadata$filename, '/', -1)),\n"
            f"{columns}\n)\npartition by (dt)\nlocation = @ledgerline_archive/{folder}/\n"
            "file_format = ledgerline_parquet\nauto_refresh = false"
        )
    refreshed = [f"alter external table {table} refresh" for table in _FOLDERS]
    refreshed[0] = (
        f"-- New files are seen after these three; run them on a schedule, every five minutes.\n{refreshed[0]}"
    )
    return _file([*made, *_views(), *refreshed])


def databricks() -> str:
    """Three views over files, and the two that people read; set the address in each path."""
    made = []
    for table, folder in _FOLDERS.items():
        columns = ", ".join(f"{name} {kind}" for name, kind in (*_columns(table), ("dt", "date")))
        made.append(
            f"create or replace view {table} as\n"
            f"select *, _metadata.file_name as source_file\n"
            f"from read_files('s3://example-claude-audit/ledger/{folder}/', format => 'parquet',\n"
            f"  schema => '{columns}')"
        )
    about = "Databricks over an archive in a bucket that an external location of Unity Catalog opens for reading."
    return _file([f"-- {about}\n{made[0]}", *made[1:], *_views()])


def bigquery() -> str:
    """Three external tables in the dataset `ledgerline`, two views."""
    made = []
    for table, folder in _FOLDERS.items():
        columns = ",\n".join(f"  {name} {_BIGQUERY.get(kind, kind)}" for name, kind in _columns(table))
        address = f"gs://example-claude-audit/ledger/{folder}"
        made.append(
            f"create or replace external table ledgerline.{table} (\n{columns}\n)\n"
            "with partition columns (dt date)\n"
            f"options (format = 'PARQUET', uris = ['{address}/*'],\n"
            f"  hive_partition_uri_prefix = '{address}', require_hive_partition_filter = false,\n"
            "  enable_list_inference = true)"
        )
    about = "BigQuery over an archive in Google Cloud; the dataset ledgerline lies in the bucket's region."
    return _file(
        [f"-- {about}\n{made[0]}", *made[1:], *_views("ledgerline.", "regexp_extract(_FILE_NAME, r'[^/]+$')")]
    )


ENGINES: Final[Mapping[str, Callable[[], str]]] = {
    "snowflake": snowflake,
    "databricks": databricks,
    "bigquery": bigquery,
}


def _columns(table: str) -> Columns:
    """Names and Hive's types, without the day, which is the folder's."""
    if not table.endswith("_seals"):
        return tuple(hive_columns(AUDIT_EVENTS))
    return tuple(one for one in hive_columns(MARKER, ["dt"]) if one[0] != "dt")


def _views(schema: str = "", file: str = "source_file") -> list[str]:
    """What people read; `file` is how the engine says the name of a row's file."""
    names = ", ".join(AUDIT_EVENTS.names)
    of_recent = ", ".join(f"r.{name}" for name in AUDIT_EVENTS.names)
    return [
        f"create or replace view {schema}audit_event_versions as\n"
        f"select {names}, dt from {schema}stored_audit_events_sealed\n"
        f"where {file} in (select file from {schema}stored_audit_events_seals)\n"
        f"union all\nselect {of_recent}, r.dt from {schema}stored_audit_events_recent as r\n"
        "left join (\n"
        f"  select dt, max(through_seq) as through_seq from {schema}stored_audit_events_seals group by dt\n"
        ") as s on s.dt = r.dt\nwhere s.dt is null or r.commit_seq > s.through_seq",
        f"create or replace view {schema}audit_events as\n{current_rows(f'{schema}audit_event_versions').strip()}",
    ]


def _file(statements: list[str]) -> str:
    return "\n".join(f"{one};\n" for one in statements)


def main() -> None:
    """Write the files into the checkout this module was loaded from."""
    FOLDER.mkdir(exist_ok=True)
    for name, made in ENGINES.items():
        (FOLDER / f"{name}.sql").write_text(made(), encoding="utf-8")


if __name__ == "__main__":
    main()
