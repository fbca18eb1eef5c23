"""The evidence report: the same bytes from the same archive, true to it, with proofs that hold."""

import csv
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assets.evidence import make_report, program
from assets.restricting import restrict
from assets.workshop import Workshop
from orchestration.workshop import open_workshop
from tests.evidence.conftest import CHANGED, FIRST, LAST, Evidence
from warehouse.archive import verify_proof
from warehouse.archive.state import LogState, StreamState, TableFile, TableState
from warehouse.config import parse
from warehouse.evidence.calendar import days_of, months_of
from warehouse.evidence.changes import FieldChange
from warehouse.evidence.controls import controls
from warehouse.evidence.errors import PlaceTaken
from warehouse.evidence.report import Report, report
from warehouse.evidence.report_page import page
from warehouse.tables.catalog import connect
from warehouse.wire.times import midnight, parse_rfc3339
from warehouse.wire.windows import Window

PERIOD = Window(midnight(FIRST), midnight(LAST))
SHORT = Window(midnight(CHANGED), midnight(CHANGED) + timedelta(days=2))  # where every proof is made and checked


def report_of(workshop: Workshop, period: Window = PERIOD) -> Report:
    with connect(workshop.archive) as db:
        return report(db, workshop.archive, period, program=program())


@pytest.fixture(scope="module")
def made(workshop: Workshop) -> Report:
    return report_of(workshop)


@pytest.fixture(scope="module")
def proven(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page with its proofs beside it."""
    place = tmp_path_factory.mktemp("handed-out") / "october.html"
    _, written = make_report(workshop, SHORT, place, proofs=True, signed=True)
    assert written.folder == place.with_name("october-proofs")
    return place


def test_the_same_archive_gives_the_same_bytes_at_any_later_moment(
    evidence: Evidence, proven: Path, tmp_path: Path
) -> None:
    later = evidence.now + timedelta(days=400)
    with open_workshop(evidence.settings, for_writing=False, clock=lambda: later) as workshop:
        make_report(workshop, SHORT, tmp_path / "october.html", proofs=True, signed=True)
    beside = "october-proofs"
    assert (tmp_path / "october.html").read_bytes() == proven.read_bytes()
    files = sorted(path.name for path in (tmp_path / beside).iterdir())
    assert files == sorted(path.name for path in (proven.parent / beside).iterdir())
    assert all((tmp_path / beside / n).read_bytes() == (proven.parent / beside / n).read_bytes() for n in files)


def test_the_page_needs_nothing_else_and_has_every_finding_and_every_control(made: Report) -> None:
    html = page(made)
    assert not [word for word in ("<script", "src=", "@import", "url(", "<link", 'href="http') if word in html]
    assert made.findings
    for finding in made.findings:
        assert finding["detail"].split(" ")[0] in html
    for name in controls():
        assert f"<h4>{name}: " in html
    for place in re.findall(r'href="#([^"]*)"', html):
        assert f'id="{place}"' in html


def test_each_day_of_the_calendar_is_told_as_it_was_pulled_and_how_many_events_it_has(
    made: Report, evidence: Evidence
) -> None:
    days = {day.day: day for day in made.days}
    assert list(days) == [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days)]
    assert {day.covered for day in days.values()} == {"complete"}
    assert any(day.sealed for day in days.values())
    for day, told in days.items():
        there = [r for r in evidence.truth.values() if datetime.fromisoformat(r["created_at"]).date() == day]
        assert told.events == len(there)
    off = {
        parse_rfc3339(told["first_at"]).date()
        for told in evidence.stories
        if told["kind"] == "recording_switched_off"
    }
    assert {day for day, told in days.items() if told.off} == off & set(days)
    html = page(made)
    for told in made.days:
        assert told.told in html


def test_a_day_with_the_smallest_hole_is_not_complete_and_one_that_nobody_pulled_is_missing() -> None:
    start = datetime(2026, 6, 1, tzinfo=PERIOD.start.tzinfo)
    covered = [
        Window(start, start + timedelta(days=2) - timedelta(microseconds=1)),
        Window(start + timedelta(days=3), start + timedelta(days=3, hours=1)),
    ]
    file = TableFile(key="k", version_id=None, sha256="0", dt="2026-06-01", rows=1, bytes=1)
    state = LogState(
        streams={"activities": StreamState(covered=covered)}, tables={"audit_events": TableState(sealed=[file])}
    )
    days = days_of(state, Window(start, start + timedelta(days=3, hours=1)), {date(2026, 6, 2): 1204})
    assert [(day.covered, day.sealed) for day in days] == [
        ("complete", True), ("partial", False), ("missing", False), ("complete", False),
    ]  # fmt: skip
    assert days[1].told == "2026-06-02: partial, not sealed, 1,204 events"
    (june,) = months_of(days)
    assert june.name == "2026-06"
    assert [day.day.day if day else None for day in june.weeks[0]] == [1, 2, 3, 4, None, None, None]


# what the vendor changed


def test_what_was_changed_is_told_field_by_field_and_what_was_withdrawn_as_such(
    made: Report, evidence: Evidence
) -> None:
    revised = [change for change in made.changes if change.fold == "revised"]
    withdrawn = [change for change in made.changes if change.fold == "withdrawn"]
    assert revised
    assert {change.id for change in revised} <= evidence.changed
    assert {change.id for change in withdrawn} <= evidence.withdrawn
    assert all(change.fields for change in revised)
    assert all(change.created_at.date() == CHANGED for change in withdrawn)
    counts = made.certificate.document["changes"]
    assert (counts["revised"], counts["withdrawn"]) == (len(evidence.changed), len(evidence.withdrawn))


def test_what_the_vendor_was_asked_to_remove_does_not_come_back_with_the_report(
    made: Report, workshop: Workshop
) -> None:
    changed = made.changes[0].id
    with connect(workshop.archive) as db:
        ((email,),) = db.execute(
            "select actor_email from audit_event_versions where version = 1 and id = ?", [changed]
        ).fetchall()
    assert "@" in email
    told = {field.name: field for field in made.changes[0].fields}
    assert told["actor.email_address"].before == f"a text of {len(email)} letters"
    assert all(email not in str(change) for change in made.changes)


# restricted persons


@pytest.fixture(scope="module")
def restricted(evidence: Evidence, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A copy of the installation in which the busiest person is restricted; the address and the user id."""
    folder = tmp_path_factory.mktemp("restricted") / "site"
    shutil.copytree(evidence.folder, folder)
    settings = parse((folder / "ledgerline.toml").read_text(), folder / "ledgerline.toml", {})
    with open_workshop(settings, clock=lambda: evidence.now) as workshop:
        with connect(workshop.archive) as db:
            ((email, user),) = db.execute(
                "select actor_email, actor_id from audit_events where actor_email like '%@%' "
                "and actor_id is not null group by all order by count(*) desc limit 1"
            ).fetchall()
        restrict(workshop, "dsr-1", [email, user], "request for erasure")
    return folder, email, user


def test_a_restricted_person_is_masked_on_the_page_and_no_proof_shows_them(
    restricted: tuple[Path, str, str], evidence: Evidence, made: Report, tmp_path: Path
) -> None:
    folder, email, user = restricted
    assert email in page(made)
    settings = parse((folder / "ledgerline.toml").read_text(), folder / "ledgerline.toml", {})
    with open_workshop(settings, for_writing=False, clock=lambda: evidence.now) as workshop:
        masked, written = make_report(workshop, SHORT, tmp_path / "masked.html", proofs=True, signed=True)
    days = {day.day: day.events for day in made.days}
    assert [day.events for day in masked.days] == [days[day.day] for day in masked.days]
    assert written.folder is not None
    texts = [path.read_text() for path in (written.page, *written.folder.iterdir())]
    assert not [text for text in texts if email in text or user in text]
    assert "[restricted]" in texts[0]
    assert written.proofs > 0


# hostile text


def test_hostile_text_is_only_text_on_the_page(made: Report) -> None:
    hostile = "\"><img src=x onerror=alert(1)></table><!-- {{ 7*7 }} '; \x1b[31m\u202egpj.exe" + "x" * 1000

    def spoilt(answer: Any) -> Any:
        rows = tuple(tuple(hostile if isinstance(v, str) else v for v in row) for row in answer.rows)
        return replace(answer, rows=(*rows, tuple(hostile for _ in answer.columns)))

    html = page(
        replace(
            made,
            people=tuple(map(spoilt, made.people)),
            admins=tuple(map(spoilt, made.admins)),
            moved=tuple(map(spoilt, made.moved)),
            alerts=spoilt(made.alerts),
            deliveries=tuple(map(spoilt, made.deliveries)),
            changes=(
                replace(
                    made.changes[0], id=hostile, type=hostile, fields=(FieldChange(hostile, hostile, hostile),)
                ),
            ),
        ),
        "a-proofs",
        {(hostile, None): "0001.proof"},
    )
    for word in ("<img", "\x1b", "\u202e", "<!-- {{", "x" * 500):
        assert word not in html
    assert "\\u202e" in html
    assert html.count("<table") == html.count("</table>")


# proofs and the signature


def test_each_link_of_the_page_is_a_proof_that_holds_for_the_event_it_stands_at(
    proven: Path, workshop: Workshop
) -> None:
    html, made = proven.read_text(), report_of(workshop, SHORT)
    key = workshop.archive.state.public_key
    assert key is not None
    links = re.findall(r'<a href="(october-proofs/\d+\.proof)"><code>([^<]+)</code>', html)
    assert {event for _, event in links} == {*made.ids, *(change.id for change in made.changes)}
    for place, event in dict.fromkeys(links):
        proof = verify_proof.check((proven.parent / place).read_bytes(), [key])
        assert event.encode() in proof.record
    with (proven.parent / "october-proofs" / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    both = {row["version"] for row in rows if row["id"] == made.changes[0].id}
    assert both == {"1", "2"}


def test_the_commands_on_the_page_prove_it_and_a_changed_page_is_found(proven: Path, tmp_path: Path) -> None:
    shutil.copytree(proven.parent, tmp_path / "received")
    folder = tmp_path / "received"
    text = (folder / "october.html").read_text()
    blocks = [
        block.replace("&#39;", "'").replace("&#34;", '"') for block in re.findall(r"<pre>(.*?)</pre>", text, re.S)
    ]
    check = blocks[0].replace("PAGE.html", "october.html").replace("python3", sys.executable)
    done = subprocess.run(["sh", "-ec", check], cwd=folder, capture_output=True, text=True, check=True)
    digest = done.stdout.split(" ")[0]
    assert "\nPROVEN" in done.stdout
    assert f"Signed with it: ledgerline-report/1 sha256:{digest}\n" in done.stdout
    for path in sorted((folder / "october-proofs").glob("[0-9]*.proof"))[6:]:
        path.unlink()  # each takes a process; all are checked above
    each = blocks[1].replace("python3", sys.executable)
    done = subprocess.run(["sh", "-ec", each], cwd=folder, capture_output=True, text=True, check=True)
    assert [line[:6] for line in done.stdout.splitlines()] == ["PROVEN"] * 6
    (folder / "october.html").write_text(text.replace("complete", "compleat", 1))
    changed = subprocess.run(["sh", "-ec", check], cwd=folder, capture_output=True, text=True, check=True).stdout
    assert f"sha256:{changed.split(' ')[0]}\n" not in changed


def test_nothing_that_is_there_is_written_over_and_what_fails_leaves_nothing(
    workshop: Workshop, tmp_path: Path
) -> None:
    (tmp_path / "a.html").write_text("mine")
    with pytest.raises(PlaceTaken, match=r"a\.html is there already"):
        make_report(workshop, SHORT, tmp_path / "a.html", proofs=True, signed=True)
    (tmp_path / "b-proofs").mkdir()
    (tmp_path / "b-proofs" / "mine").write_text("mine")
    with pytest.raises(PlaceTaken, match="b-proofs is there already"):
        make_report(workshop, SHORT, tmp_path / "b.html", proofs=True, signed=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "b-proofs"]
    assert (tmp_path / "a.html").read_text() == "mine"
