"""Damaged, redacted, late and withdrawn records: the feed and the truth change together, ids stay."""

from __future__ import annotations

import json

import httpx
import pytest

from sandbox.faults import RECORD_FAULTS

WINDOW = {"start": "2026-11-20T00:00:00Z", "end": "2026-11-21T00:00:00Z"}


def _record(served, get, identifier):
    """The verbatim record as the feed serves it."""
    body = get(served, {"limit": 5000, "order": "asc"}).content
    start = body.index(b'{"id":"' + identifier.encode())
    end = body.find(b',{"id":"activity_', start)
    return body[start : end if end > 0 else body.index(b'],"has_more"', start)]


@pytest.mark.parametrize(
    ("kind", "marks"),
    [
        ("big_integers", b"123456789012345678901234567890"),
        ("duplicate_keys", b'"source_note":"first","source_note":"second"'),
        ("invalid_utf8", b"caf\xe9 \xff\xfe"),
        ("lone_surrogate", b"\\ud83d end"),
        ("huge_record", b"x" * 2_000_000),
    ],
)
def test_a_damaged_record_keeps_its_id_and_is_served_as_it_is(start, get, kind, marks):
    served = start()
    size = {"bytes": 2_000_000} if kind == "huge_record" else {}
    (hit,) = served.tenant.damage(kind, **WINDOW, **size)
    record = _record(served, get, hit)
    assert marks in record
    assert record in served.tenant.records()
    if kind == "invalid_utf8":
        with pytest.raises(UnicodeDecodeError):
            record.decode()
    else:
        assert json.loads(record)["id"] == hit


def test_every_record_fault_is_tested():
    tested = {row[0] for row in test_a_damaged_record_keeps_its_id_and_is_served_as_it_is.pytestmark[0].args[1]}
    assert tested | {"late_indexing"} == set(RECORD_FAULTS)


def test_a_huge_record_is_forty_megabytes_unless_told_otherwise(start):
    served = start(users=1)
    (hit,) = served.tenant.damage("huge_record", **WINDOW)
    assert max(map(len, served.tenant.records())) > 40_000_000
    served.tenant.withdraw([hit])


def test_late_indexing_hides_records_for_as_long_as_told(start):
    served = start()
    hit = served.tenant.damage("late_indexing", probability=0.3, seconds=3 * 86_400, **WINDOW)
    ids = {json.loads(record)["id"] for record in served.tenant.records()}
    assert len(hit) > 5
    assert not ids & set(hit)
    served.clock.advance(3 * 86_400)
    assert set(hit) <= {json.loads(record)["id"] for record in served.tenant.records()}


def test_record_faults_hit_the_same_records_whenever_they_are_switched_on(start):
    first, second = start(), start()
    first.tenant.generate()
    options = {"probability": 0.2, **WINDOW}
    assert first.tenant.damage("big_integers", **options) == second.tenant.damage("big_integers", **options)
    assert first.tenant.records() == second.tenant.records()


def test_record_faults_reach_days_that_come_later(start):
    served = start()
    before = served.tenant.damage("big_integers", next=2)
    assert len(before) == 8  # two on each of four days
    served.clock.advance(86_400)
    tomorrow = served.tenant.store.segment(served.clock.now().date())
    assert sum(b"123456789012345678901234567890" in record for record in tomorrow.records) == 2


def test_a_redaction_changes_a_persons_records_under_the_same_ids(start):
    served = start()
    person = served.tenant.world.people.owner
    before = {json.loads(r)["id"]: r for r in served.tenant.records()}
    answer = httpx.post(served.url + "/_sandbox/redact", json={"user_id": person.user_id}).json()
    after = {json.loads(r)["id"]: r for r in served.tenant.records()}
    changed = {identifier for identifier, record in after.items() if record != before[identifier]}
    assert set(after) == set(before)
    assert changed
    assert changed <= set(answer["ids"])
    assert not [record for record in after.values() if person.email.encode() in record]
    assert json.loads(after[changed.pop()])["id"] in before


def test_a_redaction_also_holds_for_days_to_come(start):
    served = start()
    person = served.tenant.world.people.owner
    served.tenant.redact(email=person.email.upper(), replacement="gone")
    served.clock.advance(2 * 86_400)
    assert not [record for record in served.tenant.records() if person.email.encode() in record]


def test_a_redaction_of_nobody_is_refused(start):
    served = start(users=1, days=0)
    answer = httpx.post(served.url + "/_sandbox/redact", json={"email": "nobody@example.com"})
    assert answer.status_code == 400
    assert "nobody here is 'nobody@example.com'" in answer.text


def test_withdrawn_records_are_served_no_more(start, get):
    served = start()
    ids = [json.loads(record)["id"] for record in served.tenant.records()]
    control = served.url + "/_sandbox/withdraw"
    assert httpx.post(control, json={"ids": [ids[3], "activity_invalid"]}).json()["ids"] == [ids[3]]
    by_day = httpx.post(control, json={"day": "2026-11-20", "count": 2}).json()["ids"]
    left = [record["id"] for record in get(served, {"limit": 5000, "order": "asc"}).json()["data"]]
    assert left == [identifier for identifier in ids if identifier not in {ids[3], *by_day}]
    assert len(by_day) == 2


def test_a_withdrawal_without_an_object_is_refused(start):
    served = start(users=1, days=0)
    assert httpx.post(served.url + "/_sandbox/withdraw", json={}).status_code == 400
