"""The settings of Ledgerline: one frozen object, made from `ledgerline.toml` by `warehouse.config.load`.

Each field's description is what an error names as right, so it is written to follow "Right: ".
"""

from pathlib import Path

from pydantic import Field, PrivateAttr, SkipValidation, ValidationInfo, field_validator

from warehouse.config.anthropic import Anthropic
from warehouse.config.archive import Archive, outside
from warehouse.config.delivery import Delivery
from warehouse.config.destinations import Destination
from warehouse.config.detections import Detections
from warehouse.config.values import (
    AttributeName,
    FilePath,
    OptionalPath,
    OptionalText,
    OptionalUrl,
    Section,
    SourcePath,
)


class Warehouse(Section):
    """[warehouse]: the DuckDB file of the dbt marts."""

    duckdb: FilePath = Field(
        default=Path("./data/warehouse.duckdb"),
        validate_default=True,
        description="the path of a file in quotes",
    )


class Finops(Section):
    """[finops]: the customer's files of who pays: mapping, rules, seat contracts, budgets, invoices."""

    cost_centers: FilePath = Field(
        default=Path("./cost_centers.csv"),
        validate_default=True,
        description="the path of a CSV file in quotes",
    )
    overrides: OptionalPath = Field(default=None, description='"" for none, or the path of a CSV file')
    group_pattern: OptionalText = Field(
        default=None, pattern=r"^[^*]*\*[^*]*$", description='"" for none, or a pattern with one *, such as "cc-*"'
    )
    group_centers: OptionalPath = Field(default=None, description='"" for none, or the path of a CSV file')
    telemetry_cost_centers: bool = Field(default=True, description="true or false")
    rules: OptionalPath = Field(default=None, description='"" for the defaults, or the path of a TOML file')
    seat_contracts: OptionalPath = Field(default=None, description='"" for none, or the path of a CSV file')
    budgets: OptionalPath = Field(default=None, description='"" for none, or the path of a CSV file')
    invoices: OptionalPath = Field(default=None, description='"" for none, or the path of a folder')


class Telemetry(Section):
    """[telemetry]: where the Collector's files lie, and what may be kept beyond the allow-list."""

    sources: tuple[SourcePath, ...] = Field(
        default=(), strict=False, description='a list of folders and buckets: ["s3://bucket/prefix", "./otel"]'
    )
    settle_minutes: int = Field(default=10, ge=0, le=1440, description="a whole number of minutes up to 1440")
    keep: tuple[AttributeName, ...] = Field(
        default=(), strict=False, description='a list of attribute names: ["server_name", "sprint"]'
    )
    s3_endpoint: OptionalUrl = Field(
        default=None, description='"" for AWS, or the https URL of an S3-compatible store'
    )
    s3_region: OptionalText = Field(default=None, description='"" for the default, or a region: "eu-central-1"')


class Settings(Section):
    """Everything, validated. `path` is the file it came from; relative paths in it are already absolute."""

    archive: Archive = Field(default_factory=Archive, description="a table: [archive]")
    anthropic: Anthropic = Field(default_factory=Anthropic, description="a table: [anthropic]")
    warehouse: Warehouse = Field(default_factory=Warehouse, description="a table: [warehouse]")
    finops: Finops = Field(default_factory=Finops, description="a table: [finops]")
    detections: Detections = Field(default_factory=Detections, description="a table: [detections]")
    telemetry: Telemetry = Field(default_factory=Telemetry, description="a table: [telemetry]")
    delivery: Delivery = Field(default_factory=Delivery, description="a table: [delivery]")
    destinations: SkipValidation[tuple[Destination, ...]] = Field(
        default=(), description="one [[destinations]] table for each"
    )

    @field_validator("warehouse")
    @classmethod
    def _marts_not_in_the_archive(cls, warehouse: Warehouse, info: ValidationInfo) -> Warehouse:
        archive = info.data.get("archive")
        outside(warehouse.duckdb, archive.url if archive is not None else "")
        return warehouse

    _path: Path = PrivateAttr(default=Path("ledgerline.toml"))

    @property
    def path(self) -> Path:
        """The configuration file."""
        return self._path

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the file are relative to."""
        return self._path.parent
