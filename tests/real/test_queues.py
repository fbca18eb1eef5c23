"""Claim checks through Azurite's queues and Google's own fake of Pub/Sub (pstest).

Azurite keeps what Azure keeps: receipts, counts, hidden messages. pstest counts deliveries and has leases; it
moves nothing to a dead-letter topic, so there the last step is the server's own and is not shown.
"""

import base64
import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from azure.storage.queue import QueueServiceClient
from google.pubsub_v1.services.publisher import PublisherClient
from google.pubsub_v1.services.subscriber import SubscriberClient

from tests.real import azurite, go_program
from warehouse.config.delivery import Delivery
from warehouse.delivery.errors import QueueUnreachable, QueueUnusable
from warehouse.delivery.queues import open_queue
from warehouse.delivery.queues.port import VERSION, Claim, Queue, read_claim

pytestmark = pytest.mark.real

TRIES = 3


def claim(seq: int) -> Claim:
    return Claim(
        v=VERSION, origin="ledgerline/0123", seq=seq, key=f"log/entry/{seq:012d}.json", sha256="0" * 64,
        table="audit_events", committed_at="2026-11-22T10:00:00Z",
    )  # fmt: skip


def receive(queue: Queue, count: int, seconds: float = 20) -> list[Any]:
    found: list[Any] = []
    end = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < end:
        found += queue.receive(1.0)
    return found


# Azure


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueueServiceClient]:
    main, port = azurite.program(), go_program.free_port()
    folder, key = tmp_path_factory.mktemp("azurite-queue"), base64.b64encode(secrets.token_bytes(32)).decode()
    log = folder / "log"
    node = shutil.which("node") or "node"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [node, str(main), "--silent", "--skipApiVersionCheck", "--disableTelemetry", "--location", str(folder),
             "--queueHost", "127.0.0.1", "--queuePort", str(port), "--blobPort", "0", "--tablePort", "0"],
            env={**os.environ, "AZURITE_ACCOUNTS": f"exampleaccount:{key}"}, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        go_program.wait_for(port, server, log, 30)
        url = f"http://127.0.0.1:{port}/exampleaccount"
        yield QueueServiceClient(
            url, credential={"account_name": "exampleaccount", "account_key": key}, api_version="2023-11-03"
        )
    finally:
        go_program.stop(server)


@pytest.fixture
def azure(account: QueueServiceClient, tmp_path: Path) -> Delivery:
    name = f"claims-{secrets.token_hex(4)}"
    account.create_queue(name)
    account.create_queue(f"{name}-poison")
    key = tmp_path / "key"
    key.write_text(account.credential.account_key)
    return Delivery.model_validate(
        {
            "queue": "azure",
            "queue_url": f"{account.url.rstrip('/')}/{name}",
            "queue_credential": f"file:{key}",
            "queue_tries": TRIES,
        }
    )


def test_azure_gives_each_claim_once_and_keeps_what_is_not_done(azure: Delivery) -> None:
    queue = open_queue(azure)
    queue.send([claim(n) for n in range(12)])
    assert queue.waiting() == 12
    messages = receive(queue, 12)
    assert sorted(read_claim(one.text).seq for one in messages) == list(range(12))
    assert queue.receive(0) == []  # hidden from others
    queue.done(messages)
    queue.done(messages)  # somebody else was faster: no error
    assert queue.waiting() == 0
    queue.close()


def test_azures_poison_queue_gets_what_cannot_be_used(azure: Delivery, account: QueueServiceClient) -> None:
    queue = open_queue(azure)
    name = azure.queue_url.rpartition("/")[2]
    account.get_queue_client(name).send_message(base64.b64encode(b"<script>").decode())
    ends = []
    for _ in range(TRIES):
        (message,) = receive(queue, 1)
        ends.append(queue.failed(message))
    assert ends == [False] * (TRIES - 1) + [True]
    assert (queue.waiting(), queue.dead()) == (0, 1)
    (poison,) = account.get_queue_client(f"{name}-poison").peek_messages()
    assert base64.b64decode(poison.content) == b"<script>"
    queue.close()


def test_azure_says_what_is_missing_or_refused(
    azure: Delivery, account: QueueServiceClient, tmp_path: Path
) -> None:
    missing = azure.model_copy(update={"queue_url": azure.queue_url + "x"})
    with pytest.raises(QueueUnusable, match="there is no queue"):
        open_queue(missing)
    lone = f"lone-{secrets.token_hex(4)}"
    account.create_queue(lone)
    with pytest.raises(QueueUnusable, match="poison"):
        open_queue(azure.model_copy(update={"queue_url": f"{account.url.rstrip('/')}/{lone}"}))
    (tmp_path / "key").write_text(base64.b64encode(b"another key").decode())
    with pytest.raises(QueueUnusable, match="refuses"):
        open_queue(azure)
    away = azure.model_copy(update={"queue_url": "http://127.0.0.1:9/exampleaccount/claims"})
    with pytest.raises(QueueUnreachable):
        open_queue(away)


# Pub/Sub


@pytest.fixture(scope="module")
def pubsub() -> Iterator[str]:
    """The address of a running fake."""
    server = subprocess.Popen([go_program.built_here("pubsub")], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def subscription(pubsub: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Delivery, PublisherClient]]:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub)
    name = secrets.token_hex(4)
    publisher, subscriber = (
        kind(transport=kind.get_transport_class("grpc")(channel=grpc.insecure_channel(pubsub)))
        for kind in (PublisherClient, SubscriberClient)
    )
    topic, dead = f"projects/p/topics/claims-{name}", f"projects/p/topics/dead-{name}"
    for one in (topic, dead):
        publisher.create_topic(request={"name": one})
    made = f"projects/p/subscriptions/claims-{name}"
    policy = {"dead_letter_topic": dead, "max_delivery_attempts": 5}
    subscriber.create_subscription(request={"name": made, "topic": topic, "dead_letter_policy": policy})
    subscriber.create_subscription(request={"name": f"projects/p/subscriptions/bare-{name}", "topic": topic})
    yield (
        Delivery.model_validate({"queue": "pubsub", "queue_url": topic, "queue_subscription": made}),
        publisher,
    )
    publisher.transport.close()
    subscriber.transport.close()


def test_pubsub_gives_each_claim_once_and_keeps_what_is_not_done(subscription: tuple[Delivery, Any]) -> None:
    queue = open_queue(subscription[0])
    queue.send([claim(n) for n in range(12)])
    messages = receive(queue, 12)
    assert sorted(read_claim(one.text).seq for one in messages) == list(range(12))
    assert queue.receive(1.0) == []  # leased
    assert queue.failed(messages[0]) is False  # comes back
    (again,) = receive(queue, 1)
    assert again.text == messages[0].text
    queue.done([*messages[1:], again])
    assert queue.receive(1.0) == []
    queue.close()


def test_pubsub_counts_the_tries_of_what_cannot_be_used(subscription: tuple[Delivery, Any]) -> None:
    settings, publisher = subscription
    queue = open_queue(settings)
    assert queue.tries == 5
    publisher.publish(request={"topic": settings.queue_url, "messages": [{"data": json.dumps([1]).encode()}]})
    times, ends = [], []
    for _ in range(5):
        (message,) = receive(queue, 1)
        times.append(message.times)
        ends.append(queue.failed(message))
    assert times == sorted(times)
    assert ends[0] is False
    queue.close()


def test_pubsub_says_what_is_missing(subscription: tuple[Delivery, Any]) -> None:
    settings, _ = subscription
    bare = settings.queue_subscription.replace("/claims-", "/bare-")
    with pytest.raises(QueueUnusable, match="no dead-letter topic"):
        open_queue(settings.model_copy(update={"queue_subscription": bare}))
    with pytest.raises(QueueUnusable, match="there is no"):
        open_queue(settings.model_copy(update={"queue_subscription": "projects/p/subscriptions/nobody"}))
