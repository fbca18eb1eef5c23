"""The guard of the Dagster UI: Dagster's own server over real HTTP, asked as pages of other sites can."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MUTATION = "mutation { setNuxSeen }"
JSON = {"content-type": "application/json"}
OTHER = "https://attacker.example.com"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    home = tmp_path_factory.mktemp("home")
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    (home / "workspace.yaml").write_text("load_from: []\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free: int = probe.getsockname()[1]
    command = [sys.executable, "-m", "orchestration.ui_server", "-h", "127.0.0.1", "-p", str(free)]
    env = {**os.environ, "DAGSTER_HOME": str(home), "LEDGERLINE_UI_HOSTS": "127.0.0.1,localhost"}
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            [*command, "-w", str(home / "workspace.yaml")], cwd=ROOT, env=env, stdout=log, stderr=log
        )
        try:
            for _ in range(600):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", free)) == 0:
                        break
                assert server.poll() is None, (home / "log").read_text()
                time.sleep(0.1)
            yield free
        finally:
            server.terminate()
            server.wait(20)


def ask(port: int, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body.encode() or None, sent)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def document(query: str) -> str:
    return json.dumps({"query": query})


def test_its_own_pages_ask_and_are_answered(port: int) -> None:
    own = {**JSON, "origin": f"http://127.0.0.1:{port}", "sec-fetch-site": "same-origin"}
    assert ask(port, "POST", "/graphql", document("{ version }"), **own)[0] == 200
    status, said = ask(port, "POST", "/graphql", document(MUTATION), **own)
    assert (status, "setNuxSeen" in said) == (200, True)
    assert ask(port, "GET", "/", accept="text/html")[0] == 200
    assert ask(port, "GET", "/graphql", accept="text/html")[0] == 200  # the playground, which asks by POST


def test_a_program_without_an_origin_is_answered(port: int) -> None:
    assert ask(port, "POST", "/graphql", document("{ version }"), **JSON)[0] == 200


def test_a_link_to_the_ui_from_elsewhere_opens_it(port: int) -> None:
    assert ask(port, "GET", "/runs", sec_fetch_site="cross-site", accept="text/html")[0] == 200


def test_no_picture_or_link_of_another_page_carries_an_order(port: int) -> None:
    """An <img> or a link is a GET with no origin; without the guard Dagster runs the mutation in it."""
    path = "/graphql?query=mutation%20%7B%20setNuxSeen%20%7D"
    assert ask(port, "GET", path)[0] == 403
    assert ask(port, "GET", path, accept="text/html", sec_fetch_site="cross-site")[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": OTHER}, {"origin": "null"}, {"sec_fetch_site": "cross-site"}, {"sec_fetch_site": "same-site"},
        {"origin": "http://127.0.0.1:1"}, {"origin": OTHER, "x_forwarded_host": "ui.example.com"},
    ],
)  # fmt: skip
def test_no_form_or_script_of_another_site_carries_an_order(port: int, headers: dict[str, str]) -> None:
    """A form is a POST as text/plain, whose question Dagster reads from the address."""
    path = "/graphql?query=mutation%20%7B%20setNuxSeen%20%7D"
    assert ask(port, "POST", path, "x=y", content_type="text/plain", **headers)[0] == 403
    assert ask(port, "POST", "/report_asset_materialization/audit_events", "{}", **headers)[0] == 403


def test_another_sites_name_that_points_here_is_not_answered(port: int) -> None:
    assert (
        ask(port, "POST", "/graphql", document("{ version }"), host=f"rebound.example.com:{port}", **JSON)[0]
        == 403
    )
    assert ask(port, "GET", "/", host="rebound.example.com", accept="text/html")[0] == 403


def test_no_websocket_of_another_site_opens(port: int) -> None:
    shake = {
        "connection": "Upgrade", "upgrade": "websocket", "sec_websocket_version": "13",
        "sec_websocket_key": "dGhlIHNhbXBsZSBub25jZQ==", "sec_websocket_protocol": "graphql-ws",
    }  # fmt: skip
    assert ask(port, "GET", "/graphql", origin=OTHER, **shake)[0] == 403
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/graphql", headers={
        **{name.replace("_", "-"): value for name, value in shake.items()}, "origin": f"http://127.0.0.1:{port}"
    })  # fmt: skip
    assert connection.getresponse().status == 101
    connection.close()
