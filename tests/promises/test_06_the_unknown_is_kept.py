"""Promise 6: what nobody has listed is kept, tagged and reported: event types, actor kinds, fields and values.

What is listed is taken from the tenant's own copy of the vendor's list, not from our taxonomy.
"""

import json
from collections import Counter
from datetime import date

import pytest

from assets.status import status
from sandbox import Served
from sandbox.tenant.rare import UNLISTED_FIELDS, UNLISTED_VALUES
from sandbox.tenant.vocabulary import activity_types
from tests.promises.conftest import Standing
from tests.promises.quick import open_quickly, pull
from tests.promises.site import Site
from warehouse.wire.times import midnight

DAY, TODAY = date(2026, 11, 15), date(2026, 11, 22)
KINDS = {
    f"{kind}_actor"
    for kind in (
        "user", "api", "admin_api_key", "unauthenticated_user", "anthropic", "system", "service_account",
        "scim_directory_sync", "federated_identity", "federated", "attested_device",
    )
}  # fmt: skip


@pytest.fixture
def pulled(standing: Standing) -> tuple[Served, Site]:
    """A week of a tenant that has two strange things a day, pulled once."""
    served, site = standing(days=7)
    pull(site, served, site.start, TODAY)
    return served, site


def strange_events(served: Served) -> set[str]:
    """Ids of records whose type or actor kind is on no list."""
    records = [json.loads(record) for record in served.tenant.records(None, midnight(TODAY))]
    return {r["id"] for r in records if r["type"] not in activity_types() or r["actor"]["type"] not in KINDS}


def test_events_of_an_unlisted_type_or_actor_kind_are_tagged_and_no_others(pulled: tuple[Served, Site]) -> None:
    served, site = pulled
    expected = strange_events(served)
    assert len(expected) > 3
    tagged = site.sql("select id from audit_events where unknown_event")
    assert {name for (name,) in tagged} == expected


def test_a_field_or_value_that_nobody_has_listed_is_named_in_unknown_fields(pulled: tuple[Served, Site]) -> None:
    served, site = pulled
    truth = {json.loads(record)["id"]: record.decode() for record in served.tenant.records(None, midnight(TODAY))}
    expected = {
        (name, word)
        for name, record in truth.items()
        for word in (*UNLISTED_FIELDS, *UNLISTED_VALUES)
        if f'"{word}"' in record
    }
    assert expected
    named = site.sql("select id, unnest(unknown_fields) from audit_events where len(unknown_fields) > 0")
    for name, word in expected:
        assert any(found == name and word in field for found, field in named), (name, word)
    assert {name for name, _ in named} == {name for name, _ in expected}


@pytest.mark.fault(
    "Event types, actors, fields or values come that nobody has listed.",
    area="pulling",
    data="They are kept, tagged as unknown, and delivered.",
    user="`pull`, `status` and SQL count them.",
    recovery="Update Ledgerline when it suits.",
)
def test_what_is_unknown_is_kept_verbatim_and_counted_by_pull_status_and_sql(standing: Standing) -> None:
    served, site = standing(days=7)
    report = pull(site, served, site.start, TODAY)
    records = [json.loads(record) for record in served.tenant.records(None, midnight(TODAY))]
    types = Counter(record["type"] for record in records if record["type"] not in activity_types())
    kinds = Counter(f"actor {r['actor']['type']}" for r in records if r["actor"]["type"] not in KINDS)
    assert report.unknown_types == types + kinds
    with open_quickly(site, served) as workshop:
        shown = status(workshop)
    assert shown["streams"][0]["unknown_types"] == dict(types + kinds)
    assert {one["subject"] for one in shown["findings"] if one["code"] == "unknown_event"} == set(types + kinds)
    seen = site.sql("select name, records from audit_unknown_first_seen where what = 'type'")
    assert dict(seen) == dict(types + kinds)
    for (raw,) in site.sql("select raw from audit_events where unknown_event"):
        assert raw.encode() in served.tenant.records(None, midnight(TODAY))


def test_reading_an_unknown_event_again_does_not_count_it_again(pulled: tuple[Served, Site]) -> None:
    served, site = pulled
    before = site.sql("select what, name, first_seq, first_at, records from audit_unknown_first_seen order by all")
    report = pull(site, served, site.start, TODAY)
    assert not report.unknown_types
    after = site.sql("select what, name, first_seq, first_at, records from audit_unknown_first_seen order by all")
    assert after == before
