"""The settings of Ledgerline: one frozen object, made from `ledgerline.toml` by `warehouse.config.load`.

Each field's description is what an error names as right, so it is written to follow "Right: ".
"""

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr, SkipValidation, ValidationInfo, field_validator

from warehouse.config.anthropic import Anthropic
from warehouse.config.destinations import Destination
from warehouse.config.detections import Detections
from warehouse.config.secrets import RIGHT, SecretRef
from warehouse.config.values import (
    ArchiveUrl,
    AttributeName,
    CopyAddress,
    FilePath,
    OptionalAuthority,
    OptionalLogKey,
    OptionalPath,
    OptionalSecret,
    OptionalText,
    OptionalUrl,
    Section,
    SourcePath,
    WitnessKeyText,
    check_url,
)

_SCHEMES = {"s3": "s3://", "azure": "az://", "gcs": "gs://"}


def _outside(path: Path, archive_url: str) -> Path:
    """A path that is not in the archive's folder, where everything is evidence and nothing changes."""
    if archive_url.startswith("file:") and path.is_relative_to(archive_url.removeprefix("file:")):
        raise ValueError(f"{path} is in the folder of the archive, where nothing but evidence may lie")
    return path


class Archive(Section):
    """[archive]: the write-once store and the key that signs its log."""

    url: ArchiveUrl = Field(
        default="file:./data/archive",
        validate_default=True,
        description='"file:./folder", "s3://bucket/prefix", "az://container/prefix" or "gs://bucket/prefix"',
    )
    lock: Literal["compliance", "governance", "none"] = Field(
        default="compliance", description='"compliance", "governance" (trials) or "none"'
    )
    retention_days: int = Field(default=2555, ge=1, le=36500, description="a whole number of days from 1 to 36500")
    recent_retention_days: int = Field(
        default=None,  # 30, or retention_days where that is less
        validate_default=True,
        ge=1,
        le=36500,
        description="a whole number of days from 1 to retention_days",
    )
    s3_endpoint: OptionalUrl = Field(
        default=None, description='"" for AWS, or the https URL of an S3-compatible store'
    )
    s3_region: OptionalText = Field(default=None, description='"" for the default, or a region: "eu-central-1"')
    azure_account: OptionalText = Field(default=None, description='"" or the name of the storage account')
    azure_endpoint: OptionalUrl = Field(
        default=None,
        validate_default=True,  # az:// needs it, or the account
        description='"" for Azure, or the https URL of the account\'s blob service',
    )
    azure_credential: OptionalSecret = Field(default=None, description=f'"" or {RIGHT}')
    gcs_endpoint: OptionalUrl = Field(
        default=None, description='"" for Google Cloud, or the https URL of a private endpoint'
    )
    gcs_credentials: OptionalSecret = Field(default=None, description=f'"" or {RIGHT}')
    signing_key: SecretRef = Field(
        default=SecretRef("file:./data/signing.key"), validate_default=True, description=RIGHT
    )
    public_key: OptionalLogKey = Field(
        default=None, description='"" or the public key of the log, as `ledgerline key show` prints it'
    )
    witnesses: tuple[WitnessKeyText, ...] = Field(
        default=(),
        strict=False,
        description="a list of public keys in quotes, as `ledgerline witness --init` prints them",
    )
    anchors: tuple[CopyAddress, ...] = Field(
        default=(),
        strict=False,
        description='a list of places: ["s3://bucket/prefix", "file:./folder", "git:REPOSITORY"]',
    )
    timestamp_authority: OptionalAuthority = Field(
        default=None, description='"" for none, or the URL of an RFC 3161 timestamp authority'
    )
    timestamp_certificates: OptionalPath = Field(
        default=None, description='"" for none, or a PEM file with the certificates that timestamps must lead to'
    )
    cache: FilePath = Field(
        default=Path("./data/cache"),
        validate_default=True,
        description="a folder in quotes; what is in it can be deleted at any time",
    )

    @field_validator("cache")
    @classmethod
    def _not_in_the_archive(cls, cache: Path, info: ValidationInfo) -> Path:
        return _outside(cache, info.data.get("url", ""))

    @field_validator("recent_retention_days", mode="before")
    @classmethod
    def _thirty_days_or_all(cls, days: Any, info: ValidationInfo) -> Any:
        return min(30, info.data.get("retention_days", 30)) if days is None else days

    @field_validator("recent_retention_days")
    @classmethod
    def _within_retention(cls, days: int, info: ValidationInfo) -> int:
        longest = info.data.get("retention_days", days)
        if days > longest:
            raise ValueError(f"{days} is more than retention_days, which is {longest}")
        return days

    @field_validator(
        "s3_endpoint", "azure_account", "azure_endpoint", "azure_credential", "gcs_endpoint", "gcs_credentials"
    )
    @classmethod
    def _for_its_own_cloud(cls, value: Any, info: ValidationInfo) -> Any:
        scheme = _SCHEMES[str(info.field_name).partition("_")[0]]
        if value and not info.data.get("url", scheme).startswith(scheme):
            raise ValueError(f"is set, but archive.url is not an {scheme} address")
        return value

    @field_validator("azure_endpoint")
    @classmethod
    def _which_account(cls, endpoint: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("url", "").startswith("az://") and not endpoint and not info.data.get("azure_account"):
            raise ValueError("is empty, and so is azure_account: one of the two must say which account it is")
        return endpoint

    def opening(self) -> dict[str, Any]:
        """What `warehouse.archive.store.open_store` is told beside the address, as keyword arguments."""
        secret = self.azure_credential or self.gcs_credentials
        return {
            "lock": self.lock,
            "s3_endpoint": self.s3_endpoint or "",
            "region": self.s3_region,
            "account": self.azure_account or "",
            "endpoint": self.azure_endpoint or self.gcs_endpoint or "",
            "credential": secret.reveal if secret else None,
        }


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


class Delivery(Section):
    """[delivery]: the queue through which a commit says that it is there. `log`: none, the log is asked."""

    queue: Literal["log", "sqs", "azure", "pubsub"] = Field(
        default="log", description='"log", "sqs", "azure" or "pubsub"'
    )
    queue_url: str = Field(
        default="",
        validate_default=True,
        description='the queue: "https://sqs.REGION.amazonaws.com/ACCOUNT/NAME", '
        '"https://ACCOUNT.queue.core.windows.net/NAME" or "projects/PROJECT/topics/TOPIC"; "" for log',
    )
    queue_subscription: str = Field(
        default="",
        validate_default=True,
        description='with pubsub "projects/PROJECT/subscriptions/NAME", else ""',
    )
    queue_credential: OptionalSecret = Field(default=None, description=f'"" or {RIGHT}')
    queue_tries: int = Field(default=5, ge=1, le=100, description="a whole number from 1 to 100")

    @field_validator("queue_url")
    @classmethod
    def _an_address_of_its_kind(cls, url: str, info: ValidationInfo) -> str:
        queue = info.data.get("queue", "log")
        if queue == "log":
            if url:
                raise ValueError("is set, but queue is log")
            return url
        if not url:
            raise ValueError(f"is missing, and queue is {queue}")
        if queue == "pubsub":
            if not re.fullmatch(r"projects/[\w.:-]+/topics/[\w.~%+-]+", url):
                raise ValueError("is not the name of a topic")
            return url
        check_url(url)
        if "/" not in url.partition("://")[2].strip("/"):
            raise ValueError("names no queue after the host")
        return url.rstrip("/")

    @field_validator("queue_subscription")
    @classmethod
    def _with_pubsub_only(cls, name: str, info: ValidationInfo) -> str:
        if (info.data.get("queue") == "pubsub") != bool(name):
            raise ValueError("belongs to pubsub and to nothing else")
        if name and not re.fullmatch(r"projects/[\w.:-]+/subscriptions/[\w.~%+-]+", name):
            raise ValueError("is not the name of a subscription")
        return name


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
        _outside(warehouse.duckdb, archive.url if archive is not None else "")
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
