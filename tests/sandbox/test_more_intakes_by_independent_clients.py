"""Microsoft's, OpenTelemetry's and Google's own clients against the intakes of Sentinel, OTLP and SecOps."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.monitor.ingestion import LogsIngestionClient
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from sandbox.intakes import serve_intakes


class Application:
    """A credential for Microsoft's client: one token request to the intake's authority."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        answer = httpx.post(
            f"{self.given['authority']}/{self.given['tenant_id']}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                "client_id": self.given["client_id"],
                "client_secret": self.given["client_secret"],
                "scope": scopes[0],
            },
        )
        answer.raise_for_status()
        said = answer.json()
        return AccessToken(said["access_token"], int(datetime.now(UTC).timestamp()) + said["expires_in"])


def rows(count: int) -> list[Any]:
    now = datetime.now(UTC)
    return [
        {"TimeGenerated": (now - timedelta(minutes=1)).isoformat(), "EventId": f"a{n}", "RawEvent": {"n": n}}
        for n in range(count)
    ]


def test_azure_monitor_ingestion_uploads_in_gzip_and_reads_each_refusal():
    with serve_intakes("sentinel") as served:
        given = served.settings["sentinel"]
        plain = {"enforce_https": False}  # its policy sends no token over http unless told
        with LogsIngestionClient(given["endpoint"], Application(given), retry_total=0) as client:
            client.upload(given["dcr_id"], given["stream"], rows(5), **plain)
            assert served["sentinel"].ids() == [f"a{n}" for n in range(5)]
            with pytest.raises(ResourceNotFoundError):
                client.upload("dcr-" + "0" * 32, given["stream"], rows(1), **plain)
            with pytest.raises(HttpResponseError) as refused:
                client.upload(given["dcr_id"], "Custom-Other_CL", rows(1), **plain)
            assert (refused.value.status_code, refused.value.error.code) == (400, "InvalidStream")
            served["sentinel"].faults.on("retry_after", next=1)
            with pytest.raises(HttpResponseError) as busy:
                client.upload(given["dcr_id"], given["stream"], rows(1), **plain)
            assert busy.value.status_code == 429
            large = [{**row, "UserAgent": "x" * 60_000} for row in rows(20)]  # it cuts this into two
            client.upload(given["dcr_id"], given["stream"], large, **plain)
        assert len(served["sentinel"].stored) == 25


def test_opentelemetrys_exporter_sends_records_and_is_refused_without_its_token(caplog):
    with serve_intakes("otlp") as served:
        given = served.settings["otlp"]
        good = OTLPLogExporter(endpoint=f"{given['url']}/v1/logs", headers=given["headers"])
        provider = LoggerProvider(resource=Resource.create({"service.name": "theirs"}))
        provider.add_log_record_processor(SimpleLogRecordProcessor(good))
        handler = LoggingHandler(logger_provider=provider)
        record = logging.LogRecord("claude", logging.WARNING, "x", 1, '{"id": "a"}', None, None)
        setattr(record, "event.id", "a")
        handler.emit(record)
        provider.shutdown()
        assert [(one.id, one.place) for one in served["otlp"].stored] == [("a", "theirs")]
        other = LoggerProvider(resource=Resource.create({"service.name": "theirs"}))
        other.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(f"{given['url']}/v1/logs")))
        LoggingHandler(logger_provider=other).emit(record)
        other.shutdown()
        assert served["otlp"].requests[-1]["status"] == 401
        assert len(served["otlp"].stored) == 1


def test_google_auth_gets_a_token_for_the_service_account_and_none_for_another_key():
    with serve_intakes("secops") as served:
        given = served.settings["secops"]
        account = json.loads(given["credentials"])
        scopes = ["https://www.googleapis.com/auth/cloud-platform"]
        credentials = Credentials.from_service_account_info(account, scopes=scopes)
        credentials.refresh(Request())
        path = f"/v1alpha/projects/{given['project']}/locations/eu/instances/{given['instance']}"
        answer = httpx.post(
            f"{given['url']}{path}/events:import",
            headers={"Authorization": f"Bearer {credentials.token}"},
            json={"inlineSource": {"events": [{"udm": {"metadata": {
                "eventTimestamp": "2026-11-23T01:02:03Z", "eventType": "GENERIC_EVENT", "vendorName": "Anthropic",
                "productName": "Claude", "productLogId": "a"}}}]}},
        )  # fmt: skip
        assert (answer.status_code, served["secops"].ids()) == (200, ["a"])
    with serve_intakes("secops") as other:  # another instance: another key
        url = other.settings["secops"]["url"]
        stranger = Credentials.from_service_account_info({**account, "token_uri": f"{url}/token"}, scopes=scopes)
        with pytest.raises(RefreshError, match="invalid_grant"):
            stranger.refresh(Request())
