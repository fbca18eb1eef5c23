"""Claim checks through a queue: a commit tells, the forwarder delivers, what is no claim ends with a human told.

The queue is SQS, by moto's server, with a dead-letter queue; the destination is the sandbox's OTLP intake.
"""

import hashlib
import json
import logging
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from threading import Event, Thread
from typing import Any

import boto3
import dagster as dg
import pytest

from assets.claims import Announcer, follow, forward_once
from assets.pulling import pull_activities
from orchestration.forwarding import forward_claims, waiting_claims
from orchestration.resources import workshop_resource
from sandbox.intakes import Intake, serve_intakes
from sandbox.intakes.otlp import TOKEN
from tests.delivery.receiver import receiving
from tests.promises.conftest import site, tenant
from tests.promises.site import Site
from tests.warehouse.archive.s3_server import SECRET, moto_endpoint
from warehouse.delivery.errors import QueueUnusable
from warehouse.delivery.queues import open_queue
from warehouse.delivery.queues.port import read_claim
from warehouse.delivery.queues.sqs import SqsQueue
from warehouse.wire.times import midnight

__all__ = ["site", "tenant"]
TRIES = 3


class Rig:
    """An installation with a queue and one destination."""

    def __init__(self, site: Site, intake: Intake, url: str, queue_url: str, dead_url: str, client: Any) -> None:
        self.site, self.intake, self.queue_url, self.dead_url, self.client = (
            site,
            intake,
            queue_url,
            dead_url,
            client,
        )
        self.told: list[tuple[str, str]] = []
        config = site.folder / "ledgerline.toml"
        config.write_text(
            config.read_text()
            + f'\n[delivery]\nqueue = "sqs"\nqueue_url = "{queue_url}"\n'
            + f'[[destinations]]\nname = "soc"\ntype = "otlp"\nslice = "all"\nurl = "{url}"\n'
            + 'headers = {Authorization = "env:OTLP_TOKEN"}\n'
        )

    def tell(self, subject: str, text: str) -> None:
        self.told.append((subject, text))

    def queue(self) -> SqsQueue:
        found = open_queue(self.site.settings().delivery)
        assert isinstance(found, SqsQueue)
        return found

    def depth(self, url: str | None = None) -> int:
        wanted = "ApproximateNumberOfMessages"
        answer = self.client.get_queue_attributes(QueueUrl=url or self.queue_url, AttributeNames=[wanted])
        return int(answer["Attributes"][wanted])

    def pull(self, day: tuple[str, str]) -> None:
        """Pull a day as `ledgerline pull` does."""
        with self.site.open() as workshop:
            pull_activities(workshop, start=moment(day[0]), end=moment(day[1]))

    def records(self) -> list[str]:
        """What the intake holds of the feed; the checkpoint goes along."""
        return [
            one for one in self.intake.ids() if one is not None and not one.startswith("ledgerline_checkpoint")
        ]

    def rows(self) -> set[str]:
        return {id for id, _, _ in self.site.versions()}


@pytest.fixture
def rig(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    environment = {
        "AWS_ACCESS_KEY_ID": "EXAMPLEKEY",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "OTLP_TOKEN": TOKEN,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    site.env = environment
    client = boto3.client("sqs", endpoint_url=moto_endpoint())
    name = f"claims-{secrets.token_hex(4)}"
    dead = client.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": TRIES})
    made = client.create_queue(QueueName=name, Attributes={"RedrivePolicy": policy})["QueueUrl"]
    with serve_intakes("otlp") as served:
        yield Rig(site, served["otlp"], served.settings["otlp"]["url"], made, dead, client)


@pytest.fixture
def day(site: Site) -> tuple[str, str]:
    """`--from` and `--to` of the tenant's first whole day."""
    first = site.start + timedelta(days=1)
    return str(first), str(first + timedelta(days=1))


def test_a_commit_puts_a_claim_and_the_forwarder_delivers_what_it_says(rig: Rig, day: tuple[str, str]) -> None:
    rig.pull(day)
    assert rig.depth() > 0
    queue = rig.queue()
    with rig.site.open() as workshop:
        done = forward_once(workshop, queue, rig.tell)
        while queue.waiting():
            forward_once(workshop, queue, rig.tell)
    assert (done.claims > 0, done.poison, done.reports[0].dead) == (True, [], 0)
    assert set(rig.records()) == rig.rows()
    assert (rig.depth(), rig.depth(rig.dead_url), rig.told) == (0, 0, [])
    receipts = rig.site.sql(
        "select event_id from deliveries where status = 'delivered' and event_id not like 'ledger%'"
    )
    assert {id for (id,) in receipts} == rig.rows()


def test_a_claim_is_a_pointer_that_the_archive_bears_out(rig: Rig, day: tuple[str, str]) -> None:
    rig.pull(day)
    (message, *_) = rig.queue().receive(0)
    claim = read_claim(message.text)
    assert len(message.text) < 500
    stored = rig.site.store().get(claim.key)
    assert json.loads(stored)["seq"] == claim.seq
    assert hashlib.sha256(stored).hexdigest() == claim.sha256


def test_what_is_no_claim_ends_in_the_dead_letters_with_one_alert_each_and_holds_up_nothing(
    rig: Rig, day: tuple[str, str]
) -> None:
    rig.pull(day)
    queue = rig.queue()
    (good, *_) = queue.receive(0)
    rig.client.change_message_visibility(QueueUrl=rig.queue_url, ReceiptHandle=good.handle, VisibilityTimeout=0)
    claim = json.loads(good.text)
    wrong = {
        "is no claim check": "<script>",
        "is no claim": json.dumps({"v": 1}),
        "has version 9": json.dumps({**claim, "v": 9}),
        "of another log": json.dumps({**claim, "origin": "somebody/else"}),
        "has another hash": json.dumps({**claim, "sha256": "0" * 64}),
        "not that of its entry": json.dumps({**claim, "key": "log/entry/../../etc/passwd"}),
        "has no entry 999999": json.dumps({**claim, "seq": 999_999, "key": "log/entry/000000999999.json"}),
        "characters": "x" * 5_000,
    }
    for text in wrong.values():
        rig.client.send_message(QueueUrl=rig.queue_url, MessageBody=text)
    with rig.site.open() as workshop:
        for _ in range(TRIES + 2):
            forward_once(workshop, queue, rig.tell)
    assert set(rig.records()) == rig.rows()
    assert (rig.depth(), rig.depth(rig.dead_url)) == (0, len(wrong))
    assert len(rig.told) == len(wrong)
    for reason in wrong:
        assert any(reason in detail and f"received {TRIES} times" in detail for _, detail in rig.told), reason


def test_a_queue_that_is_down_fails_no_commit_and_the_next_claim_delivers_all(
    rig: Rig, day: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    config = rig.site.folder / "ledgerline.toml"
    whole = config.read_text()
    config.write_text(whole.replace(rig.queue_url, "http://127.0.0.1:9/000000000000/claims"))
    with rig.site.open() as workshop, caplog.at_level(logging.WARNING):
        pull_activities(workshop, start=moment(day[0]), end=moment(day[1]))
    assert "the log has it all the same" in caplog.text
    assert rig.depth() == 0
    config.write_text(whole)
    with rig.site.open() as workshop:
        forward_once(workshop, rig.queue(), rig.tell, always=True)
    assert set(rig.records()) == rig.rows()


def test_a_queue_without_dead_letters_is_refused_with_what_to_do(rig: Rig) -> None:
    bare = rig.client.create_queue(QueueName=f"bare-{secrets.token_hex(4)}")["QueueUrl"]
    with pytest.raises(QueueUnusable, match="no dead-letter queue") as refused:
        SqsQueue(bare, rig.client)
    assert "redrive" in refused.value.remedy


def test_following_delivers_at_each_claim_and_goes_on_without_the_queue(rig: Rig, day: tuple[str, str]) -> None:
    stop, rounds = Event(), []
    queue = rig.queue()
    with rig.site.open() as workshop:
        thread = Thread(
            target=follow, args=(workshop, queue, rig.tell), kwargs={"stop": stop, "each": rounds.append}
        )
        thread.start()
        try:
            rig.pull(day)
            _until(lambda: set(rig.records()) == rig.rows())
        finally:
            stop.set()
            thread.join(60)
    assert sum(done.claims for done in rounds) > 0


def test_the_command_follows_until_it_is_told_to_stop(rig: Rig, day: tuple[str, str]) -> None:
    rig.pull(day)
    running = rig.site.begin("deliver", "--follow", "--json")
    _until(lambda: set(rig.records()) == rig.rows() and rig.depth() == 0)
    running.process.send_signal(signal.SIGTERM)
    ended = running.ended()
    assert (ended.code, TOKEN in ended.out + ended.err) == (0, False), ended.err
    rounds = [json.loads(line) for line in ended.out.splitlines()]
    assert sum(one["claims"] for one in rounds) > 0
    assert {told["name"] for one in rounds for told in one["destinations"]} == {"soc"}


def test_the_whole_way_as_processes_and_a_poison_message_ends_in_the_dead_letters_with_a_human_told(
    rig: Rig, day: tuple[str, str]
) -> None:
    poison = json.dumps({"v": 1, "origin": "ledgerline/of-somebody-else"})
    rig.client.send_message(QueueUrl=rig.queue_url, MessageBody=poison)
    with receiving() as human:
        rig.site.env = {**rig.site.env, "LEDGERLINE_ALERT_WEBHOOK": human.url}
        rig.site.pull("--from", day[0], "--to", day[1])
        assert rig.depth() > 1
        running = rig.site.begin("deliver", "--follow", "--json")
        _until(lambda: set(rig.records()) == rig.rows() and rig.depth(rig.dead_url) == 1 and rig.depth() == 0)
        _until(lambda: bool(human.stored))
        running.process.send_signal(signal.SIGTERM)
        ended = running.ended()
    assert ended.code == 1, ended.err  # a message is dead
    (dead,) = rig.client.receive_message(QueueUrl=rig.dead_url)["Messages"]
    assert dead["Body"] == poison
    (told,) = human.stored
    assert told["subject"] == "a message of the sqs queue is in its dead letters"
    assert f"received {TRIES} times" in told["detail"]
    assert poison not in ended.out + ended.err + json.dumps(told)
    rounds = [json.loads(line) for line in ended.out.splitlines()]
    assert sum(one["claims"] for one in rounds) > 0
    assert sum(len(one["unusable"]) for one in rounds) == TRIES
    receipts = rig.site.sql("select event_id from deliveries where status = 'delivered' and entry_seq is not null")
    assert {id for (id,) in receipts} == rig.rows()


def test_the_sensor_asks_for_a_run_only_when_something_waits_and_the_run_empties_the_queue(
    rig: Rig, day: tuple[str, str]
) -> None:
    settings = rig.site.settings()
    sensor = waiting_claims(settings)
    with dg.DagsterInstance.ephemeral() as instance, dg.build_sensor_context(instance) as context:
        (first,) = list(sensor(context))  # type: ignore[call-overload]
        assert isinstance(first, dg.SkipReason)
        rig.pull(day)
        rig.client.send_message(QueueUrl=rig.queue_url, MessageBody="no claim")
        (second,) = list(sensor(context))  # type: ignore[call-overload]
        assert isinstance(second, dg.RunRequest)
        ended = forward_claims.execute_in_process(
            instance=instance, resources={"workshop": workshop_resource(settings)}
        )
        assert ended.success
        assert rig.depth(rig.dead_url) == 1
        assert set(rig.records()) == rig.rows()
        (third,) = list(sensor(context))  # type: ignore[call-overload]
        assert isinstance(third, dg.SkipReason)


def test_an_announcer_rests_after_a_failure_and_never_raises() -> None:
    opened: list[int] = []

    def broken() -> Any:
        opened.append(1)
        raise OSError("no network")

    announce = Announcer(broken, lambda: "origin")
    entry: Any = type("Entry", (), {"kind": "table", "table": "audit_events", "objects": [], "seq": 1})()
    entry.objects = [type("Ref", (), {"table": None})()]
    for _ in range(5):
        announce(entry)
    assert len(opened) == 1


def moment(day: str) -> datetime:
    return midnight(date.fromisoformat(day))


def _until(so: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.05)
