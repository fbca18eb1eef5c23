"""External tables over the archive's folders: Arrow's schema in, Glue's definition or an engine's statement out.

Promise: partitions are projected from the day in the folder's name, so no job registers them and none is late.
Columns are found by name in the files, so columns that were added later are null in older files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from warehouse.tables.sql_literal import literal

# The first day that Athena looks for. A day outside the range is not seen, so it begins before there was an API.
FIRST_DAY: Final = "2020-01-01"
# A record dated in the future is still a record: clocks may be wrong by some days.
LAST_DAYS: Final = 7

_HIVE: Final = {
    "string": "string",
    "binary": "binary",
    "int32": "int",
    "int64": "bigint",
    "bool": "boolean",
    "double": "double",
    "date32[day]": "date",
    "timestamp[us, tz=UTC]": "timestamp",
    "decimal128(38, 8)": "decimal(38,8)",
    "list<item: string>": "array<string>",
    "list<element: string>": "array<string>",
    "list<item: int64>": "array<bigint>",
    "list<element: int64>": "array<bigint>",
}
_TRINO: Final = {
    "string": "varchar",
    "binary": "varbinary",
    "int": "integer",
    "array<string>": "array(varchar)",
    "array<bigint>": "array(bigint)",
}
_PARQUET: Final = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
}
_TEXT: Final = {
    "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
    "SerdeInfo": {
        "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
        # no byte of JSON is below a space, so that a line is one column whatever is in it
        "Parameters": {"field.delim": "\x01", "serialization.format": "\x01"},
    },
}


@dataclass(frozen=True)
class ExternalTable:
    """One folder as a table. `columns` are names and Hive's types; `daily`: it has a folder `dt=<day>` for each
    day, which is the column `dt`. Without it the files are lines of text."""

    name: str
    location: str
    columns: tuple[tuple[str, str], ...]
    about: str
    daily: bool = True
    first_day: str = FIRST_DAY

    def glue(self) -> dict[str, Any]:
        """Glue's `TableInput`."""
        return {
            "Name": self.name,
            "Description": self.about,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"EXTERNAL": "TRUE", **self._properties()},
            "PartitionKeys": [{"Name": "dt", "Type": "date"}] if self.daily else [],
            "StorageDescriptor": {
                "Columns": [{"Name": name, "Type": kind} for name, kind in self.columns],
                "Location": self.location,
                **(_PARQUET if self.daily else _TEXT),
            },
        }

    def athena(self, database: str) -> str:
        """The statement in Athena's words. Only new tables are made: `drop table` loses no data."""
        columns = ",\n  ".join(f"`{name}` {kind}" for name, kind in self.columns)
        parts = "partitioned by (`dt` date)\nstored as parquet" if self.daily else "stored as textfile"
        properties = ",\n  ".join(
            f"{literal(key)} = {literal(value)}" for key, value in self._properties().items()
        )
        return (
            f"create external table if not exists `{database}`.`{self.name}` (\n  {columns}\n)\n"
            f"comment {literal(self.about)}\n{parts}\nlocation {literal(self.location)}"
            + (f"\ntblproperties (\n  {properties}\n)" if properties else "")
        )

    def trino(self, schema: str, time: str) -> str:
        """The statement in Trino's words, for a Hive catalogue with `hive.partition-projection-enabled` that reads
        times as `time`."""
        types = {**_TRINO, "timestamp": time}
        columns = [f'"{name}" {types.get(kind, kind)}' for name, kind in self.columns]
        properties = [f"external_location = {literal(self.location)}"]
        if self.daily:
            columns.append(
                "\"dt\" date with (partition_projection_type = 'DATE', "
                "partition_projection_format = 'yyyy-MM-dd', "
                f"partition_projection_range = array['{self.first_day}', 'NOW+{LAST_DAYS}DAYS'], "
                "partition_projection_interval = 1, partition_projection_interval_unit = 'DAYS')"
            )
            properties += [
                "format = 'PARQUET'",
                "partitioned_by = array['dt']",
                "partition_projection_enabled = true",
            ]
        else:
            properties.append("format = 'TEXTFILE'")
        listed = ",\n  ".join(columns)
        return (
            f'create table if not exists {schema}."{self.name}" (\n  {listed}\n)\ncomment {literal(self.about)}\n'
            f"with ({', '.join(properties)})"
        )

    def _properties(self) -> Mapping[str, str]:
        if not self.daily:
            return {}
        return {
            "classification": "parquet",
            "projection.enabled": "true",
            "projection.dt.type": "date",
            "projection.dt.format": "yyyy-MM-dd",
            "projection.dt.range": f"{self.first_day},NOW+{LAST_DAYS}DAYS",
            "projection.dt.interval": "1",
            "projection.dt.interval.unit": "DAYS",
            "storage.location.template": f"{self.location}dt=${{dt}}/",
        }


def hive_columns(schema: pa.Schema, leave_out: Sequence[str] = ()) -> tuple[tuple[str, str], ...]:
    """Names and Hive types of an Arrow schema."""
    return tuple((field.name, _HIVE[str(field.type)]) for field in schema if field.name not in leave_out)
