"""[anthropic]: where the vendor's APIs are, with which keys, whose they are, and how hard they are asked."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from warehouse.config.secrets import RIGHT, SecretRef
from warehouse.config.values import OrganizationId, Origin, Section

EARLIEST_START = date(2023, 1, 1)


def _day(value: Any) -> Any:
    """A TOML date, or the same in quotes; a time of day is a mistake, because partitions are whole days."""
    if isinstance(value, datetime):
        raise ValueError("has a time of day")
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise ValueError("is not a day of the calendar") from None
    if isinstance(value, date) and value < EARLIEST_START:
        raise ValueError(f"{value} is before {EARLIEST_START}, when there was nothing to record")
    if isinstance(value, date) and value > datetime.now(UTC).date():
        raise ValueError(f"{value} is in the future, so nothing could be pulled")
    return value


class Keys(Section):
    """[anthropic] keys.*: one key per scope, each by reference."""

    compliance: SecretRef = Field(
        default=SecretRef("env:LEDGERLINE_COMPLIANCE_KEY"), validate_default=True, description=RIGHT
    )
    analytics: SecretRef = Field(
        default=SecretRef("env:LEDGERLINE_ANALYTICS_KEY"), validate_default=True, description=RIGHT
    )
    directory: SecretRef = Field(
        default=SecretRef("env:LEDGERLINE_DIRECTORY_KEY"), validate_default=True, description=RIGHT
    )
    organization: SecretRef = Field(
        default=SecretRef("env:LEDGERLINE_ORGANIZATION_KEY"), validate_default=True, description=RIGHT
    )
    spend_limits: SecretRef = Field(
        default=SecretRef("env:LEDGERLINE_SPEND_LIMITS_KEY"), validate_default=True, description=RIGHT
    )


class RequestsPerMinute(Section):
    """[anthropic] requests_per_minute.*: the budget per API; the server's own rate headers lower it further."""

    compliance: int = Field(default=600, ge=1, le=60_000, description="a whole number from 1 to 60000")
    analytics: int = Field(default=50, ge=1, le=60_000, description="a whole number from 1 to 60000")
    directory: int = Field(default=100, ge=1, le=60_000, description="a whole number from 1 to 60000")


class Anthropic(Section):
    """[anthropic]: where the APIs are, with which keys, and how hard they may be asked."""

    base_url: Origin = Field(
        default="https://api.anthropic.com",
        description="an https URL without credentials, path or query (http only to this machine)",
    )
    version: str = Field(
        default="2023-06-01",
        pattern=r"^\d{4}-\d{2}-\d{2}$",
        description='the anthropic-version header, in quotes: "2023-06-01"',
    )
    keys: Keys = Field(default_factory=Keys, description="a table of references")
    organizations: tuple[OrganizationId, ...] = Field(
        default=(),
        strict=False,
        description="a list of UUIDs of organisations, of which alone anything is taken; [] for any",
    )
    start: Annotated[date, BeforeValidator(_day)] = Field(
        default=date(2026, 1, 1), description="the first day to pull, as a date: 2026-01-01"
    )
    requests_per_minute: RequestsPerMinute = Field(
        default_factory=RequestsPerMinute, description="a table: compliance, analytics, directory"
    )
    tries: int = Field(default=6, ge=1, le=20, description="a whole number from 1 to 20")
    timeout_seconds: float = Field(
        default=60, gt=0, le=600, allow_inf_nan=False, description="a number of seconds up to 600"
    )
    workers: int = Field(default=1, ge=1, le=32, description="a whole number from 1 to 32")
