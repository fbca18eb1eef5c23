"""Managed settings: no secret, no content, nothing left to a developer, attributes read as meant."""

import json
import subprocess
from datetime import date
from pathlib import Path

import pytest
from opentelemetry.sdk.resources import OTELResourceDetector

from warehouse.telemetry import resource_attributes
from warehouse.telemetry.errors import SettingsRefused
from warehouse.telemetry.settings import CONTENT_SWITCHES, Fleet, headers_program, managed_settings
from warehouse.telemetry.sign_off import ContentException, sign_off

ENDPOINT = "https://otel.example.com:4318"
TODAY = date(2026, 11, 27)


def env(**wanted: str) -> dict[str, str]:
    made: dict[str, str] = managed_settings(Fleet(ENDPOINT, {"cost_center": "CC-100"}, **wanted))["env"]
    return made


def test_every_selector_and_every_content_switch_is_set() -> None:
    made = env()
    for name in ("METRICS", "LOGS", "TRACES"):
        assert made[f"OTEL_{name}_EXPORTER"] == ("none" if name == "TRACES" else "otlp")
        assert made[f"OTEL_EXPORTER_OTLP_{name}_PROTOCOL"] == made["OTEL_EXPORTER_OTLP_PROTOCOL"]
    assert {made[name] for name in CONTENT_SWITCHES} == {"0"}
    assert all(isinstance(value, str) for value in made.values())


def test_an_exception_turns_one_switch_on_and_no_other() -> None:
    made = env(allowed="OTEL_LOG_TOOL_DETAILS")
    assert [name for name in CONTENT_SWITCHES if made[name] != "0"] == ["OTEL_LOG_TOOL_DETAILS"]


def test_the_protocol_follows_the_port() -> None:
    assert Fleet("https://otel.example.com:4317", {}).protocol == "grpc"
    assert Fleet(ENDPOINT, {}).protocol == "http/protobuf"


@pytest.mark.parametrize(
    "endpoint",
    ["otel.example.com:4318", "https://", "https://user:pass@otel.example.com", "https://otel.example.com/?k=1",
     "https://otel.example.com:port", "https://otel.example.com/v1/logs", "ftp://otel.example.com"],
)  # fmt: skip
def test_an_endpoint_that_no_client_could_use_or_that_holds_a_secret_is_refused(endpoint: str) -> None:
    with pytest.raises(SettingsRefused) as refused:
        Fleet(endpoint, {})
    assert "pass" not in str(refused.value).replace("a password", "")


def test_a_program_for_headers_is_refused_with_grpc_which_asks_none() -> None:
    with pytest.raises(SettingsRefused, match="grpc"):
        Fleet(ENDPOINT, {}, "grpc", "/usr/local/bin/claude-otel-headers")


@pytest.mark.parametrize(
    "value", ["CC 100", '"CC-100"', "a,b", "a;b", "a\\b", "100%", "%ff", "%0a", "Köln", "", " "]
)
def test_a_value_that_a_client_would_misread_is_refused(value: str) -> None:
    with pytest.raises(SettingsRefused):
        resource_attributes.encoded({"cost_center": value})


@pytest.mark.parametrize("key", ["user.email", "session.id", "Team", "team id", "team=id", "", ".team"])
def test_a_key_that_would_be_lost_is_refused(key: str) -> None:
    with pytest.raises(SettingsRefused):
        resource_attributes.encoded({key: "x"})


@pytest.mark.parametrize("text", ["CC-100", "Research, Development; 100 % \\ Köln", "a=b", "日本"])
def test_what_the_refusal_proposes_is_read_by_an_sdk_as_it_was_meant(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = resource_attributes.encoded({"department": resource_attributes.percent_encoded(text), "team.id": "x"})
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", line)
    assert dict(OTELResourceDetector().detect().attributes) == {"department": text, "team.id": "x"}


def test_the_program_for_headers_prints_the_token_of_the_file(tmp_path: Path) -> None:
    token, program = tmp_path / "otel token", tmp_path / "helper"
    token.write_text("not-a-real-token\n")
    program.write_text(headers_program(str(token)))
    done = subprocess.run(["sh", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"Authorization": "Bearer not-a-real-token"}


@pytest.mark.parametrize("path", ["token", "/etc/it's", "/etc/a\nb"])
def test_a_path_that_a_shell_would_read_otherwise_is_refused(path: str) -> None:
    with pytest.raises(SettingsRefused):
        headers_program(path)


@pytest.mark.parametrize(
    "given",
    [
        {"until": date(2026, 11, 26)},
        {"until": date(2027, 1, 1)},
        {"reason": "because"},
        {"approved_by": " "},
        {"switch": "OTEL_LOG_EVERYTHING"},
    ],
)
def test_an_exception_without_end_reason_or_name_is_refused(given: dict[str, object]) -> None:
    fine: dict[str, object] = {
        "switch": "OTEL_LOG_TOOL_DETAILS", "since": TODAY, "until": date(2026, 12, 11),
        "reason": "incident 4711", "approved_by": "Jane Doe",
    }  # fmt: skip
    ContentException(**fine)  # type: ignore[arg-type]
    with pytest.raises(SettingsRefused):
        ContentException(**(fine | given))  # type: ignore[arg-type]


def test_the_sign_off_says_what_is_signed() -> None:
    one = ContentException("OTEL_LOG_USER_PROMPTS", TODAY, date(2026, 12, 1), "incident | 4711", "Jane Doe")
    text = sign_off(one, "those of team x")
    for said in ("OTEL_LOG_USER_PROMPTS", "2026-12-01", "incident \\| 4711", "Jane Doe", "those of team x"):
        assert said in text
