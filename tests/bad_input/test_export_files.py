"""Export files that are none: each is named with what is wrong, exit 1, the others go on, and nothing is lost."""

import io
import zipfile
from pathlib import Path

import pytest

from tests.promises.conftest import Command, Standing
from tests.promises.site import Site

HEADER = "created_at,actor_info,event,event_info,entity_info,ip_address,device_id,user_agent,client_platform\r\n"
ROW = (
    '2026-11-20T10:00:00.123456Z,"{\'name\': \'Jane O\'Neil\', \'uuid\': \'u-1\', \'metadata\': {}}",'
    "conversation_created,{},,192.0.2.34,,Mozilla/5.0,web\r\n"
)  # fmt: skip
GOOD = (HEADER + ROW).encode()


def zipped(**files: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_", "."), data)
    return sink.getvalue()


NOT_EXPORTS = {
    "empty.csv": b"",
    "blank.csv": b"\r\n\r\n \r\n",
    "picture.csv": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8,
    "letter.txt": b"Dear Sir or Madam,\nplease find attached the log.\n",
    "other.csv": b"date,amount\r\n2026-11-20,12.50\r\n",
    "eight.csv": GOOD.replace(b",client_platform", b""),
    "page.html": b"<!doctype html><html><body>Log in</body></html>",
    "error.json": b'{"error": {"type": "permission_error", "message": "no"}}',
    "numbers.json": b"[1, 2, 3]",
    "cut.zip": zipped(audit_csv=GOOD)[:-30],
    "nothing_in_it.zip": zipped(),
    "pictures.zip": zipped(a_png=b"\x89PNG", b_png=b"\x89PNG"),
    "bytes.csv": b"\x00" * 5000,
}


@pytest.fixture
def site(standing: Standing) -> Site:
    return standing(days=1)[1]


def rows(site: Site) -> int:
    return len(site.sql("from audit_export_rows"))


@pytest.mark.fault(
    "A file that is handed in is no export: a picture, a web page, a cut ZIP, another table.",
    area="files",
    data="Nothing of it enters the archive.",
    user="The file and what is wrong with it; exit 1.",
    recovery="Import the right file.",
)
@pytest.mark.parametrize("name", sorted(NOT_EXPORTS))
def test_a_file_that_is_no_export_is_named_and_leaves_nothing_behind(
    site: Site, ledgerline: Command, name: str
) -> None:
    (site.folder / name).write_bytes(NOT_EXPORTS[name])
    ended = ledgerline(site, "import", "audit-export", name, "--json")
    assert ended.code == 1
    (file,) = ended.json()["files"]
    assert (file["name"], file["status"]) == (name, "bad")
    assert file["reason"]
    assert [found["subject"] for found in ended.json()["findings"]] == [name]
    assert not (site.root / "log").exists()
    shown = ledgerline(site, "import", "audit-export", name)
    assert name in shown.out


def test_the_good_files_among_bad_ones_are_imported(site: Site, ledgerline: Command) -> None:
    for name, data in NOT_EXPORTS.items():
        (site.folder / name).write_bytes(data)
    (site.folder / "good.csv").write_bytes(GOOD)
    names = sorted([*NOT_EXPORTS, "good.csv"])
    ended = ledgerline(site, "import", "audit-export", *names, "--json")
    assert ended.code == 1
    assert {file["name"]: file["status"] for file in ended.json()["files"]} == {
        name: "imported" if name == "good.csv" else "bad" for name in names
    }
    assert rows(site) == 1
    assert ledgerline(site, "verify").code == 0


def test_a_repaired_file_is_imported_once(site: Site, ledgerline: Command) -> None:
    path = site.folder / "audit.zip"
    path.write_bytes(zipped(audit_csv=GOOD)[:-30])
    assert ledgerline(site, "import", "audit-export", "audit.zip").code == 1
    path.write_bytes(zipped(audit_csv=GOOD))
    for _ in range(2):
        assert ledgerline(site, "import", "audit-export", "audit.zip").code == 0
        assert rows(site) == 1


@pytest.mark.fault(
    "An export file ends in the middle of a row.",
    area="files",
    data="The row is kept with its problem beside it.",
    user="The finding `row_problems`.",
    recovery="Export it from the console again.",
)
def test_a_file_that_ends_in_mid_row_keeps_that_row_and_says_so(site: Site, ledgerline: Command) -> None:
    (site.folder / "cut.csv").write_bytes(GOOD + ROW.encode()[:70])
    ended = ledgerline(site, "import", "audit-export", "cut.csv", "--json")
    assert ended.code == 1
    assert "row_problems" in [found["code"] for found in ended.json()["findings"]]
    kept = "".join(raw for (raw,) in site.sql("select raw from audit_export_rows order by row_no"))
    assert ROW[:70].strip() in kept


def test_a_file_that_cannot_be_read_is_named_and_the_others_go_on(site: Site, ledgerline: Command) -> None:
    (site.folder / "good.csv").write_bytes(GOOD)
    (site.folder / "folder.csv").mkdir()
    ended = ledgerline(site, "import", "audit-export", "folder.csv", "good.csv")
    assert ended.code == 2  # a path that is no file is a mistake in the command: nothing was done
    assert "folder.csv" in ended.err
    assert not Path(site.root / "log").exists()


def test_a_hostile_file_name_does_nothing_to_a_terminal_or_a_path(site: Site, ledgerline: Command) -> None:
    name = "a\x1b[31mb;drop table'.csv"
    (site.folder / name).write_bytes(GOOD)
    ended = ledgerline(site, "import", "audit-export", name)
    assert ended.code == 0
    assert "\x1b" not in ended.out + ended.err
    assert site.sql("select file_name from audit_export_rows") == [(name,)]
    assert not [path for path in site.root.rglob("*") if "drop" in path.name]
    assert ledgerline(site, "sql", "select file_name from audit_export_rows").code == 0
