"""Keys that lie in AWS Secrets Manager and nowhere else: pull, sign, verify, and what is said when one is gone."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from tests.promises.conftest import Command
from tests.promises.site import Site
from tests.warehouse.archive import s3_server

_NAME = "example/claude"


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A Secrets Manager on loopback, over real HTTP; this process and its children ask it."""
    settings = {
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": s3_server.moto_endpoint(),
        "AWS_ACCESS_KEY_ID": "EXAMPLEKEY",
        "AWS_SECRET_ACCESS_KEY": s3_server.SECRET,
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("secretsmanager")
    yield client
    for secret in client.list_secrets()["SecretList"]:
        client.delete_secret(SecretId=secret["ARN"], ForceDeleteWithoutRecovery=True)


def test_a_pull_needs_no_key_on_the_machine_and_a_lost_secret_is_named(
    site: Site, vault: Any, past: tuple[str, str], ledgerline: Command
) -> None:
    signing = site.folder / "signing.key"
    vault.create_secret(Name=f"{_NAME}/signing-key", SecretString=signing.read_text())
    vault.create_secret(Name=f"{_NAME}/keys", SecretString=f'{{"compliance": "{site.key}"}}')
    file = site.folder / "ledgerline.toml"
    text = file.read_text().replace("file:./signing.key", f"aws-secretsmanager:{_NAME}/signing-key")
    file.write_text(text.replace("file:./compliance.key", f"aws-secretsmanager:{_NAME}/keys#compliance"))
    secret = signing.read_text().splitlines()[1]
    for key in (signing, site.folder / "compliance.key"):
        key.unlink()

    window = ("--from", past[0], "--to", past[1])
    assert site.pull(*window)["first"] > 0
    assert ledgerline(site, "verify", "--json").json()["findings"] == []

    vault.delete_secret(SecretId=f"{_NAME}/keys", ForceDeleteWithoutRecovery=True)
    refused = ledgerline(site, "pull", "activities", *window)
    assert refused.code == 2
    assert f"aws-secretsmanager:{_NAME}/keys#compliance" in refused.err
    assert "secretsmanager:GetSecretValue" in refused.err
    for path in site.folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert site.key.encode() not in data, path
            assert secret.encode() not in data, path
