"""Secrets: found where the reference says, and shown nowhere else."""

import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from warehouse.config import SecretRef, SecretUnavailable, parse, url_of

VALUE = "sk-ant-api01-5ecretS5ecretS5ecret"


def test_an_environment_variable_is_read_when_it_is_asked_for() -> None:
    env = {"KEY": "first"}
    reference = SecretRef("env:KEY", env=env)
    assert reference.reveal() == "first"
    env["KEY"] = "second"
    assert reference.reveal() == "second"


def test_a_file_is_relative_to_its_base_and_loses_its_last_line_break(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(VALUE + "\n")
    reference = SecretRef("file:./key", base=tmp_path)
    assert reference.path == tmp_path / "key"
    assert reference.reveal() == VALUE
    assert reference.reveal_bytes() == VALUE.encode() + b"\n"


def test_a_pem_block_keeps_its_lines(tmp_path: Path) -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"
    (tmp_path / "key").write_text(pem + "\n")
    assert SecretRef("file:key", base=tmp_path).reveal() == pem


@pytest.mark.parametrize(
    "value", ["", "  ", f"{VALUE}\nsecond line", f"{VALUE}\x00", f"{VALUE}é", f"{VALUE}\udcff"]
)
def test_a_value_that_cannot_be_a_key_is_refused_without_being_shown(value: str) -> None:
    with pytest.raises(SecretUnavailable) as caught:
        SecretRef("env:KEY", env={"KEY": value}).reveal()
    assert VALUE not in str(caught.value) + repr(caught.value.__cause__) + caught.value.remedy
    assert "KEY" in str(caught.value)


def test_a_missing_variable_is_named_with_what_to_do() -> None:
    with pytest.raises(SecretUnavailable, match=r"environment variable KEY.*is not set") as caught:
        SecretRef("env:KEY", env={}).reveal()
    assert "set KEY" in caught.value.remedy


def test_a_missing_file_is_named_by_its_whole_path(tmp_path: Path) -> None:
    with pytest.raises(SecretUnavailable, match=str(tmp_path / "key")):
        SecretRef("file:key", base=tmp_path).reveal()


def test_no_text_form_of_settings_holds_a_secret(tmp_path: Path) -> None:
    settings = parse("", tmp_path / "x.toml", {"LEDGERLINE_COMPLIANCE_KEY": VALUE})
    assert settings.anthropic.keys.compliance.reveal() == VALUE
    forms = (
        repr(settings), str(settings), settings.model_dump_json(), repr(settings.anthropic.keys.compliance),
        str(settings.model_dump()), f"{settings.anthropic.keys.compliance}",
    )  # fmt: skip
    for form in forms:
        assert VALUE not in form
    assert "env:LEDGERLINE_COMPLIANCE_KEY" in repr(settings)


def test_a_reference_survives_pickling_without_its_value() -> None:
    reference = SecretRef("env:KEY")
    assert pickle.loads(pickle.dumps(reference)) == reference


def test_a_url_may_be_given_by_reference_and_must_be_https() -> None:
    assert url_of("https://a.example.com") == "https://a.example.com"
    good = "https://a.example.com/hook?sig=x"
    assert url_of(SecretRef("env:U", env={"U": good})) == good
    with pytest.raises(SecretUnavailable) as caught:
        url_of(SecretRef("env:U", env={"U": "http://a.example.com/hook"}))
    assert "a.example.com" not in str(caught.value)


@pytest.fixture
def secrets_manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """A Secrets Manager on loopback, over real HTTP."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    import boto3

    yield boto3.client("secretsmanager")
    server.stop()


def test_aws_secrets_are_fetched_whole_or_by_field_and_misses_are_explained(secrets_manager) -> None:
    secrets_manager.create_secret(Name="ledgerline/plain", SecretString=VALUE)
    secrets_manager.create_secret(Name="ledgerline/json", SecretString=f'{{"compliance": "{VALUE}"}}')
    assert SecretRef("aws-secretsmanager:ledgerline/plain").reveal() == VALUE
    assert SecretRef("aws-secretsmanager:ledgerline/json#compliance").reveal() == VALUE
    with pytest.raises(SecretUnavailable, match="field 'other'") as caught:
        SecretRef("aws-secretsmanager:ledgerline/json#other").reveal()
    assert VALUE not in str(caught.value)
    with pytest.raises(SecretUnavailable, match="ResourceNotFoundException"):
        SecretRef("aws-secretsmanager:ledgerline/none").reveal()


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com:99999/fake-code",
        "https://hooks.example.com:port/fake-code",
        "https://a..b/fake-code",
        "https:///fake-code",
        "http://hooks.example.com/fake-code",
    ],
)
def test_a_secret_address_that_cannot_work_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(SecretUnavailable, match="does not hold an https URL") as told:
        url_of(SecretRef("env:HOOK", env={"HOOK": url}))
    assert "fake-code" not in f"{told.value} {told.value.remedy}"
