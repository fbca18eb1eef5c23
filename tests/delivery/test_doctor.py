"""`ledgerline doctor` asks every type of destination over real connections: there, not there, another's, refused.

Promise: each failure says what to do, and no event is sent.
"""

import json
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from orchestration.cli.app import run
from tests.delivery.everywhere import CLOUD, Everywhere, everywhere
from tests.warehouse.archive.s3_server import client, moto_endpoint
from tests.warehouse.delivery.destinations.certificates import Certificates, make
from tests.warehouse.delivery.destinations.rig import settings
from warehouse.config.destinations import TYPES
from warehouse.delivery import destinations, knocking
from warehouse.delivery.errors import Halted

PAGE = Path(__file__).parents[2] / "docs" / "destinations.md"


@pytest.fixture(scope="module")
def world() -> Iterator[Everywhere]:
    with everywhere() as world:
        yield world


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def asked(world: Everywhere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Any:
    """Runs `doctor --json` on a configuration; its checks of destinations, by type."""
    for name in [name for name in os.environ if name.startswith(("LEDGERLINE_", "AWS_"))]:
        monkeypatch.delenv(name)
    for name, value in world.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def ask(toml: str) -> dict[str, dict[str, str]]:
        (tmp_path / "ledgerline.toml").write_text(
            f'[anthropic]\nbase_url = "http://127.0.0.1:9"\ntries = 1\n{toml}'
        )
        capsys.readouterr()
        run(["init"])
        capsys.readouterr()
        run(["doctor", "--json"])
        told = capsys.readouterr()
        for secrets in world.secrets.values():
            for secret in secrets:
                assert secret not in told.out + told.err
        checks = [one for one in json.loads(told.out)["checks"] if one["check"] == "destination"]
        return {one["subject"].rpartition("(")[2].rstrip(")"): one for one in checks}

    return ask


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_doctor_finds_the_receiver_of_every_type_and_sends_it_no_event(world: Everywhere, asked: Any) -> None:
    checks = asked(world.toml())
    assert {type: one["state"] for type, one in checks.items()} == dict.fromkeys(TYPES, "ok")
    assert all(one["detail"] for one in checks.values())
    for name, intake in world.served.intakes.all.items():
        assert (name, intake.stored, intake.violations) == (name, [], [])
    assert "Contents" not in client().list_objects_v2(Bucket=world.bucket)


def test_the_page_says_what_is_asked_of_each_type() -> None:
    text = PAGE.read_text(encoding="utf-8").partition("\n## What `doctor` asks\n")[2].partition("\n## ")[0]
    assert [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")] == list(TYPES)


def test_doctor_says_of_every_type_that_nobody_is_there_and_what_to_do(
    world: Everywhere, asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = closed_port()
    gone = f"http://127.0.0.1:{port}"
    toml = world.toml().replace(world.served.url, gone).replace(moto_endpoint(), gone)
    toml = toml.replace(f"port = {world.served['syslog'].port}", f"port = {port}")  # type: ignore[attr-defined]
    for name, value in world.env.items():
        monkeypatch.setenv(name, value.replace(world.served.url, gone))
    checks = asked(toml)
    assert {type: one["state"] for type, one in checks.items()} == dict.fromkeys(TYPES, "failed")
    for type, one in checks.items():
        assert "no connection" in one["detail"] or "no answer from S3" in one["detail"], type
        assert "HTTP 503" not in one["detail"]
        assert "check" in one["remedy"], type


@pytest.mark.parametrize("type", [type for type in TYPES if type not in CLOUD])
def test_a_host_that_has_no_name_is_told_apart_from_one_that_is_down(type: str, world: Everywhere) -> None:
    given = _elsewhere(world, type, "https://siem.nowhere.invalid", host="siem.nowhere.invalid")
    outcome = destinations.load(type).probe(settings(type, given))
    assert outcome.kind == "retry"
    assert "name of the host is not known" in outcome.reason
    assert outcome.remedy


# a probe that only connects cannot know; these ask
KNOWS = {
    "elastic": "api_key",
    "otlp": "headers",
    "sentinel": "client_secret",
    "secops": "credentials",
    "sentinel_legacy": "shared_key",
}


@pytest.mark.parametrize("type", KNOWS)
def test_a_credential_that_is_refused_is_told_with_what_to_do(type: str, world: Everywhere) -> None:
    name, given = KNOWS[type], dict(world.served.settings[type])
    wrong: Any = {"headers": {"Authorization": "Bearer wrong-and-fake"}, "shared_key": "no base64!"}.get(
        name, "d3Jvbmc="
    )
    if type == "secops":
        wrong = given[name].replace("ledgerline@", "stranger@")
    module = destinations.load(type)
    configured = settings(type, given | {name: wrong})
    try:
        module.connect(configured).close()
        outcome = module.probe(configured)
        kind, told, remedy = outcome.kind, outcome.reason, outcome.remedy
    except Halted as halted:
        kind, told, remedy = "halt", str(halted), halted.remedy
    assert kind == "halt"
    assert remedy
    assert "wrong-and-fake" not in told + remedy
    assert world.served[type].stored == []


@contextmanager
def tls(certificate: Path, key: Path) -> Iterator[int]:
    """A TLS server that says nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            with suppress(OSError), context.wrap_socket(line, server_side=True) as secure:
                secure.recv(1)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _elsewhere(world: Everywhere, type: str, url: str, **more: Any) -> dict[str, Any]:
    """The settings of a type with its receiver at another address; `more` where the type has no URL."""
    given = json.loads(json.dumps(world.served.settings[type]).replace(world.served.url, url))
    return given | ({name: value for name, value in more.items() if type == "syslog"})


CHECKED = ("splunk", "elastic", "logstash", "webhook", "cribl", "otlp", "syslog", "datadog", "sumo",
           "sentinel_legacy", "sentinel", "secops")  # fmt: skip


@pytest.mark.parametrize("type", CHECKED)
@pytest.mark.parametrize("whose", ["other_name", "stranger"])
def test_a_certificate_of_another_name_or_a_stranger_is_told_with_what_to_do(
    type: str, whose: str, world: Everywhere, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))  # whom this machine trusts
    from warehouse.delivery import over_http

    over_http._trusted_by_system.cache_clear()
    pair = getattr(certificates, whose), getattr(certificates, f"{whose}_key")
    try:
        with tls(*pair) as port:
            given = _elsewhere(world, type, f"https://127.0.0.1:{port}", host="127.0.0.1", port=port, tls=True)
            module = destinations.load(type)
            try:
                outcome = module.probe(settings(type, given))
                kind, told, remedy = outcome.kind, outcome.reason, outcome.remedy
            except Halted as halted:
                kind, told, remedy = "halt", str(halted), halted.remedy
    finally:
        over_http._trusted_by_system.cache_clear()
    assert kind == "halt"
    assert ("mismatch" if whose == "other_name" else "issuer") in told
    assert "host name" in remedy


def test_a_bucket_that_is_not_there_and_one_without_credentials_are_told_apart(
    world: Everywhere, asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = asked(world.toml(*CLOUD).replace(world.bucket, "no-such-bucket-of-anybody"))
    assert {one["state"] for one in checks.values()} == {"failed"}
    assert all("404" in one["detail"] and "correct url" in one["remedy"] for one in checks.values())
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    checks = asked(world.toml("snowflake"))
    assert "no AWS credentials" in checks["snowflake"]["detail"]
    assert "AWS_ACCESS_KEY_ID" in checks["snowflake"]["remedy"]


def test_a_port_that_speaks_no_tls_is_told(world: Everywhere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knocking, "SECONDS", 0.5)
    port = world.served["syslog"].port  # type: ignore[attr-defined]
    given = {"host": "127.0.0.1", "port": port, "tls": True}
    outcome = destinations.load("syslog").probe(settings("syslog", given))
    assert outcome.kind in ("halt", "retry")
    assert "TLS" in outcome.reason
    assert "port" in outcome.remedy
