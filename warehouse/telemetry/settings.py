"""Managed settings that make Claude Code send telemetry: what the file says, and where it goes on each system.

Promise: no secret in it; every switch that a developer could turn otherwise is set, since a managed endpoint locks
only endpoints, headers and keys; each switch that would send content is off, but for one under a signed exception.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from warehouse.telemetry import resource_attributes
from warehouse.telemetry.errors import SettingsRefused
from warehouse.wire.hosts import is_loopback

# What each content switch makes the client send. Off is written out: an unset OTEL_LOG_ASSISTANT_RESPONSES follows
# OTEL_LOG_USER_PROMPTS, and a variable that is set here cannot be set by a developer.
CONTENT_SWITCHES = {
    "OTEL_LOG_USER_PROMPTS": "the text of prompts",
    "OTEL_LOG_ASSISTANT_RESPONSES": "the text of replies",
    "OTEL_LOG_TOOL_DETAILS": "arguments of tools, commands, paths, names of servers and skills, whole error texts",
    "OTEL_LOG_TOOL_CONTENT": "input and output of tools, in spans",
    "OTEL_LOG_RAW_API_BODIES": "whole requests and replies; it implies each of the others",
}
PROTOCOLS = ("http/protobuf", "http/json", "grpc")
_SIGNALS = ("METRICS", "LOGS", "TRACES")
_GRPC_PORT = 4317


@dataclass(frozen=True)
class Place:
    """Where the file goes on one system, and what the system offers instead of a file."""

    system: str
    file: str
    instead: str


PLACES = (
    Place(
        "macOS",
        "/Library/Application Support/ClaudeCode/managed-settings.json",
        "the same keys in the managed preferences domain com.anthropic.claudecode",
    ),
    Place(
        "Windows",
        r"C:\Program Files\ClaudeCode\managed-settings.json",
        r"HKLM\SOFTWARE\Policies\ClaudeCode, value Settings, holding this JSON; "
        r"old versions read C:\ProgramData\ClaudeCode\managed-settings.json",
    ),
    Place(
        "Linux and WSL",
        "/etc/claude-code/managed-settings.json",
        "beside other settings: /etc/claude-code/managed-settings.d/10-telemetry.json",
    ),
)


@dataclass(frozen=True)
class Fleet:
    """The machines that one file is for. `attributes` are resource attributes, percent-encoded where need be;
    `headers_helper` is a program on those machines that prints the headers, so that the file holds no secret;
    `allowed` is the one content switch that a signed exception turns on."""

    endpoint: str
    attributes: Mapping[str, str]
    protocol: str = ""
    headers_helper: str = ""
    allowed: str = ""
    notes: list[str] = field(default_factory=list, compare=False)

    def __post_init__(self) -> None:
        port = _checked_endpoint(self.endpoint)
        if not self.protocol:
            object.__setattr__(self, "protocol", "grpc" if port == _GRPC_PORT else "http/protobuf")
        if self.protocol not in PROTOCOLS:
            raise SettingsRefused(f"{self.protocol!r} is no protocol of OTLP", f"one of {', '.join(PROTOCOLS)}")
        if self.allowed and self.allowed not in CONTENT_SWITCHES:
            raise SettingsRefused(
                f"{self.allowed!r} is no content switch", f"one of {', '.join(CONTENT_SWITCHES)}"
            )
        if self.headers_helper and self.protocol == "grpc":
            raise SettingsRefused(
                "a program for headers is not asked with the protocol grpc",
                "use http/protobuf, or client certificates (OTEL_EXPORTER_OTLP_CLIENT_KEY) with grpc",
            )
        self.notes.extend(_notes(self))


def managed_settings(fleet: Fleet) -> dict[str, Any]:
    """The document for `managed-settings.json`. Raises SettingsRefused where an attribute would be misread."""
    env = {
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "CLAUDE_CODE_ENHANCED_TELEMETRY_BETA": "0",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_EXPORTER_OTLP_ENDPOINT": fleet.endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": fleet.protocol,
        **{f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL": fleet.protocol for signal in _SIGNALS},
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta",
        "OTEL_METRICS_INCLUDE_SESSION_ID": "true",
        "OTEL_METRICS_INCLUDE_ACCOUNT_UUID": "true",
        "OTEL_METRICS_INCLUDE_VERSION": "true",
        "OTEL_METRICS_INCLUDE_ENTRYPOINT": "true",
        "OTEL_METRICS_INCLUDE_RESOURCE_ATTRIBUTES": "true",
        **dict.fromkeys(CONTENT_SWITCHES, "0"),
        "OTEL_RESOURCE_ATTRIBUTES": resource_attributes.encoded(fleet.attributes),
    }
    if fleet.allowed:
        env[fleet.allowed] = "1"
    document: dict[str, Any] = {"env": env}
    if fleet.headers_helper:
        document["otelHeadersHelper"] = fleet.headers_helper
    return document


def headers_program(path: str) -> str:
    """A program for macOS and Linux that prints the header with a token read from a file on that machine.

    `path` is absolute. Raises SettingsRefused for one that a shell would read otherwise.
    """
    if not path.startswith("/") or set(path) & set("'\\\n") or not path.isprintable():
        raise SettingsRefused(
            f"{path!r} is no absolute path that a shell reads as it stands",
            "name the file as in --token-file /etc/claude-code/otel-token",
        )
    return (
        "#!/bin/sh\n"
        "# Asked by Claude Code for the headers of its telemetry, at the start and every 29 minutes.\n"
        "# Prints a JSON object. The token is in a file of its own, readable by the users of this machine.\n"
        "set -eu\n"
        f"token=$(tr -d '[:space:]' <'{path}')\n"
        'printf \'{"Authorization": "Bearer %s"}\\n\' "$token"\n'
    )


def _checked_endpoint(endpoint: str) -> int | None:
    """Its port. Raises SettingsRefused where a client could not use it, or a secret stands in it."""
    try:
        parts, right = urlsplit(endpoint), "give it as in https://otel.example.com:4318"
        port = parts.port
    except ValueError:
        raise SettingsRefused(
            "the endpoint is no address", "give it as in https://otel.example.com:4318"
        ) from None
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or not endpoint.isprintable()
        or " " in endpoint
    ):
        raise SettingsRefused(f"the endpoint {parts.hostname or endpoint!r} is no address of http or https", right)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise SettingsRefused(
            "the endpoint holds a user, a password, a query or a fragment, and the file is readable by every user",
            "leave it out, and name a program that prints the headers: --headers-helper PATH",
        )
    if parts.path.rstrip("/").endswith(("/v1/metrics", "/v1/logs", "/v1/traces")):
        raise SettingsRefused("the endpoint is that of one signal", "leave out /v1/...: the client adds it")
    return port


def _notes(fleet: Fleet) -> list[str]:
    parts, notes = urlsplit(fleet.endpoint), []
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        notes.append("the endpoint is plain http: e-mail addresses of developers would cross the network in clear")
    if parts.port == _GRPC_PORT and fleet.protocol != "grpc":
        notes.append(f"port {_GRPC_PORT} is that of grpc by custom, and the protocol is {fleet.protocol}")
    if fleet.allowed == "OTEL_LOG_TOOL_CONTENT":
        notes.append("OTEL_LOG_TOOL_CONTENT sends nothing as long as traces are off, as they are in this file")
    if not fleet.headers_helper and not is_loopback(parts.hostname or ""):
        notes.append(
            "no header is sent: name a program that prints them (--headers-helper), or use client certificates"
        )
    return notes
