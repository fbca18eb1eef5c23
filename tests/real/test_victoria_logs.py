"""Two of our destinations into VictoriaLogs v1.52.1, a real server that speaks their protocols.

It takes Splunk's event collector and lines of JSON, and shows what it stored. It is more lenient than Splunk: no
tokens, no acknowledgement, no limits. Splunk itself cannot be run here; what this shows is that somebody else's
reader of its protocol finds every event, under its time and id. Its reader of Datadog's protocol takes nothing but
texts as attributes, which is what agents send, and so cannot stand in for Datadog's own.
"""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.real import go_program
from tests.warehouse.delivery.destinations.rig import Sender, iso, just_now, settings
from tests.warehouse.delivery.mappings.rows import every_type, rows
from warehouse.delivery import destinations
from warehouse.delivery.mappings.canonical import canonical_events

pytestmark = pytest.mark.real

MODULE = "github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs"
VERSION = "v1.52.1"
_SHOWN_SECONDS = 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running server over an empty folder."""
    program = go_program.built(MODULE, VERSION)
    folder = tmp_path_factory.mktemp("victoria-logs")
    port, log = go_program.free_port(), folder / "log"
    command = [program, f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={folder / 'data'}"]
    with Path(log).open("wb") as out:
        running = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        go_program.wait_for(port, running, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        go_program.stop(running)


def found(server: str, query: str, count: int) -> list[dict[str, Any]]:
    """What a query finds, once it finds as many as it should or the time is up."""
    end = time.monotonic() + _SHOWN_SECONDS
    while True:
        answer = httpx.get(f"{server}/select/logsql/query", params={"query": query, "limit": 10_000}, timeout=30)
        answer.raise_for_status()
        lines = [json.loads(line) for line in answer.text.splitlines()]
        if len(lines) >= count or time.monotonic() > end:
            return lines
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("type", "given", "query", "id_field"),
    [
        ("splunk", {"url": "{server}", "token": "any"}, "sourcetype:=anthropic:claude:audit", "event.event_id"),
        (
            "webhook",
            {"url": "{server}/insert/jsonline?_time_field=event_time&_stream_fields=source", "body": "ndjson"},
            "source:=anthropic:claude",
            "event_id",
        ),
    ],
)
def test_the_ids_found_there_are_those_of_the_receipts(server, type, given, query, id_field):
    created = iso(just_now(minutes=20))
    batch = canonical_events(rows(*({**one, "created_at": created} for one in every_type())))
    filled = {name: text.format(server=server) for name, text in given.items()}
    module = destinations.load(type)
    if type == "webhook":
        configured = module.Settings.model_validate(
            {"name": "soc", "type": type, **filled, "url": "env:HOOK"}, context={"env": {"HOOK": filled["url"]}}
        )
    else:
        configured = settings(type, filled)
    sender = Sender(module, configured, module.connect(configured))
    size = min(module.LIMITS.events, 300)
    for start in range(0, len(batch), size):
        sender.until_settled(batch[start : start + size])
    assert set(sender.kinds()) == {"delivered"}
    lines = found(server, query, len(batch))
    assert sorted(line[id_field] for line in lines) == sorted(sender.told)
    assert {line["_time"].rstrip("Z").ljust(26, "0") for line in lines} == {created[:26]}
