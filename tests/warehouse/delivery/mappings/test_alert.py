"""An alert goes out whole: its own columns, and the events it names."""

import json
from datetime import UTC, datetime

import msgspec
import pytest

from tests.warehouse.delivery.mappings.rows import record, rows
from warehouse.delivery.mappings.alert import canonical_alert, to_canonical_alert
from warehouse.delivery.mappings.canonical import canonical_events

ROW = {
    "alert_id": "alert_01",
    "rule_id": "claude-sso-disabled",
    "rule_version": 2,
    "title": "Single sign-on was switched off",
    "severity": "high",
    "first_at": datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=UTC),
    "last_at": "2026-11-23T01:03:00Z",
    "event_ids": ["activity_01ABC", "activity_02"],
    "entities": '{"actor_id": "user_01Ana"}',
    "dedup_key": "d1",
    "tags": ["attack.t1562"],
    "runbook": "docs/detections.md#sso-disabled",
    "version": 2,
    "fold": "revised",
    "events": 2,
    "detected_at": datetime(2026, 11, 23, 1, 6, tzinfo=UTC),
}


def test_an_alert_has_its_columns_and_the_canonical_events_at_hand_and_names_the_others():
    alert = canonical_alert(ROW, canonical_events(rows(record())))
    sent = json.loads(msgspec.json.encode(to_canonical_alert(alert)))
    assert [event["event_id"] for event in sent.pop("events")] == ["activity_01ABC"]
    assert sent == {
        **{name: value for name, value in ROW.items() if name != "events"},
        "entities": {"actor_id": "user_01Ana"},
        "rule_version": "2",
        "first_at": "2026-11-23T01:02:03.456789Z",
        "last_at": "2026-11-23T01:03:00.000000Z",
        "detected_at": "2026-11-23T01:06:00.000000Z",
        "event_time": "2026-11-23T01:03:00.000000Z",
        "source": "anthropic:claude",
        "mapping_version": "2026-11-01",
    }


def test_an_alert_is_stamped_with_its_detection_so_that_a_late_one_is_new_in_the_siem():
    alert = canonical_alert(ROW)
    assert (alert.stamp, alert.stamp_us) == (alert.detected_at, 1_795_395_960_000_000)
    assert alert.event_time == alert.last_at


def test_a_further_version_of_an_alert_has_an_id_of_its_own_for_receivers_that_refuse_repeats():
    assert canonical_alert(ROW).document_id == "alert_01.v2"
    bare = {name: value for name, value in ROW.items() if name not in ("version", "fold", "tags", "runbook")}
    assert canonical_alert(bare).document_id == "alert_01"
    assert (canonical_alert(bare).version, canonical_alert(bare).fold) == (1, "first")


@pytest.mark.parametrize("entities", [["user_01"], "no JSON", None, 7])
def test_entities_of_any_form_pass(entities):
    alert = canonical_alert({**ROW, "entities": entities})
    assert to_canonical_alert(alert)["entities"] == entities


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="no time with a zone"):
        canonical_alert({**ROW, "last_at": datetime(2026, 11, 23)})  # noqa: DTZ001
