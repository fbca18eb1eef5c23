"""[archive] of ledgerline.toml: the write-once store, the key that signs its log, and who else vouches for it."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from warehouse.config.secrets import RIGHT, SecretRef
from warehouse.config.values import (
    ArchiveUrl,
    CopyAddress,
    FilePath,
    OptionalAuthority,
    OptionalLogKey,
    OptionalPath,
    OptionalSecret,
    OptionalText,
    OptionalUrl,
    Section,
    WitnessKeyText,
)

_SCHEMES = {"s3": "s3://", "azure": "az://", "gcs": "gs://"}


def outside(path: Path, archive_url: str) -> Path:
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
        return outside(cache, info.data.get("url", ""))

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
