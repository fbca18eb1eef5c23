"""The archive's catalogue for Athena and Trino: external tables over its folders, and the views that people read.

Promise: the views mean what DuckDB's mean, row for row. A reader without the log sees a sealed row when the marker
of its file is there, and a recent one when no sealed part of its day has taken it in.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from warehouse.archive import keys
from warehouse.archive.state import LogState
from warehouse.tables.alerts import CURRENT as CURRENT_ALERTS
from warehouse.tables.athena.engines import ENGINES, Engine
from warehouse.tables.athena.external import FIRST_DAY, LAST_DAYS, ExternalTable, hive_columns
from warehouse.tables.athena.log_views import LOG_LINES, log_views
from warehouse.tables.athena.taxonomy_view import event_types
from warehouse.tables.current import current_rows
from warehouse.tables.directory.views import directory_selects
from warehouse.tables.engagement.views import engagement_selects
from warehouse.tables.masking import Masks
from warehouse.tables.seal import MARKER
from warehouse.tables.spend.views import spend_selects
from warehouse.tables.stored_tables import STORED, StoredTable
from warehouse.tables.telemetry.schema import TABLES as TELEMETRY
from warehouse.tables.telemetry.views import telemetry_rows

_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*")
_LOCATION: Final = re.compile(r"(s3|s3a|file)://[^'`\s]+/")


@dataclass(frozen=True)
class Place:
    """Where the archive lies and where its tables go: `location` is the archive's root with a slash at its end,
    `database` Glue's database (Trino's schema). Files of days before `first_day` are not seen: an engine asks the
    store for each day from then on. Raises ValueError for what is no such name."""

    location: str
    database: str
    first_day: str = FIRST_DAY

    def __post_init__(self) -> None:
        if not _LOCATION.fullmatch(self.location):
            raise ValueError(
                f"{self.location!r} is no bucket's address with a slash at its end (s3://bucket/prefix/)"
            )
        if not _NAME.fullmatch(self.database):
            raise ValueError(f"{self.database!r} is no name of a database (small letters, digits and underscores)")
        try:
            date.fromisoformat(self.first_day)
        except ValueError:
            raise ValueError(f"{self.first_day!r} is no day (2026-01-01)") from None


def external_tables(location: str, first_day: str = FIRST_DAY) -> list[ExternalTable]:
    """Every folder of the archive that becomes a table, in a fixed order. People read the views over them."""
    made = []
    for one in STORED:
        columns = hive_columns(one.columns)
        made.append(
            ExternalTable(
                _recent(one),
                f"{location}tables/recent/{one.folder}/",
                columns,
                f"Files of {one.view} as they came.",
            )
        )
        if one.sealed:
            sealed, markers = (
                f"{location}tables/sealed/{one.folder}/",
                f"{location}{keys.seal_markers(one.folder)}",
            )
            made += [
                ExternalTable(_sealed(one), sealed, columns, f"Final files of {one.view}, one or more a day."),
                ExternalTable(
                    _markers(one), markers, hive_columns(MARKER, ["dt"]), f"Which final files of {one.view} count."
                ),
            ]
    for table in TELEMETRY.values():
        folder = f"{location}tables/recent/{table.name}/"
        about = f"Files of {table.name} as they came."
        made.append(ExternalTable(f"stored_{table.name}_recent", folder, hive_columns(table.schema), about))
    about = "The log's entries, one JSON document each."
    made.append(ExternalTable(LOG_LINES, f"{location}{keys.ENTRIES}", (("line", "string"),), about, daily=False))
    return [replace(table, first_day=first_day) for table in made]


def glue_tables(location: str, first_day: str = FIRST_DAY) -> list[dict[str, Any]]:
    """The same as Glue's `TableInput`, for Terraform."""
    return [table.glue() for table in external_tables(location, first_day)]


def catalogue(
    state: LogState,
    place: Place,
    engine: Engine = ENGINES["athena"],
    *,
    as_of: datetime | None = None,
    unmasked: Collection[str] = (),
) -> list[str]:
    """The statements that make the archive's tables in `place`, in order; each may be run again at any time.

    as_of: make views that show what was known at that moment (aware); give `place` a database of its own for them.
    Persons whose records are restricted are masked as of the state that is handed in: run it again after each
    restriction. `unmasked`: tables that are not.
    """
    masks = Masks.of(state, unmasked=unmasked, dialect="trino")
    schema = f"{place.database}."
    made = [_database(place, engine)]
    for stored in external_tables(place.location, place.first_day):
        hive = engine.name == "athena"
        made.append(stored.athena(place.database) if hive else stored.trino(place.database, engine.time))
    views = {one.view: _masked(one, _rows(one, schema), masks) + _known(one, as_of) for one in STORED}
    for table in TELEMETRY.values():
        named = ", ".join(f'"{name}"' for name in table.schema.names)
        landed = f" where landed_at <= {_literal(as_of)}" if as_of else ""
        rows = f"select {named}, dt from {schema}stored_{table.name}_recent{landed}"
        views[table.name] = telemetry_rows(table, rows, masks)
    views["audit_events"] = current_rows(f"{schema}audit_event_versions")
    views["alerts"] = CURRENT_ALERTS.format(versions=f"{schema}alert_versions")
    views["event_types"] = event_types()
    views |= log_views(schema, engine, hide=masks.active)
    views |= spend_selects(schema) | directory_selects(schema) | engagement_selects(schema)
    return made + [f"create or replace view {schema}{name} as\n{sql.strip()}" for name, sql in views.items()]


def unseen_days(state: LogState, first_day: str = FIRST_DAY) -> list[str]:
    """Days with files that the projected partitions leave out, as texts; there should be none."""
    last = (datetime.now(UTC) + timedelta(days=LAST_DAYS)).date().isoformat()
    days = {file.dt for table in state.tables.values() for file in [*table.recent, *table.sealed]}
    return sorted(day for day in days if not first_day <= day <= last)


def _database(place: Place, engine: Engine) -> str:
    word = "database" if engine.name == "athena" else "schema"
    return f"create {word} if not exists {place.database}"


def _rows(one: StoredTable, schema: str) -> str:
    """Every row of a table, from both tiers where it has both."""
    names = ", ".join(one.columns.names)
    day = ", dt" if one.by_day else ""
    recent = f"select {names}{day} from {schema}{_recent(one)}"
    if not one.sealed:
        return recent
    of_recent = ", ".join(f"r.{field.name}" for field in one.columns)
    return f"""select {names}, dt from {schema}{_sealed(one)}
where regexp_extract("$path", '[^/]+$') in (select file from {schema}{_markers(one)})
union all
select {of_recent}, r.dt from {schema}{_recent(one)} as r
left join (select dt, max(through_seq) as through_seq from {schema}{_markers(one)} group by dt) as s on s.dt = r.dt
where s.dt is null or r.commit_seq > s.through_seq"""


def _masked(one: StoredTable, rows: str, masks: Masks) -> str:
    shown = [*one.columns.names] + (["dt"] if one.by_day else [])
    return masks.over(one.folder, shown, f"({rows}) as stored") or f"select * from ({rows}) as stored"


def _recent(one: StoredTable) -> str:
    return f"stored_{one.folder}_recent"


def _sealed(one: StoredTable) -> str:
    return f"stored_{one.folder}_sealed"


def _markers(one: StoredTable) -> str:
    return f"stored_{one.folder}_seals"


def _known(one: StoredTable, as_of: datetime | None) -> str:
    """Alerts say when they were raised, not what was known; they are shown whole, as in DuckDB."""
    if as_of is None or "observed_at" not in one.columns.names:
        return ""
    return f" where observed_at <= {_literal(as_of)}"


def _literal(moment: datetime) -> str:
    return f"timestamp '{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}'"
