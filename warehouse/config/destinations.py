"""The settings of each type of destination (design 13): one small model per type, one row in `TYPES`.

What a destination does with them is no matter of this room; a model only refuses what cannot work.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from warehouse.config.secrets import RIGHT, SecretRef
from warehouse.config.values import (
    FilePath,
    Headers,
    Label,
    OptionalUrl,
    PublicText,
    S3Url,
    Section,
    Text,
    Url,
    UrlOrSecret,
    is_possible,
    shown,
)

DATADOG_SITE = "datadoghq.com"

_URL = "an https URL without credentials or query (http only to this machine)"
_CA = "the path of a PEM file with the certificates to trust"
_TEXT = "a text in quotes"


class Destination(Section):
    """What every destination has. `late` and the batch limits are None where the type's own default holds."""

    name: Label = Field(description='a name of a-z, 0-9 and "-", used in commands and object keys')
    type: str = Field(description="a type of destination")
    slice: Text = Field(
        default="alerts", description='"alerts", "all", the id of a rule, or an SQL condition on audit_events'
    )
    late: Literal["send", "restamp", "skip"] | None = Field(
        default=None, description='"send", "restamp" or "skip"'
    )
    batch_events: int | None = Field(
        default=None, ge=1, le=100_000, description="a whole number of events from 1 to 100000"
    )
    batch_bytes: int | None = Field(
        default=None, ge=1024, le=100_000_000, description="a whole number of bytes from 1024 to 100000000"
    )


class Splunk(Destination):
    """Splunk HTTP Event Collector. `index` and `source` are left to the token where None."""

    url: Url = Field(description=_URL)
    token: SecretRef = Field(description=RIGHT)
    index: PublicText | None = Field(default=None, description=_TEXT)
    source: PublicText | None = Field(default=None, description=_TEXT)
    sourcetype: PublicText = Field(default="anthropic:claude:audit", description=_TEXT)
    ack: bool = Field(default=False, description="true or false, without quotes")
    ca_file: FilePath | None = Field(default=None, description=_CA)


class Datadog(Destination):
    """Datadog Logs intake, by site name or by whole URL."""

    site: PublicText = Field(
        default=DATADOG_SITE, pattern=r"^[a-z0-9.-]+\.[a-z]+$", description='a site: "datadoghq.eu"'
    )
    url: OptionalUrl = Field(default=None, description=_URL)
    api_key: SecretRef = Field(description=RIGHT)
    service: PublicText = Field(default="claude-audit", description=_TEXT)
    tags: tuple[PublicText, ...] = Field(
        default=(), strict=False, max_length=100, description='a list of at most 100 texts: ["env:prod"]'
    )

    @field_validator("url")
    @classmethod
    def _one_address(cls, url: str | None, info: ValidationInfo) -> str | None:
        if url and info.data.get("site", DATADOG_SITE) != DATADOG_SITE:
            raise ValueError("is set, and so is site; keep one")
        return url


class Elastic(Destination):
    """Elasticsearch `_bulk` into a data stream."""

    url: Url = Field(description=_URL)
    api_key: SecretRef = Field(description=RIGHT)
    data_stream: PublicText = Field(
        default="logs-anthropic.audit-default",
        pattern=r"^[a-z0-9][a-z0-9._-]{0,254}$",
        description='the name of a data stream: "logs-anthropic.audit-default"',
    )
    ca_file: FilePath | None = Field(default=None, description=_CA)


class Logstash(Destination):
    """Logstash's HTTP input; basic authentication where both names are set."""

    url: Url = Field(description=_URL)
    username: PublicText | None = Field(default=None, description=_TEXT)
    password: SecretRef | None = Field(default=None, validate_default=True, description=RIGHT)
    ca_file: FilePath | None = Field(default=None, description=_CA)

    @field_validator("password")
    @classmethod
    def _both_or_none(cls, password: SecretRef | None, info: ValidationInfo) -> SecretRef | None:
        if "username" in info.data and (info.data["username"] is None) != (password is None):
            raise ValueError("and username belong together; set both or neither")
        return password


class Sumo(Destination):
    """Sumo Logic HTTP source. The URL holds the token, so it is a reference."""

    url: SecretRef = Field(description=RIGHT)
    category: PublicText | None = Field(default=None, description=_TEXT)
    host: PublicText | None = Field(default=None, description=_TEXT)
    source_name: PublicText | None = Field(default=None, description=_TEXT)


class Sentinel(Destination):
    """Microsoft Sentinel through the Logs Ingestion API."""

    endpoint: Url = Field(description="the logs-ingestion URL of the DCE or of the DCR")
    dcr_id: str = Field(
        pattern=r"^dcr-[0-9a-f]{32}$", description='the immutable id of the rule: "dcr-" and 32 hex digits'
    )
    stream: PublicText = Field(
        default="Custom-ClaudeAuditLogs_CL",
        pattern=r"^(Custom|Microsoft)-[A-Za-z0-9_-]+$",
        description='the stream as the rule declares it: "Custom-ClaudeAuditLogs_CL"',
    )
    tenant_id: Text = Field(pattern=r"^[A-Za-z0-9.-]+$", description="the id or domain of the Entra tenant")
    client_id: Text = Field(pattern=r"^[A-Za-z0-9-]+$", description="the id of the application")
    client_secret: SecretRef = Field(description=RIGHT)
    authority: Url = Field(default="https://login.microsoftonline.com", description=_URL)


class SentinelLegacy(Destination):
    """The HTTP Data Collector API, which Microsoft no longer supports: a bridge for those who still use it."""

    workspace_id: str = Field(
        pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", description="the workspace's id, a UUID"
    )
    shared_key: SecretRef = Field(description=RIGHT)
    log_type: str = Field(
        default="ClaudeAuditLogs",
        pattern=r"^[A-Za-z0-9_]{1,100}$",
        description="1 to 100 letters, digits and underscores; the table's name without _CL",
    )
    url: OptionalUrl = Field(default=None, description=_URL)


class Syslog(Destination):
    """Syslog over TCP (RFC 5424), with TLS or without (Arctic Wolf sensor and others)."""

    host: Text = Field(pattern=r"^[A-Za-z0-9._:-]+$", description='a host name or address: "sensor.example.com"')
    port: int = Field(default=514, ge=1, le=65535, description="a port from 1 to 65535")
    tls: bool = Field(default=False, description="true or false, without quotes")
    ca_file: FilePath | None = Field(default=None, description=_CA)
    framing: Literal["octet", "newline"] = Field(default="octet", description='"octet" or "newline"')
    app_name: str = Field(
        default="ledgerline", pattern=r"^[!-~]{1,48}$", description="1 to 48 printable ASCII characters"
    )
    bom: bool = Field(default=False, description="true or false, without quotes")
    max_bytes: int = Field(
        default=8192, ge=480, le=1_000_000, description="a whole number of bytes from 480 to 1000000"
    )

    @field_validator("host")
    @classmethod
    def _can_exist(cls, host: str) -> str:
        if not is_possible(host):
            raise ValueError(f"{shown(host)} is a host that cannot exist")
        return host

    @field_validator("ca_file")
    @classmethod
    def _certificates_need_tls(cls, ca_file: Path | None, info: ValidationInfo) -> Path | None:
        if ca_file and not info.data.get("tls", True):
            raise ValueError("is set, but tls is not true")
        return ca_file


class Webhook(Destination):
    """Any receiver of JSON over HTTPS (Arctic Wolf cloud and others). A URL that holds a token is given by
    reference (`values.url_of` reads either form); `token` is sent as the value of `header`.
    """

    url: UrlOrSecret = Field(description=f"{_URL}; where the URL itself is a secret, {RIGHT}")
    header: str = Field(
        default="Authorization", pattern=r"^[A-Za-z0-9-]{1,64}$", description='a header: "Authorization"'
    )
    token: SecretRef | None = Field(default=None, description=RIGHT)
    body: Literal["json", "ndjson", "array"] = Field(default="json", description='"json", "ndjson" or "array"')
    ca_file: FilePath | None = Field(default=None, description=_CA)


class Cribl(Destination):
    """Cribl Stream's bulk HTTP source."""

    url: Url = Field(description=_URL)
    token: SecretRef | None = Field(default=None, description=RIGHT)
    ca_file: FilePath | None = Field(default=None, description=_CA)


class Otlp(Destination):
    """OTLP over HTTP. A header whose name speaks of a credential must be a reference."""

    url: Url = Field(description=_URL)
    headers: Headers = Field(
        default_factory=dict,
        description='a table of header names with references: {Authorization = "env:NAME"}',
    )
    encoding: Literal["protobuf", "json"] = Field(default="protobuf", description='"protobuf" or "json"')
    service: PublicText = Field(default="claude-audit", description=_TEXT)
    ca_file: FilePath | None = Field(default=None, description=_CA)


class SecurityLake(Destination):
    """Amazon Security Lake custom sources, one for each OCSF class: Parquet into the lake's bucket."""

    url: S3Url = Field(description='the location of the sources, without their class: "s3://bucket/ext/CLAUDE"')
    region: Text = Field(pattern=r"^[a-z0-9-]+$", description='a region: "eu-central-1"')
    account_id: str = Field(pattern=r"^\d{12}$", description="the 12 digits of the account, in quotes")
    role_arn: str | None = Field(
        default=None, pattern=r"^arn:[a-z-]+:iam::\d{12}:role/.+$", description="the ARN of the writer role"
    )
    external_id: SecretRef | None = Field(default=None, description=RIGHT)
    s3_endpoint: OptionalUrl = Field(default=None, description=_URL)


class Snowflake(Destination):
    """Parquet for a Snowflake external stage or Snowpipe."""

    url: S3Url = Field(description='the location of the external stage: "s3://bucket/prefix"')
    region: Text | None = Field(default=None, pattern=r"^[a-z0-9-]+$", description='a region: "eu-central-1"')
    s3_endpoint: OptionalUrl = Field(default=None, description=_URL)


class SecOps(Destination):
    """Google SecOps through the Chronicle API."""

    region: Text = Field(pattern=r"^[a-z0-9-]+$", description='a location: "eu" or "europe-west3"')
    project: Text = Field(pattern=r"^[a-z0-9-]+$", description="the id or number of the Google Cloud project")
    instance: Text = Field(pattern=r"^[0-9a-fA-F-]{36}$", description="the customer id, a UUID")
    credentials: SecretRef = Field(description=f"{RIGHT} to the JSON key of a service account")
    log_type: Text = Field(
        default="ANTHROPIC_CLAUDE_AUDIT_CUSTOM", pattern=r"^[A-Z0-9_]+$", description="the name of a log type"
    )
    forwarder: Text | None = Field(default=None, pattern=r"^[\w/.-]+$", description="the id of a forwarder")
    send: Literal["logs", "events"] = Field(default="logs", description='"logs" or "events"')
    url: OptionalUrl = Field(default=None, description=_URL)


TYPES: dict[str, type[Destination]] = {
    "splunk": Splunk,
    "datadog": Datadog,
    "elastic": Elastic,
    "logstash": Logstash,
    "sumo": Sumo,
    "sentinel": Sentinel,
    "sentinel_legacy": SentinelLegacy,
    "syslog": Syslog,
    "webhook": Webhook,
    "cribl": Cribl,
    "otlp": Otlp,
    "security_lake": SecurityLake,
    "snowflake": Snowflake,
    "secops": SecOps,
}
