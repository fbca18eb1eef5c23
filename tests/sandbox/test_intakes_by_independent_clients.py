"""The vendors' own clients against the intakes: if they cannot use one, it is not what it pretends to be."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from datadog_api_client import ApiClient, Configuration
from datadog_api_client.exceptions import ForbiddenException
from datadog_api_client.v2.api.logs_api import LogsApi
from datadog_api_client.v2.model.content_encoding import ContentEncoding
from datadog_api_client.v2.model.http_log import HTTPLog
from datadog_api_client.v2.model.http_log_item import HTTPLogItem
from elasticsearch import AuthenticationException, Elasticsearch
from elasticsearch.helpers import streaming_bulk
from splunk_logging.exceptions import HecBatchError
from splunk_logging.forwarders import HecForwarder

from sandbox.intakes import serve_intakes

NOW = datetime.now(UTC)


def test_elasticsearch_9_sends_in_bulk_and_reads_each_answer():
    with serve_intakes("elastic") as served:
        given = served.settings["elastic"]
        stream = "logs-anthropic.audit-default"
        actions = [
            {"_op_type": "create", "_index": stream, "_id": id, "@timestamp": NOW.isoformat(), "event": {"id": id}}
            for id in ("a", "b", "a")
        ]
        with Elasticsearch(given["url"], api_key=given["api_key"], http_compress=True) as client:
            assert client.info()["tagline"] == "You Know, for Search"
            found = [
                (ok, one["create"]["status"]) for ok, one in streaming_bulk(client, actions, raise_on_error=False)
            ]
        assert found == [(True, 201), (True, 201), (False, 409)]
        assert served["elastic"].ids() == ["a", "b"]
        with Elasticsearch(given["url"], api_key="d3Jvbmc=") as client, pytest.raises(AuthenticationException):
            client.info()


def test_datadog_api_client_submits_logs():
    with serve_intakes("datadog") as served:
        given = served.settings["datadog"]
        place = urlsplit(given["url"])

        def submit(key: str) -> object:
            configuration = Configuration(api_key={"apiKeyAuth": key})
            configuration.server_operation_index = {"submit_log": 1}
            configuration.server_operation_variables = {
                "submit_log": {"name": place.netloc + place.path, "protocol": "http"}
            }
            log = HTTPLogItem(
                ddsource="anthropic", service="s", message="m", event_id="a", timestamp=int(NOW.timestamp() * 1000)
            )
            with ApiClient(configuration) as client:
                return LogsApi(client).submit_log(body=HTTPLog([log]), content_encoding=ContentEncoding.GZIP)

        assert submit(given["api_key"]) == {}
        assert served["datadog"].ids() == ["a"]
        with pytest.raises(ForbiddenException):
            submit("0" * 32)


def test_splunks_own_sender_waits_for_the_acknowledgement_and_reads_the_number_of_a_bad_event():
    with serve_intakes("splunk") as served:
        given = served.settings["splunk"]
        place = urlsplit(served.url)
        address = {"host": place.hostname, "port": place.port, "use_ssl": False, "default_index": "main"}
        served["splunk"].faults.on("ack_late", next=2)
        with HecForwarder(**address, token=given["ack_token"], indexer_ack=True, ack_poll_interval=0.02) as sender:
            sender.forward_events([{"id": "a"}, {"id": "b"}])
        assert len([one for one in served["splunk"].requests if one["path"].endswith("/ack")]) == 3
        with HecForwarder(**address, token=given["token"]) as sender, pytest.raises(HecBatchError) as refused:
            sender.forward_events([{"id": "c"}, {"id": "d"}, {"id": "e"}], index="nobody")
        assert refused.value.accepted_count == 1
        assert served["splunk"].ids() == ["a", "b"]
