"""Datadog, Logstash, Sumo Logic, webhooks and Cribl: what is special to each."""

from __future__ import annotations

import json

import pytest

from sandbox.intakes import serve_intakes
from tests.warehouse.delivery.destinations.rig import Sender, events, settings
from warehouse.delivery.destinations import datadog, sumo, webhook
from warehouse.delivery.port import Response


@pytest.mark.parametrize(
    ("site", "host"),
    [
        ("datadoghq.com", "http-intake.logs.datadoghq.com"),
        ("us3.datadoghq.com", "http-intake.logs.us3.datadoghq.com"),
        ("datadoghq.eu", "http-intake.logs.datadoghq.eu"),
        ("ap2.datadoghq.com", "http-intake.logs.ap2.datadoghq.com"),
        ("uk1.datadoghq.com", "http-intake.logs.uk1.datadoghq.com"),
        ("ddog-gov.com", "http-intake.logs.ddog-gov.com"),
        ("us2.ddog-gov.com", "http-intake.logs.us2.ddog-gov.com"),
    ],
)
def test_each_datadog_site_has_its_intake(site, host):
    transport = datadog.connect(settings("datadog", {"api_key": "fake", "site": site}))
    assert transport._url == f"https://{host}"
    transport.close()


def test_datadog_says_how_long_to_wait_in_a_header_of_its_own():
    refused = Response(status=429, headers={"x-ratelimit-reset": "12"})
    assert datadog.classify(refused, 1)[0].after == 12.0
    both = Response(status=429, headers={"x-ratelimit-reset": "12", "retry-after": "3"})
    assert datadog.classify(both, 1)[0].after == 3.0


def test_datadog_tags_and_service_are_those_of_the_settings():
    with serve_intakes("datadog") as served:
        Sender.to("datadog", served, service="audit", tags=["env:prod", "team:soc"]).once(events(1))
        (one,) = served["datadog"].stored
        assert (one.place, one.event["ddtags"], one.event["hostname"]) == (
            "audit",
            "env:prod,team:soc",
            "claude.ai",
        )


def test_a_datadog_event_over_a_megabyte_is_longer_than_the_limit_that_the_engine_enforces():
    given = settings("datadog", {"api_key": "fake"})
    assert len(datadog.encode(events(1, filename="x" * 1_000_000)[0], given)) > datadog.LIMITS.event
    assert len(sumo.encode(events(1, filename="x" * 65_000)[0], None)) > sumo.LIMITS.event


def test_logstash_works_without_a_password_too():
    with serve_intakes("logstash", anonymous=True) as served:
        sender = Sender.to("logstash", served)
        assert sender.once(events(2))[0].kind == "delivered"
        assert served["logstash"].stored[0].event["anthropic"]["user_agent"] == {
            "original": "Mozilla/5.0 (Macintosh)"
        }


def test_sumo_halves_what_was_not_finished_in_time_and_the_part_that_was_stored_is_there_twice():
    with serve_intakes("sumo") as served:
        batch = events(8)
        served["sumo"].faults.on("timeout", next=1)
        sender = Sender.to("sumo", served, category="prod/claude")
        sender.until_settled(batch)
        assert sender.kinds() == ["delivered"] * 8
        assert len(served["sumo"].stored) == 12
        assert {one.place for one in served["sumo"].stored} == {"prod/claude"}


@pytest.mark.parametrize(("body", "kind"), [("json", "json"), ("array", "json"), ("ndjson", "ndjson")])
def test_a_webhook_gets_one_object_an_array_or_lines(body, kind):
    with serve_intakes("webhook") as served:
        sender = Sender.to("webhook", served, body=body)
        most = webhook.limits(sender.settings).events
        batch = events(3)
        for start in range(0, 3, most):
            sender.until_settled(batch[start : start + most])
        assert sender.kinds() == ["delivered"] * 3
        assert len(served["webhook"].requests) == (3 if body == "json" else 1)
        assert {one.place for one in served["webhook"].stored} == {kind}


def test_a_webhook_whose_address_is_the_secret_needs_no_token():
    with serve_intakes("webhook") as served:
        given = served.settings["webhook"]
        env = {"HOOK": given["url"], "TOKEN": given["token"]}
        configured = webhook.Settings.model_validate(
            {"name": "awn", "type": "webhook", "url": "env:HOOK", "header": "X-Hook-Token", "token": "env:TOKEN"},
            context={"env": env},
        )
        frames = [webhook.encode(one, configured) for one in events(1)]
        response = webhook.connect(configured).send(webhook.pack(frames, configured))
        assert webhook.classify(response, 1)[0].kind == "delivered"
        assert given["url"] not in repr(configured)


def test_cribl_routes_see_time_id_and_type_beside_the_raw_event():
    with serve_intakes("cribl") as served:
        Sender.to("cribl", served).once(events(1))
        (one,) = served["cribl"].stored
        assert (one.event["event_id"], one.event["type"]) == ("activity_0000", "claude_chat_viewed")
        assert json.loads(one.event["_raw"])["event_id"] == "activity_0000"


def test_cribls_address_may_be_that_of_the_bulk_path_itself():
    with serve_intakes("cribl") as served:
        url = served.settings["cribl"]["url"] + "/cribl/_bulk"
        assert Sender.to("cribl", served, url=url).once(events(1))[0].kind == "delivered"
