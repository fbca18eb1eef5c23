"""Telling a human: once per incident, over real HTTP, and never at the cost of what is reported."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import dagster as dg
import pytest

from assets.exports import inbox
from orchestration.alerting import WEBHOOK
from orchestration.sensors import failed_runs, failing_checks
from sandbox import Served
from tests.assets.pipeline import QUIET, Pipeline


@contextmanager
def webhook(status: int = 200) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook on loopback that keeps what it is told."""
    heard: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/secret-path", heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Watch:
    """The check sensor, tick after tick with its cursor."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline, self.cursor = pipeline, None

    def look(self) -> str:
        context = dg.build_sensor_context(
            instance=self.pipeline.instance,
            cursor=self.cursor,
            repository_def=self.pipeline.definitions.get_repository_def(),
        )
        data = failing_checks.evaluate_tick(context)
        self.cursor = data.cursor
        return data.skip_message or ""


def test_a_failing_check_is_told_once_and_again_only_when_it_gets_worse(
    pipeline: Pipeline, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    with webhook() as (url, heard):
        monkeypatch.setenv(WEBHOOK, url)
        watch = Watch(pipeline)
        pipeline.pull("2026-11-17", "2026-11-22")
        watch.look()
        heard.clear()
        served.tenant.withdraw(day=pipeline.start, count=1)
        pipeline.pull("2026-11-17")
        watch.look()
        watch.look()
        assert [told["subject"] for told in heard] == ["audit_events: records_unchanged"]
        assert heard[0]["severity"] == "WARN"
        assert "audit_event_versions" in heard[0]["text"]
        pipeline.tail("2026-11-22")
        watch.look()
        assert len(heard) == 1
        served.tenant.withdraw(day=pipeline.start, count=1)
        pipeline.pull("2026-11-17")
        watch.look()
        assert len(heard) == 2


def test_an_alert_that_could_not_be_sent_is_sent_again_and_the_address_is_kept_secret(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    pipeline.pull("2026-11-20")
    watch = Watch(pipeline)
    with webhook(status=500) as (url, heard):
        monkeypatch.setenv(WEBHOOK, url)
        watch.look()
        assert heard
    watch.look()  # nobody listens any more
    monkeypatch.setenv(WEBHOOK, "no-address/secret-path")
    watch.look()
    assert "secret-path" not in caplog.text
    with webhook() as (url, heard):
        monkeypatch.setenv(WEBHOOK, url)
        watch.look()
        assert {"audit_events: coverage_without_gap", "audit_events: tail_is_fresh"} <= {
            told["subject"] for told in heard
        }


def fail(pipeline: Pipeline, job: str = "audit_tail") -> dg.DagsterRun:
    result = pipeline.definitions.resolve_job_def(job).execute_in_process(
        partition_key="2026-11-22", run_config=QUIET, instance=pipeline.instance, raise_on_error=False
    )
    return result.dagster_run


def tell_of(pipeline: Pipeline, run: dg.DagsterRun) -> None:
    record = pipeline.instance.get_run_by_id(run.run_id)
    assert record is not None
    events = pipeline.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    context = dg.build_run_status_sensor_context(
        "failed_runs",
        dagster_instance=pipeline.instance,
        dagster_run=record,
        dagster_event=events[0].get_dagster_event(),
    ).for_run_failure()
    failed_runs(context)


def test_a_failed_run_is_told_in_our_own_words_once_until_the_job_succeeds(
    pipeline: Pipeline, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    with webhook() as (url, heard):
        monkeypatch.setenv(WEBHOOK, url)
        served.faults.on("missing_scope")
        tell_of(pipeline, fail(pipeline))
        assert "read:compliance_activities" in heard[0]["detail"]
        assert "Traceback" not in heard[0]["detail"]
        tell_of(pipeline, fail(pipeline))
        assert len(heard) == 1
        served.faults.clear()
        assert fail(pipeline).status == dg.DagsterRunStatus.SUCCESS
        served.faults.on("missing_scope")
        tell_of(pipeline, fail(pipeline))
        assert len(heard) == 2


def test_a_file_laid_into_the_folder_is_asked_for_once(pipeline: Pipeline) -> None:
    repository = pipeline.definitions.get_repository_def()
    sensor = repository.get_sensor_def("export_files")
    folder = inbox(pipeline.settings().warehouse.duckdb)

    def requested() -> list[dg.RunRequest]:
        context = dg.build_sensor_context(instance=pipeline.instance, repository_def=repository)
        return list(sensor.evaluate_tick(context).run_requests or [])

    assert requested() == []
    folder.mkdir(parents=True)
    (folder / "audit_logs.csv").write_text("a\n")
    first = requested()
    assert [request.run_key for request in requested()] == [request.run_key for request in first]
    assert first[0].run_config["ops"]["audit_export_rows"]["config"]["files"] == [str(folder / "audit_logs.csv")]
