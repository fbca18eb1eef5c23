"""Exports beside the feed: what is said of each file, and which of its rows the feed has too."""

import json
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from assets.importing import import_audit_export
from sandbox import Served
from tests.promises.conftest import Standing
from tests.promises.quick import open_quickly, pull
from tests.promises.site import Site
from warehouse.archive.verify import verify
from warehouse.wire.times import midnight

DAY, NEXT = date(2026, 11, 20), date(2026, 11, 21)
HEADER = "created_at,actor_info,event,event_info,entity_info,ip_address,device_id,user_agent,client_platform"
SAMPLE = Path(__file__).parents[1] / "samples" / "audit_export" / "export-apostrophe.csv"


def row(created_at: str, email: str, event: str = "conversation_created") -> str:
    actor = f"{{'name': 'Sean O'Brien', 'uuid': 'u-1', 'metadata': {{'email_address': '{email}'}}}}"
    return f'{created_at},"{actor}",{event},{{}},,192.0.2.34,,Mozilla/5.0,web'


def export(path: Path, rows: Sequence[str]) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("\r\n".join([HEADER, *rows]) + "\r\n", encoding="utf-8")
    return path


def chats(served: Served) -> list[tuple[str, str]]:
    """(created_at, e-mail address) of each conversation that the feed says was begun on the day."""
    records = [json.loads(record) for record in served.tenant.records(midnight(DAY), midnight(NEXT))]
    return [
        (record["created_at"], record["actor"]["email_address"])
        for record in records
        if record["type"] == "claude_chat_created" and "email_address" in record["actor"]
    ]


def run(site: Site, served: Served, *paths: Path) -> dict[str, Any]:
    with open_quickly(site, served) as workshop:
        return import_audit_export(workshop, paths).as_dict()


@pytest.fixture
def pulled(standing: Standing) -> tuple[Served, Site]:
    served, site = standing()
    pull(site, served, DAY, NEXT)
    return served, site


def test_an_auditor_sees_how_many_rows_the_feed_has_and_lacks(pulled: tuple[Served, Site]) -> None:
    served, site = pulled
    known = chats(served)[:5]
    assert len(known) == 5
    never = (f"{DAY}T23:50:00.500000Z", known[0][1])
    path = export(site.folder / "export.csv", [row(*one) for one in [*known, never]])
    (file,) = run(site, served, path)["files"]
    assert (file["status"], file["rows"], file["new"]) == ("imported", 6, 6)
    assert file["matches"] == {"feed_has": 5, "feed_lacks": 1}
    lacking = site.sql(
        "select r.created_at_text from audit_export_matches join audit_export_rows as r using (row_key) "
        "where match = 'feed_lacks'"
    )
    assert lacking == [(never[0],)]


def test_two_files_of_one_name_are_each_compared_by_their_own_rows(pulled: tuple[Served, Site]) -> None:
    served, site = pulled
    known = chats(served)
    october = export(site.folder / "october" / "audit_logs.csv", [row(*one) for one in known[:3]])
    november = export(site.folder / "november" / "audit_logs.csv", [row(*one) for one in known[3:8]])
    run(site, served, october)
    (file,) = run(site, served, november)["files"]
    assert file["matches"] == {"feed_has": 5}


def test_overlapping_exports_add_each_row_once(pulled: tuple[Served, Site]) -> None:
    served, site = pulled
    known = [row(*one) for one in chats(served)]
    first = export(site.folder / "first.csv", known[:6])
    second = export(site.folder / "second.csv", known[3:9])
    files = run(site, served, first, second)["files"]
    assert [(file["new"], file["unchanged"]) for file in files] == [(6, 0), (3, 3)]
    (again,) = run(site, served, second)["files"]
    assert (again["status"], again["new"]) == ("known", 0)
    assert site.sql("select count(*) from audit_export_rows") == [(9,)]


def test_an_import_before_any_pull_says_that_nothing_could_be_compared(standing: Standing) -> None:
    served, site = standing()
    path = export(site.folder / "export.csv", [row(*one) for one in chats(served)[:2]])
    (file,) = run(site, served, path)["files"]
    assert file["matches"] == {"not_comparable": 2}


def test_the_sample_with_an_apostrophe_loses_no_row_and_no_field(pulled: tuple[Served, Site]) -> None:
    served, site = pulled
    (file,) = run(site, served, SAMPLE)["files"]
    assert file["status"] == "imported"
    assert site.sql("select count(*) from audit_export_rows") == [(file["rows"],)]
    text = SAMPLE.read_bytes().decode("utf-8-sig")
    for (raw,) in site.sql("select raw from audit_export_rows"):
        assert raw in text


def test_the_file_is_in_the_archive_byte_for_byte(pulled: tuple[Served, Site]) -> None:
    import zstandard

    served, site = pulled
    run(site, served, SAMPLE)
    (stored,) = (site.root / "pages" / "audit_export").rglob("*.zst")
    assert zstandard.ZstdDecompressor().decompress(stored.read_bytes()) == SAMPLE.read_bytes()


def test_each_export_of_a_zip_is_a_file_of_its_own(pulled: tuple[Served, Site], tmp_path: Path) -> None:
    served, site = pulled
    one, two, three = (chats(served)[n] for n in range(3))
    first = export(tmp_path / "october.csv", [row(*one)])
    second = export(tmp_path / "november.csv", [row(*two), row(*three)])
    packed = tmp_path / "both.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in (first, second):
            archive.write(path, path.name)
        archive.writestr("notes.csv", "not,an,export\n")
    report = run(site, served, packed)
    assert [(file["name"], file["status"], file.get("rows")) for file in report["files"]] == [
        ("both.zip (october.csv)", "imported", 1),
        ("both.zip (november.csv)", "imported", 2),
        ("both.zip (notes.csv)", "bad", None),
    ]
    assert [finding["subject"] for finding in report["findings"]] == ["both.zip (notes.csv)"]
    assert site.sql("select count(*) from audit_export_rows") == [(3,)]
    with site.open(for_writing=False) as workshop:
        assert verify(workshop.archive.store).findings == []
    again = run(site, served, packed)
    assert [file["status"] for file in again["files"]] == ["known", "known", "bad"]
