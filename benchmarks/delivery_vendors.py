"""Contenders: the vendors' own Python clients, with documents ready in memory. Prints one JSON line.

`elastic`: `elasticsearch.helpers.streaming_bulk`, 5,000 a request, uncompressed as is its default. `datadog`:
`LogsApi.submit_log` with `HTTPLogItem`s, 1,000 a request (its limit), gzip. `sentinel`: the `upload` of
`LogsIngestionClient`, which cuts and compresses by itself. None reads an archive, maps or writes a receipt.
"""

import gc
import json
import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from typing import Any
from urllib.parse import urlsplit

from benchmarks.delivery_receiver import Sink
from benchmarks.delivery_setup import BATCH, documents, options

_STREAM = "logs-anthropic.audit-default"


def elastic(to: Sink, found: Iterator[dict[str, Any]]) -> int:
    from elasticsearch import Elasticsearch  # noqa: PLC0415 - one contender loads one client
    from elasticsearch.helpers import streaming_bulk  # noqa: PLC0415

    actions = (
        {"_op_type": "create", "_index": _STREAM, "_id": one["event"]["id"], "_source": one} for one in found
    )
    with Elasticsearch(to.url, api_key="ZmFrZQ==") as client:
        return sum(ok for ok, _ in streaming_bulk(client, actions, chunk_size=BATCH))


def datadog(to: Sink, found: Iterator[dict[str, Any]]) -> int:
    from datadog_api_client import ApiClient, Configuration  # noqa: PLC0415
    from datadog_api_client.v2.api.logs_api import LogsApi  # noqa: PLC0415
    from datadog_api_client.v2.model.content_encoding import ContentEncoding  # noqa: PLC0415
    from datadog_api_client.v2.model.http_log import HTTPLog  # noqa: PLC0415
    from datadog_api_client.v2.model.http_log_item import HTTPLogItem  # noqa: PLC0415

    configuration = Configuration(api_key={"apiKeyAuth": "0" * 32})
    configuration.server_operation_index = {"submit_log": 1}
    place = {"name": urlsplit(to.url).netloc, "protocol": "http"}
    configuration.server_operation_variables = {"submit_log": place}
    sent = 0
    with ApiClient(configuration) as client:
        logs = LogsApi(client)
        while batch := [HTTPLogItem(**one) for one in islice(found, 1_000)]:
            logs.submit_log(body=HTTPLog(batch), content_encoding=ContentEncoding.GZIP)
            sent += len(batch)
    return sent


def sentinel(to: Sink, found: Iterator[dict[str, Any]]) -> int:
    from azure.core.credentials import AccessToken  # noqa: PLC0415
    from azure.monitor.ingestion import LogsIngestionClient  # noqa: PLC0415

    class Credential:
        def get_token(self, *_scopes: str, **_more: Any) -> AccessToken:
            return AccessToken("fake", int(time.time()) + 3600)

    sent = 0
    with LogsIngestionClient(to.url, Credential()) as client:
        while batch := list(islice(found, BATCH)):
            client.upload(f"dcr-{0:032}", "Custom-ClaudeAuditLogs_CL", batch, enforce_https=False)  # type: ignore[arg-type]
            sent += len(batch)
    return sent


CLIENTS: dict[str, Callable[[Sink, Iterator[dict[str, Any]]], int]] = {
    "elastic": elastic,
    "datadog": datadog,
    "sentinel": sentinel,
}


def main() -> None:
    told = options(__doc__).parse_args()
    to = Sink(told.http, told.syslog)
    ready = documents(told.folder, told.type, to)
    gc.collect()
    gc.freeze()  # the client's own collector is not to walk our documents
    wall, cpu = time.perf_counter(), time.process_time()
    sent = CLIENTS[told.type](to, islice(cycle(ready), told.events))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if sent != told.events:
        raise SystemExit(f"{sent} of {told.events} sent")
    print(json.dumps({"events": sent, "wall": wall, "cpu": cpu}))


if __name__ == "__main__":
    main()
