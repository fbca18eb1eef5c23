"""The configurations for Azure and Google Cloud are whole, and their jobs run commands that there are."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.cli.app import app
from warehouse.config import load

DEPLOY = Path(__file__).parents[2] / "deploy"


def containers(document: Any) -> list[dict[str, Any]]:
    """Every list `containers` in a document, whatever it lies in."""
    if isinstance(document, list):
        return [found for one in document for found in containers(one)]
    if not isinstance(document, dict):
        return []
    inner = [found for name, one in document.items() if name != "containers" for found in containers(one)]
    return [*document.get("containers", []), *inner]


@pytest.mark.parametrize(("cloud", "scheme", "queue"), [("azure", "az://", "azure"), ("gcp", "gs://", "pubsub")])
def test_the_configuration_is_valid_and_its_job_has_every_secret_it_names(
    cloud: str, scheme: str, queue: str
) -> None:
    settings = load(DEPLOY / cloud / "ledgerline.toml")
    assert settings.archive.url.startswith(scheme)
    assert (settings.archive.lock, settings.delivery.queue) == ("compliance", queue)
    (container,) = containers(yaml.safe_load((DEPLOY / cloud / "job.yaml").read_text()))
    given = {one["name"] for one in container["env"]}
    for reference in (settings.archive.signing_key, settings.anthropic.keys.compliance):
        assert reference.kind == "env"
        assert reference.target in given
    assert container["args"][0] in {command.name for command in app.registered_commands}
