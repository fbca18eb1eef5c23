"""`ledgerline doctor` and destinations: secrets, slices and receivers, and no event sent."""

from pathlib import Path

import pytest

from sandbox import Served
from sandbox.intakes import serve_intakes
from tests.orchestration.cli.conftest import Command, configure

TABLE = """
[[destinations]]
name = "{name}"
type = "{type}"
slice = "{slice}"
"""


def add(folder: Path, type: str, *, name: str = "", slice: str = "all", **settings: str) -> None:
    text = TABLE.format(name=name or type, type=type, slice=slice)
    text += "".join(f'{key} = "{value}"\n' for key, value in settings.items())
    path = folder / "ledgerline.toml"
    path.write_text(path.read_text() + text)


def test_doctor_says_of_each_destination_whether_its_receiver_is_there_and_sends_no_event(
    ledgerline: Command, tmp_path: Path, sandbox: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path, sandbox)
    ledgerline("init")
    with serve_intakes() as served:
        given = served.settings
        monkeypatch.setenv("SPLUNK_TOKEN", given["splunk"]["token"])
        monkeypatch.setenv("SUMO_URL", given["sumo"]["url"])
        monkeypatch.setenv("ELASTIC_KEY", "d3Jvbmc=")
        add(tmp_path, "splunk", url=given["splunk"]["url"], token="env:SPLUNK_TOKEN")
        add(tmp_path, "sumo", url="env:SUMO_URL")
        add(tmp_path, "elastic", url=given["elastic"]["url"], api_key="env:ELASTIC_KEY")
        add(tmp_path, "datadog", url=given["datadog"]["url"], api_key="env:DATADOG_KEY")
        add(tmp_path, "webhook", url="http://127.0.0.1:1/hook")
        add(tmp_path, "cribl", url=given["cribl"]["url"], slice="type = ")
        ended = ledgerline("doctor", "--json")
        checks = {one["subject"]: one for one in ended.json()["checks"] if one["check"] == "destination"}
        assert ended.code == 1
        assert {name.split()[0]: one["state"] for name, one in checks.items()} == {
            "splunk": "ok", "sumo": "ok", "elastic": "failed", "datadog": "failed", "webhook": "failed",
            "cribl": "failed",
        }  # fmt: skip
        assert "healthy" in checks["splunk (splunk)"]["detail"]
        assert "401" in checks["elastic (elastic)"]["detail"]
        assert "DATADOG_KEY" in checks["datadog (datadog)"]["detail"]
        assert "no connection" in checks["webhook (webhook)"]["detail"]
        assert all(not served[name].stored and not served[name].violations for name in served.intakes.all)
        assert given["sumo"]["url"].rpartition("/")[2] not in ended.out + ended.err
