"""Promise 4: a record that the vendor changed or withdrew after we archived it is reported, with both versions."""

import json
from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.promises.conftest import Command, Standing
from tests.promises.quick import open_quickly, pull
from tests.promises.site import Site
from warehouse.tables.seal import seal_settled_days
from warehouse.wire.times import midnight, rfc3339

DAY, NEXT, TODAY = date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 22)
VERSIONS = "select id, version, fold, raw from audit_event_versions where version > 1 order by id, version"


def by_id(records: list[bytes]) -> dict[str, bytes]:
    return {json.loads(record)["id"]: record for record in records}


def busiest(records: list[bytes]) -> str:
    """The e-mail address that is behind most of these records."""
    seen = Counter(json.loads(record)["actor"].get("email_address") for record in records)
    del seen[None]
    return seen.most_common(1)[0][0]


@pytest.mark.fault(
    "The vendor redacts or withdraws records that are archived.",
    area="pulling",
    data="Both versions are kept. `--as-of` answers with either.",
    user="`pull`, `status` and SQL say `revised` and `withdrawn`.",
    recovery="Decide whether it was meant.",
)
def test_a_redaction_and_a_withdrawal_show_in_pull_status_and_sql_as_of_before_and_after(
    site: Site, past: tuple[str, str], ledgerline: Command
) -> None:
    window = ("--from", past[0], "--to", past[1])
    end = midnight(date.fromisoformat(past[1]))
    site.pull(*window)
    before = by_id(site.truth(None, end))
    moment = rfc3339(datetime.now(UTC))
    site.tell("redact", email=busiest(list(before.values())))
    gone = set(site.tell("withdraw", day=past[0], count=3)["ids"])
    after = by_id(site.truth(None, end))
    changed = {name for name, record in after.items() if record != before[name]}
    assert changed
    assert set(before) - set(after) == gone

    report = site.pull(*window)
    assert (report["first"], report["revised"], report["withdrawn"]) == (0, len(changed), len(gone))
    assert report["unchanged"] == len(after) - len(changed)
    status = ledgerline(site, "status", "--json")
    (stream,) = status.json()["streams"]
    assert (stream["revised"], stream["withdrawn"]) == (len(changed), len(gone))
    assert {"revised", "withdrawn"} <= {found["code"] for found in status.json()["findings"]}
    assert status.code == 1

    def asked(*options: str) -> dict[str, dict[str, Any]]:
        rows = ledgerline(
            site, "sql", "--json", *options, "select id, raw, fold, version from audit_events"
        ).json()
        assert len({row["id"] for row in rows}) == len(rows)
        return {row["id"]: row for row in rows}

    then, now = asked("--as-of", moment), asked()
    assert {name: row["raw"].encode() for name, row in then.items()} == before
    assert {row["fold"] for row in then.values()} == {"first"}
    served_now = {name: row["raw"].encode() for name, row in now.items() if row["fold"] != "withdrawn"}
    assert served_now == after
    assert {name for name, row in now.items() if row["fold"] == "withdrawn"} == gone
    assert {name for name, row in now.items() if row["fold"] == "revised"} == changed
    assert {row["version"] for row in now.values()} == {1, 2}
    as_of = f"select id, raw from audit_events_as_of('{moment}')"
    assert {name: raw.encode() for name, raw in site.sql(as_of)} == before


def test_both_versions_of_each_record_are_kept_verbatim(standing: Standing) -> None:
    served, site = standing()
    pull(site, served, DAY, NEXT)
    before = by_id(served.tenant.records(midnight(DAY), midnight(NEXT)))
    served.tenant.redact(email=busiest(list(before.values())))
    gone = served.tenant.withdraw(day=DAY, count=2)
    after = by_id(served.tenant.records(midnight(DAY), midnight(NEXT)))
    pull(site, served, DAY, NEXT)
    expected = [(name, 2, "withdrawn", before[name]) for name in gone]
    expected += [(name, 2, "revised", record) for name, record in after.items() if record != before[name]]
    assert [(name, version, fold, raw.encode()) for name, version, fold, raw in site.sql(VERSIONS)] == sorted(
        expected
    )
    firsts = site.sql("select id, raw from audit_event_versions where version = 1")
    assert {name: raw.encode() for name, raw in firsts} == before


@pytest.mark.fault(
    "A window breaks off half-way.",
    area="pulling",
    data="What was served is kept. No record is called withdrawn.",
    user="`pull` names the window as failed; exit 1.",
    recovery="Run the pull again.",
)
def test_a_window_that_could_not_be_read_to_its_end_withdraws_nothing(standing: Standing) -> None:
    served, site = standing()
    pull(site, served, DAY, NEXT)
    served.tenant.withdraw(day=DAY, count=2)
    served.faults.on("error_500_final", skip=1, next=1)
    report = pull(site, served, DAY, NEXT)
    assert report.failed
    assert report.withdrawn == 0
    assert pull(site, served, DAY, NEXT).withdrawn == 2


@pytest.mark.parametrize("sealed", [False, True])
def test_what_changes_after_a_day_was_sealed_is_found_too(standing: Standing, sealed: bool) -> None:
    served, site = standing()
    pull(site, served, site.start, TODAY)
    if sealed:
        with open_quickly(site, served) as workshop:
            assert seal_settled_days(workshop.archive)
    before = by_id(served.tenant.records(None, midnight(TODAY)))
    served.tenant.redact(email=busiest(list(before.values())))
    gone = served.tenant.withdraw(day=DAY, count=4)
    after = by_id(served.tenant.records(None, midnight(TODAY)))
    changed = [name for name, record in after.items() if record != before[name]]
    for _ in range(2):
        pull(site, served, site.start, TODAY)
        assert [(name, fold) for name, _, fold, _ in site.sql(VERSIONS)] == sorted(
            [(name, "withdrawn") for name in gone] + [(name, "revised") for name in changed]
        )


def test_a_record_changed_twice_has_three_versions_and_each_is_what_was_known_then(standing: Standing) -> None:
    served, site = standing()
    moments, truths = [], []
    for replacement in (None, "first redaction", "second redaction"):
        if replacement == "first redaction":
            email = busiest(truths[0])
            served.tenant.redact(email=email, replacement=replacement)
        elif replacement:
            record = next(r for r in served.tenant.records() if b"first redaction" in r)
            before = served.tenant.store.locate(json.loads(record)["id"])
            assert before is not None
            segment, at = before
            segment.records[at] = record.replace(b"first redaction", b"second redaction")
        served.clock.advance(60)
        pull(site, served, DAY, NEXT)
        truths.append(served.tenant.records(midnight(DAY), midnight(NEXT)))
        served.clock.advance(60)
        moments.append(rfc3339(served.clock.now()))
    for moment, truth in zip(moments, truths, strict=True):
        rows = site.sql(f"select raw from audit_events_as_of('{moment}') order by created_at, id")
        assert [raw.encode() for (raw,) in rows] == truth
