"""Records that spoil careless parsers: kept byte for byte, tagged by what is strange, and readable in SQL."""

import base64
import json
import resource
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.promises.conftest import Command, Standing
from tests.promises.quick import elsewhere, pull
from tests.promises.site import Site
from tests.promises.witness import archived_records
from tests.warehouse.anthropic.scripted import Given, scripted
from warehouse.wire.times import midnight

TODAY = date(2026, 11, 22)
HUGE = 40_000_000


@pytest.mark.parametrize(
    ("kind", "tag"),
    [
        ("duplicate_keys", "(duplicate keys)"),
        ("invalid_utf8", "(invalid UTF-8)"),
        ("lone_surrogate", "(lone surrogate)"),
        ("big_integers", "sequence_number"),
    ],
)
def test_a_strange_record_is_tagged_and_its_columns_are_filled(standing: Standing, kind: str, tag: str) -> None:
    served, site = standing(days=2)
    hit = set(served.tenant.damage(kind, next=2))
    pull(site, served, site.start, TODAY)
    rows = site.sql(
        "select id, unknown_fields, type, actor_type, created_at from audit_events where len(unknown_fields) > 0"
    )
    tagged = {row[0]: row for row in rows if any(tag in name for name in row[1])}
    visible = {
        json.loads(r.decode("utf-8", "replace"))["id"] for r in served.tenant.records(None, midnight(TODAY))
    }
    assert set(tagged) == hit & visible
    assert all(None not in row for row in tagged.values())
    with site.open(for_writing=False) as workshop:
        assert any(tag in name for name in workshop.archive.refresh().table("audit_events").unknown_fields)


def test_an_integer_beyond_64_bits_keeps_its_digits_and_a_changed_digit_is_a_revision(standing: Standing) -> None:
    served, site = standing(days=2)
    (name, *_) = served.tenant.damage("big_integers", next=1)
    pull(site, served, site.start, TODAY)
    (raw,) = site.sql("select raw from audit_events where id = ?", [name])[0]
    assert '"sequence_number":123456789012345678901234567890' in raw
    place = served.tenant.store.locate(name)
    assert place is not None
    segment, at = place
    segment.records[at] = segment.records[at].replace(b"678901234567890,", b"678901234567891,")
    assert pull(site, served, site.start, TODAY).revised == 1


def test_the_second_of_two_equal_keys_that_changes_is_a_revision(standing: Standing) -> None:
    served, site = standing(days=2)
    (name, *_) = served.tenant.damage("duplicate_keys", next=1)
    pull(site, served, site.start, TODAY)
    place = served.tenant.store.locate(name)
    assert place is not None
    segment, at = place
    segment.records[at] = segment.records[at].replace(b'"source_note":"first"', b'"source_note":"other"')
    assert pull(site, served, site.start, TODAY).revised == 1


def test_bytes_that_are_not_utf8_are_exact_in_raw_bytes_and_shown_in_raw(
    standing: Standing, ledgerline: Command
) -> None:
    served, site = standing(days=2)
    (name, *_) = served.tenant.damage("invalid_utf8", next=1)
    pull(site, served, site.start, TODAY)
    record = next(one for one in served.tenant.records() if name.encode() in one[:60])
    ((raw, exact),) = site.sql("select raw, raw_bytes from audit_events where id = ?", [name])
    assert exact == record
    assert raw == record.decode("utf-8", "replace")
    row = json.loads(
        ledgerline(site, "sql", "--json", f"select raw_bytes from audit_events where id = '{name}'").out
    )
    assert base64.b64decode(row[0]["raw_bytes"]) == record


@pytest.mark.fault(
    "The feed serves a record of 40 MB.",
    area="pulling",
    data="It is kept byte for byte.",
    user="Nothing unusual.",
    recovery="Nothing.",
)
def test_a_record_of_40_mb_goes_through_the_command_line(
    site: Site, past: tuple[str, str], ledgerline: Command
) -> None:
    site.configure(timeout=30)
    day = {"start": f"{past[0]}T00:00:00Z", "end": f"{past[0]}T23:00:00Z"}
    site.tell("faults", kind="huge_record", bytes=HUGE, next=1, **day)

    def four_gigabytes() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))

    window = ("--from", past[0], "--to", str(date.fromisoformat(past[0]) + timedelta(days=1)))
    run = site.begin("pull", "activities", *window, "--json", preexec_fn=four_gigabytes)
    ended = run.ended()
    assert ended.code == 0, ended.err
    end = midnight(date.fromisoformat(window[3]))
    truth = site.truth(None, end)
    assert max(map(len, truth)) > HUGE
    rows = site.sql("select raw from audit_events order by created_at, id")
    assert [raw.encode() for (raw,) in rows] == truth
    assert set(archived_records(site.root)) == set(truth)
    asked = ledgerline(site, "sql", "--json", "select max(length(raw)) as longest from audit_events")
    assert asked.json()[0]["longest"] > HUGE


ODD = [
    b"{}",
    b"[]",
    b"null",
    b"42",
    b'"a text"',
    b'{"id":null,"created_at":null,"type":null,"actor":null}',
    b'{"id":17,"created_at":17,"type":{"a":1},"actor":"somebody"}',
    b'{"id":"x","created_at":"2026-13-45T99:00:00Z","type":"claude_chat_created","actor":{"type":["user_actor"]}}',
    b'{"id":"y","created_at":"2026-11-20T10:00:00","type":"claude_chat_created","actor":{}}',
    b'{"id":"z","created_at":"0001-01-01T00:00:00+14:00","type":"","actor":{"type":""}}',
    b'{ "id" : "spaced" , "created_at" : "2026-11-20T10:00:00Z" , "type" : "claude_chat_created" }',
    b'{"id":"deep","created_at":"2026-11-20T10:00:00Z","nested":' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"id":"exponent","created_at":"2026-11-20T10:00:00Z","n":1e999999999999999999999}',
    b'{"id":"twice","created_at":"2026-11-20T10:00:00Z","type":"claude_chat_created"}',
    b'{"id":"twice","created_at":"2026-11-20T10:00:00Z","type":"claude_chat_deleted"}',
    '{"id":"\u202eevil","created_at":"2026-11-20T10:00:00Z","filename":"a\\u0000b\\u001b[31m"}'.encode(),
]  # fmt: skip


@pytest.fixture
def odd_page() -> bytes:
    return b'{"data":[' + b",".join(ODD) + b'],"has_more":false,"first_id":"x","last_id":"twice"}'


def test_records_of_the_strangest_shapes_become_a_row_each_and_reading_them_again_adds_none(
    standing: Standing, odd_page: bytes, ledgerline: Command
) -> None:
    served, site = standing(days=2)
    window = datetime(2026, 11, 20, 9, tzinfo=UTC), datetime(2026, 11, 20, 11, tzinfo=UTC)
    with scripted(after=Given(200, odd_page, {"request-id": "req_odd"}, date=None)) as server:
        there = elsewhere(served, server.url)
        first = pull(site, there, *window)
        assert first.failed == []
        assert first.records == len(ODD)
        again = pull(site, there, *window)
        assert (again.first, again.revised, again.withdrawn) == (0, 2, 0)
    raws = site.sql("select coalesce(raw_bytes, encode(raw)) from audit_event_versions where commit_seq = 1")
    assert {bytes(raw) for (raw,) in raws} == set(ODD)
    shown = ledgerline(site, "sql", "select id, filename from audit_events")
    assert "\x1b" not in shown.out
    assert "\u202e" not in shown.out
    assert ledgerline(site, "status", "--json").code == 1


@pytest.mark.fault(
    "The API answers 200 with something that is no page.",
    area="pulling",
    data="It is not committed. The window stays a hole in the coverage.",
    user="`pull` names the window as failed; exit 1.",
    recovery="Run the pull again: it takes up the hole.",
)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'{"data":{}}',
        b'{"data":[{"id":"a"}',
        b'{"data":null,"has_more":false}',
        b'{"data":[],"data":[],"has_more":false}',
        b'{"data":[],"has_more":false} and more',
        b'{"data":[],"has_more":"no"}',
        b"\xff\xfe",
        b"<html>login</html>",
    ],
)
def test_a_200_that_is_no_page_is_never_committed_and_its_window_stays_a_gap(
    standing: Standing, body: bytes, tmp_path: Path
) -> None:
    served, site = standing(days=2)
    window = datetime(2026, 11, 20, 9, tzinfo=UTC), datetime(2026, 11, 20, 11, tzinfo=UTC)
    with scripted(after=Given(200, body, {"request-id": "req_odd"}, date=None)) as server:
        report = pull(site, elsewhere(served, server.url), *window, tries=2)
    assert len(report.failed) == 1
    assert "not a page" in report.failed[0]["error"]
    assert not (site.root / "pages").exists()
    with site.open(for_writing=False) as workshop:
        stream = workshop.archive.refresh().stream("activities")
        assert (stream.covered, len(stream.dead)) == ([], 1)
