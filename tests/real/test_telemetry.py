"""Genuine clients, a real Collector with the shipped configuration, object storage, Parquet, the mart: true
totals."""

import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from assets.building import build
from assets.telemetry_landing import land_telemetry
from orchestration.telemetry_receiver import running as receiving
from orchestration.workshop import open_workshop
from tests.real import go_program, telemetry
from tests.real.servers import Gateway, a_bucket_server
from tests.telemetry import test_content_stays_out as content
from tests.telemetry.places import Place
from tests.warehouse.delivery.destinations.certificates import make
from warehouse.tables.catalog import connect
from warehouse.telemetry.allow_list import allow_list
from warehouse.telemetry.inbox import Inbox
from warehouse.telemetry.receiver import Receiver

pytestmark = pytest.mark.real

BUCKET = "claude-otel"
PLANTED = b"PLANTED-PHRASE"


@dataclass
class Landed:
    """What the clients counted, by session, and the installation that has it."""

    place: Place
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: Path = Path()
    log: Path = Path()
    rows: dict[str, tuple[Any, ...]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def environ() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory, environ: pytest.MonkeyPatch) -> Iterator[Landed]:
    folder = tmp_path_factory.mktemp("otel")
    with a_bucket_server(folder) as gateway:
        yield _landed(folder, gateway, environ)


def _landed(folder: Path, gateway: Gateway, environ: pytest.MonkeyPatch) -> Landed:
    """The Collector writes its files into the folder that is the bucket: what it closes is an object there."""
    gateway.client.create_bucket(Bucket=BUCKET)
    environ.setenv("AWS_ACCESS_KEY_ID", gateway.access_key)
    environ.setenv("AWS_SECRET_ACCESS_KEY", gateway.secret_key)
    place = Place(folder / "here", f'[telemetry]\ns3_endpoint = "{gateway.endpoint}"\ns3_region = "us-east-1"\n')
    found = Landed(place)
    bucket = gateway.objects / BUCKET / "claude-code"
    with telemetry.collector(folder, "files", OTEL_FILES_DIR=str(bucket)) as running:
        told = found.told
        told["py-http-delta"] = telemetry.count(running, "py-http-delta", delta=True)
        told["py-http-cumulative"] = telemetry.count(running, "py-http-cumulative")
        told["py-grpc-delta"] = telemetry.count(running, "py-grpc-delta", grpc=True, delta=True)
        told["py-grpc-cumulative"] = telemetry.count(running, "py-grpc-cumulative", grpc=True)
        for name in ("delta", "cumulative"):
            flags = {"delta": name == "delta"}
            restarted = [telemetry.count(running, f"restarted-{name}", **flags) for _ in range(2)]
            told[f"restarted-{name}"] = telemetry.summed(*restarted)
            told[f"killed-{name}"] = telemetry.count(running, f"killed-{name}", die=True, **flags)
            told[f"js-{name}"] = telemetry.count_in_javascript(running, f"js-{name}", name)
        found.files, found.log = running.files, running.log
    with open_workshop(
        place.settings, for_writing=True
    ) as workshop:  # the Collector has ended: its files are closed
        report = land_telemetry(workshop, [f"s3://{BUCKET}/claude-code"], settled=timedelta(0))
        assert {file["status"] for file in report.files} == {"landed"}, report.files
        build(workshop)
    with (
        open_workshop(place.settings, for_writing=False) as workshop,
        connect(workshop.archive, database=workshop.marts) as db,
    ):
        rows = db.execute(
            "select session_id, sum(cost_usd), sum(input_tokens), sum(output_tokens), sum(commits), "
            "sum(requests), sum(metric_cost_usd) from fct_claude_code_session_day group by session_id"
        ).fetchall()
    found.rows = {row[0]: row[1:] for row in rows}
    return found


@pytest.mark.parametrize("name", ["delta", "cumulative"])
@pytest.mark.parametrize("kind", ["py-http", "py-grpc", "restarted", "killed", "js"])
def test_the_mart_has_what_the_client_counted(landed: Landed, kind: str, name: str) -> None:
    session = f"{kind}-{name}"
    told = landed.told[session]
    cost, into, output, commits, requests, by_counter = landed.rows[session]
    assert (cost, into, output, requests) == (
        Decimal(told["cost_micros"]).scaleb(-6), told["input_tokens"], told["output_tokens"], told["requests"],
    )  # fmt: skip
    assert commits == told["commits"]
    assert abs(by_counter - cost) < Decimal("0.000001")


def test_what_was_said_is_nowhere(landed: Landed) -> None:
    for folder in (landed.files, landed.place.folder):
        for path in folder.rglob("*"):
            if path.is_file():
                assert PLANTED not in path.read_bytes(), path
    assert PLANTED not in landed.log.read_bytes()


def planted(signal: str) -> Any:
    """A request with a phrase and a word wherever a text may stand, but under no name that is listed: the
    Collector looks at names, and what a value is, our reader judges."""
    message = content.request(signal)
    (outer,) = message.resource_logs if signal == "logs" else message.resource_metrics
    (inner,) = outer.scope_logs if signal == "logs" else outer.scope_metrics
    bare = [outer.resource.attributes, inner.scope.attributes]
    if signal == "logs":
        bare += [record.attributes for record in inner.log_records]
    else:
        metric = inner.metrics[0]
        metric.metadata.append(KeyValue(key=content.WORD, value=content.value(content.PHRASE)))
        bare += [point.attributes for point in metric.sum.data_points]
        # nothing below it, so that no statement about points would come to it
        empty = message.resource_metrics.add(schema_url=content.WORD)
        empty.resource.attributes.extend(content.hostile())
        bare.append(empty.resource.attributes)
        empty.scope_metrics.add().metrics.add(name="claude_code.cost.usage", unit=content.WORD).sum.SetInParent()
    honest = {pair.key for pair in content.honest()}
    for pairs in bare:
        kept = [pair for pair in pairs if pair.key in honest or pair.key not in allow_list().rows]
        del pairs[:]
        pairs.extend(kept)
    return message


@pytest.mark.parametrize("signal", ["logs", "metrics"])
def test_what_is_planted_in_every_place_does_not_leave_the_collector(signal: str, tmp_path: Path) -> None:
    message = planted(signal)
    assert content.planted_in(message.SerializeToString())
    with telemetry.collector(tmp_path, "files") as running:
        answer = httpx.post(
            f"{running.http}/v1/{signal}",
            content=message.SerializeToString(),
            headers={"content-type": "application/x-protobuf", "authorization": f"Bearer {telemetry.TOKEN}"},
            verify=ssl.create_default_context(cafile=running.certificates.authority),
        )
        assert answer.status_code == 200, answer.text
    left = (running.files / f"{signal}.json").read_bytes()
    assert b'"session.id"' in left
    assert not content.planted_in(left), left


@pytest.mark.parametrize("destinations", [["files"], ["otlp"], ["files", "otlp"]], ids=" ".join)
def test_the_collector_finds_nothing_wrong_with_the_configuration(destinations: list[str], tmp_path: Path) -> None:
    given = telemetry.environment(tmp_path, make(tmp_path), OTLP_URL="http://127.0.0.1:9")
    program = go_program.built_here("telemetry")
    done = subprocess.run(
        [program, "validate", *telemetry.arguments(tmp_path, *destinations)],
        env=given, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_without_the_allow_list_it_does_not_start(tmp_path: Path) -> None:
    given = telemetry.environment(tmp_path, make(tmp_path))
    config = [telemetry.OTEL / "claude-code.yaml", telemetry.OTEL / "to-files.yaml"]
    words = [text for path in config for text in ("--config", str(path))]
    program = go_program.built_here("telemetry")
    done = subprocess.run([program, *words], env=given, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode != 0
    assert "filter/content" in done.stderr


def test_a_client_without_the_token_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with telemetry.collector(tmp_path, "files") as running:
        monkeypatch.setattr(telemetry, "TOKEN", "another")
        with pytest.raises(AssertionError, match=r"Failed to export|export failed"):
            telemetry.count(running, "refused", delta=True)


def test_the_collector_hands_on_to_the_embedded_receiver_through_its_queue(tmp_path: Path) -> None:
    receiver = Receiver(Inbox(tmp_path / "inbox"), gather_seconds=0.05)
    (tmp_path / "collector").mkdir()
    with receiving(receiver) as url:
        with telemetry.collector(tmp_path / "collector", "otlp", OTLP_URL=url, OTLP_BATCH_SECONDS="1") as running:
            told = telemetry.count(running, "handed-on", delta=True)
        # the Collector has ended: what was in its queue was sent on, or is kept for its next start
        if receiver.taken.events < told["requests"]:
            with telemetry.collector(tmp_path / "collector", "otlp", OTLP_URL=url, OTLP_BATCH_SECONDS="1"):
                _until(lambda: receiver.taken.events >= told["requests"])
    assert receiver.taken.events == told["requests"]
    assert not receiver.taken.refused


def _until(reached: Any, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not reached():
        time.sleep(0.1)
