"""The completeness certificate: what it finds, what it leaves alone, and that it is signed."""

import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from assets.evidence import certify, period_of
from assets.pulling import pull_activities
from assets.workshop import Workshop
from orchestration.workshop import open_workshop
from sandbox import Served, Tenant, serve
from tests.evidence.conftest import FIRST, LAST, NOW, Evidence, install
from warehouse.archive import verify_proof
from warehouse.archive.store import open_store
from warehouse.config import parse
from warehouse.evidence import storage
from warehouse.evidence.certificate import Certificate, CertificateNotOurs, check
from warehouse.evidence.page import page
from warehouse.wire.times import midnight, parse_rfc3339
from warehouse.wire.windows import Window


@pytest.fixture(scope="module")
def made(workshop: Workshop) -> Certificate:
    return certify(workshop, Window(midnight(FIRST), midnight(LAST)))


def codes(certificate: Certificate) -> list[str]:
    return sorted({finding["code"] for finding in certificate.findings})


def of(certificate: Certificate, code: str) -> list[dict[str, str]]:
    return [finding for finding in certificate.findings if finding["code"] == code]


class Standing:
    """A tenant with a clock that stands, and an installation that pulls from it."""

    def __init__(self, served: Served, folder: Path) -> None:
        self.served = served
        self.settings = install(folder, served, served.tenant.first_day)
        self.tenant = served.tenant

    def open(self) -> Any:
        return open_workshop(self.settings, clock=self.served.clock.now)

    def pull(self, start: datetime | None = None, end: datetime | None = None) -> None:
        with self.open() as workshop:
            pull_activities(workshop, start=start, end=end)

    def tick(self, times: int = 1, minutes: int = 5) -> None:
        for _ in range(times):
            self.served.clock.advance(minutes * 60)
            self.pull()

    def certificate(self, start: datetime | None = None, end: datetime | None = None) -> Certificate:
        with self.open() as workshop:
            return certify(workshop, period_of(workshop, start, end))


@pytest.fixture
def standing(tmp_path: Path) -> Any:
    with serve(Tenant(seed=11, users=5, days=3, clock=NOW, rate_limit=0)) as served:
        yield Standing(served, tmp_path / "site")


# what it must find, and nothing else


def test_of_a_tenant_that_nobody_touched_it_finds_the_planted_key_and_the_planted_evening_and_nothing_else(
    tmp_path: Path,
) -> None:
    with serve(Tenant(seed=7, users=14, days=13, clock=NOW, rate_limit=0)) as served:
        site = Standing(served, tmp_path / "site")
        site.pull()
        found = site.certificate()
        stories = [s for s in served.tenant.stories() if s["first_at"] >= found.document["period"]["from"]]
    keys = [story for story in stories if story["kind"] == "leaked_compliance_key"]
    evenings = [story for story in stories if story["kind"] == "recording_switched_off"]
    assert (len(keys), len(evenings)) == (1, 1)
    expected = [("foreign_footprint", keys[0]["events"][0]["id"])]
    expected += [("recording_off", f"[{evenings[0]['first_at']}, {evenings[0]['last_at']})")]
    assert sorted((f["code"], f["subject"]) for f in found.findings) == expected
    (caller,) = found.document["foreign_requests"]
    assert (caller["ip_address"], caller["key_id"]) == (keys[0]["who"]["address"], keys[0]["who"]["api_key_id"])
    assert (caller["requests"], caller["refused"]) == (40, 5)
    (off,) = found.document["recording"]["off"]
    assert off["by"] == evenings[0]["who"]["email"]


def test_a_day_that_nobody_pulled_is_a_gap_of_exactly_that_day(standing: Standing) -> None:
    first = standing.tenant.first_day
    day = [midnight(first + timedelta(days=n)) for n in range(4)]
    standing.pull(day[0], day[1])
    standing.pull(day[2], day[3])
    found = standing.certificate(day[0], day[3])
    assert found.document["coverage"]["gaps"] == [Window(day[1], day[2]).as_text()]
    assert [gap["subject"] for gap in of(found, "gap")] == [str(Window(day[1], day[2]))]
    assert found.document["coverage"]["seconds_missing"] == 86_400


def test_a_window_that_failed_and_was_pulled_later_is_told_and_is_no_finding(standing: Standing) -> None:
    standing.served.faults.on("error_500_final", skip=2, next=1)
    standing.pull()
    found = standing.certificate(None, midnight(standing.tenant.first_day) + timedelta(days=3))
    assert {"gap", "dead_window"} <= set(codes(found))
    standing.served.faults.clear()
    standing.tick()
    healed = standing.certificate(None, midnight(standing.tenant.first_day) + timedelta(days=3))
    assert {"gap", "dead_window"} & set(codes(healed)) == set()
    (window,) = healed.document["pulls"]["incomplete_windows"]
    assert window["covered_since"] is True


def test_our_requests_are_found_and_one_that_the_feed_lost_is_missing(standing: Standing) -> None:
    standing.pull()
    standing.tick()
    hidden = standing.served.requests[-1]["request_id"]
    standing.served.clock.advance(2)
    (record,) = (one for one in standing.tenant.records() if hidden.encode() in one)
    standing.tenant.withdraw([json.loads(record)["id"]])
    standing.tick(3)
    own = standing.certificate().document["own_requests"]
    assert [missing["request_id"] for missing in own["missing_requests"]] == [hidden]
    assert own["found"] > 0
    assert own["made"] == own["found"] + own["missing"] + own["waiting"] + own["unrecorded"]


def test_somebody_else_is_told_with_address_and_what_was_asked_for(standing: Standing) -> None:
    standing.pull()
    standing.tick(2)
    agent = "<script>alert(1)</script>"
    httpx.get(
        f"{standing.served.url}/v1/compliance/activities?limit=1",
        headers={
            "x-api-key": standing.served.keys["compliance"],
            "x-forwarded-for": "203.0.113.9",
            "user-agent": agent,
        },
    )
    standing.tick(2)
    found = standing.certificate()
    (caller,) = [one for one in found.document["foreign_requests"] if one["ip_address"] == "203.0.113.9"]
    assert (caller["requests"], caller["user_agent"]) == (1, agent)
    assert list(caller["paths"]) == ["https://api.anthropic.com/v1/compliance/activities"]
    assert agent not in page(found)


def test_late_records_are_counted_with_how_late_they_were_and_are_no_finding(standing: Standing) -> None:
    early = {"start": "2026-11-22T05:00:00Z", "end": "2026-11-22T09:30:00Z"}
    late = set(standing.tenant.damage("late_indexing", next=3, seconds=6 * 3600, **early))
    standing.pull()
    standing.served.clock.advance(20 * 3600)
    standing.pull()  # the next morning, with yesterday once more
    found = standing.certificate()
    told = found.document["late"]
    assert late <= {event["id"] for event in told["events"]}
    assert told["largest_seconds"] >= 19 * 3600
    assert "late" not in " ".join(codes(found))


def test_what_the_vendor_changed_and_withdrew_is_a_finding_each(made: Certificate, evidence: Evidence) -> None:
    assert {"revised", "withdrawn"} <= set(codes(made))
    changes = made.document["changes"]
    assert (changes["revised"], changes["withdrawn"]) == (len(evidence.changed), len(evidence.withdrawn))


def test_unknown_things_are_told_and_are_no_finding(made: Certificate) -> None:
    assert made.document["unknown"]["types"]
    assert made.document["unknown"]["fields"]
    assert not [code for code in codes(made) if code.startswith("unknown")]


def test_the_numbers_are_those_of_the_tenant(made: Certificate, evidence: Evidence) -> None:
    events = made.document["events"]
    assert events["count"] == len(evidence.truth)
    assert events["first_at"] == min(record["created_at"] for record in evidence.truth.values())
    assert events["withdrawn"] == len(evidence.withdrawn)


def test_it_says_what_it_cannot_know(made: Certificate) -> None:
    said = " ".join(made.document["cannot_know"])
    for word in ("switched off", "does not record", "conversation", "network", "clocks"):
        assert word in said


def test_of_a_folder_it_says_that_whoever_owns_the_disk_can_change_it_and_that_is_no_finding(
    made: Certificate,
) -> None:
    assert made.document["storage"] == "folder"
    assert "immutable" not in made.document
    assert "whoever owns the disk" in " ".join(made.document["cannot_know"])
    assert "not_immutable" not in codes(made)
    html = page(made)
    assert "<td>a folder: " in html
    assert "write-once" not in html
    assert "nothing in it can be changed" not in html


def test_of_a_folder_without_a_lock_it_says_so_as_a_finding(standing: Standing) -> None:
    path = standing.settings.path
    text = path.read_text().replace("[archive]\n", '[archive]\nlock = "none"\n')
    standing.settings = parse(text, path, {})
    standing.pull()
    found = standing.certificate()
    assert found.document["storage"] == "unlocked"
    assert len(of(found, "not_immutable")) == 1
    assert "whoever owns the disk" not in " ".join(found.document["cannot_know"])
    assert "<td>without a lock: " in page(found)


@pytest.mark.parametrize(
    ("lock", "word", "unknowable"),
    [("compliance", "locked", 0), ("governance", "liftable", 1), ("none", "unlocked", 0)],
)
def test_of_a_bucket_it_says_how_far_its_lock_goes(lock: str, word: str, unknowable: int) -> None:
    store = open_store("s3://bucket/prefix", lock=lock, s3_client=object())
    assert (storage.storage(store), len(storage.unknowable(store))) == (word, unknowable)


# its signature


def test_the_same_archive_at_the_same_moment_gives_the_same_bytes(made: Certificate, workshop: Workshop) -> None:
    again = certify(workshop, Window(midnight(FIRST), midnight(LAST)))
    assert again.data == made.data
    assert again.signed == made.signed


def test_the_note_is_a_checkpoint_of_the_log_that_names_the_certificates_hash(
    made: Certificate, workshop: Workshop
) -> None:
    assert made.signed is not None
    head = check(made.data, made.signed.note, made.signed.vkey)
    assert (head.size, head.root) == (workshop.archive.state.size, workshop.archive.state.edge().root())
    assert made.signed.vkey == workshop.archive.state.public_key


def test_a_changed_certificate_or_note_is_refused(made: Certificate) -> None:
    assert made.signed is not None
    with pytest.raises(CertificateNotOurs, match="another certificate"):
        check(made.data.replace(b'"gaps":[]', b'"gaps":[ ]'), made.signed.note, made.signed.vkey)
    with pytest.raises(CertificateNotOurs, match="not signed"):
        check(made.data, made.signed.note.replace("sha256:", "sha256:0"), made.signed.vkey)


def test_the_proof_file_is_proven_with_the_standard_library_alone(made: Certificate, tmp_path: Path) -> None:
    assert made.signed is not None
    (tmp_path / "verify_proof.py").write_bytes(Path(verify_proof.__file__).read_bytes())
    (tmp_path / "certificate.proof").write_text(made.signed.proof)
    command = [sys.executable, "-I", "-S", "verify_proof.py", "certificate.proof", "--key", made.signed.vkey]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout[:6]) == (0, "PROVEN"), done.stdout
    assert f"\n  - Signed with it: ledgerline-certificate/1 sha256:{made.sha256}\n" in done.stdout
    forged = made.signed.proof.replace("sha256:", "sha256:0")
    (tmp_path / "certificate.proof").write_text(forged)
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 1


# the page


def test_the_page_needs_nothing_else_and_shows_every_finding(made: Certificate) -> None:
    html = page(made)
    assert "<script" not in html
    assert "http-equiv" in html
    assert not [word for word in ("src=", "@import", "url(", "<link") if word in html]
    for finding in made.findings:
        assert finding["detail"].split(" ")[0] in html
    assert made.sha256 in html


def test_hostile_text_is_only_text_on_the_page(made: Certificate) -> None:
    hostile = '"><img src=x onerror=alert(1)>\x1b[31m\u202egpj.exe' + "x" * 1000
    document = json.loads(made.data)
    document["foreign_requests"] = [
        {"key_id": hostile, "ip_address": hostile, "user_agent": hostile, "requests": 1, "refused": 0}
        | {"first_at": hostile, "last_at": None, "first_event_id": hostile, "paths": {hostile: 1}}
    ]
    document["findings"] = [{"code": hostile, "subject": hostile, "detail": hostile}]
    document["unknown"]["types"] = [{"type": hostile, "actor_type": hostile, "events": 1}]
    html = page(Certificate(document))
    assert "<img" not in html
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "\\u202e" in html
    assert "x" * 500 not in html


def test_a_share_is_never_rounded_up_to_the_whole(standing: Standing) -> None:
    first = midnight(standing.tenant.first_day)
    standing.pull(first, first + timedelta(days=3) - timedelta(seconds=1))
    html = page(standing.certificate(first, first + timedelta(days=3)))
    assert "99.9 %" in html


def test_a_certificate_needs_a_period_that_was_pulled(standing: Standing) -> None:
    from assets.evidence import NothingCovered

    with pytest.raises(NothingCovered), standing.open() as workshop:
        period_of(workshop, None, None)
    standing.pull()
    with standing.open() as workshop:
        assert period_of(workshop, None, None).end < parse_rfc3339(NOW)
