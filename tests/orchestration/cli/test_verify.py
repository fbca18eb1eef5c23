"""`ledgerline verify` on the command line: pins, where it goes on, what it could not read, in which words."""

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.orchestration.cli.conftest import Command
from tests.warehouse.archive import s3_server
from tests.warehouse.archive.rig import filled
from tests.warehouse.archive.stores import Clock
from warehouse.archive.s3 import S3Store


@pytest.fixture
def archive(pulled: Path, tmp_path: Path) -> Path:
    """A copy of a folder that was pulled into, to be tampered with."""
    folder = tmp_path / "installation"
    shutil.copytree(pulled, folder, copy_function=shutil.copy2)
    (folder / "data/cache/verified").unlink(missing_ok=True)
    return folder


def newest(folder: Path, kind: str) -> Path:
    return max((folder / "data/archive/log" / kind).iterdir())


def cut_off_the_end(folder: Path) -> None:
    """Remove the newest entry and all that tells of it, as if it had never been."""
    size = int(newest(folder, "checkpoint").name)
    entry = newest(folder, "entry")
    for ref in json.loads(entry.read_bytes())["objects"]:
        (folder / "data/archive" / ref["key"]).unlink()
    entry.unlink()
    newest(folder, "checkpoint").unlink()
    (folder / f"data/archive/log/tile/0/000.p/{size}").unlink()


def test_without_a_pin_the_output_says_that_the_tail_is_unpinned(ledgerline: Command, archive: Path) -> None:
    ended = ledgerline("verify", folder=archive)
    assert ended.code == 0
    assert "the tail is unpinned" in ended.out
    cut_off_the_end(archive)
    (archive / "data/cache/verified").unlink()
    assert ledgerline("verify", folder=archive).code == 0  # nobody can know


@pytest.mark.parametrize("kept_in", ["note", "receipts"])
def test_a_pin_tells_that_the_end_was_cut_off(ledgerline: Command, archive: Path, kept_in: str) -> None:
    note, pin = newest(archive, "checkpoint").read_text(), archive / "pin"
    pin.write_text(
        note if kept_in == "note" else json.dumps({"host": "x"}) + "\n" + json.dumps({"checkpoint": note})
    )
    assert ledgerline("verify", "--pinned", str(pin), folder=archive).code == 0
    cut_off_the_end(archive)
    (archive / "data/cache/verified").unlink()
    ended = ledgerline("verify", "--pinned", str(pin), "--json", folder=archive)
    assert ended.code == 1
    (finding,) = ended.json()["findings"]
    assert (finding["code"], finding["subject"].split()[0]) == ("truncated", "pin")
    assert finding["next_step"]


def test_what_was_verified_on_this_machine_tells_that_an_older_state_is_in_place(
    ledgerline: Command, archive: Path
) -> None:
    assert ledgerline("verify", folder=archive).code == 0
    cut_off_the_end(archive)
    for arguments in ([], ["--since", "last"]):
        ended = ledgerline("verify", *arguments, folder=archive)
        assert ended.code == 1
        assert "rolled_back" in ended.out


def test_since_last_reads_what_was_added_and_says_what_not(ledgerline: Command, archive: Path) -> None:
    first = ledgerline("verify", "--since", "last", "--json", folder=archive).json()
    assert first["checked"]["objects"] > 0
    assert any("everything was looked at" in note for note in first["notes"])
    second = ledgerline("verify", "--since", "last", "--json", folder=archive).json()
    assert (second["ok"], second["checked"]["objects"]) == (True, 0)
    assert any("not looked at: entries before" in note for note in second["notes"])


def test_the_tables_are_made_again(ledgerline: Command, archive: Path) -> None:
    ended = ledgerline("verify", "--rederive", "--deep", "--json", folder=archive)
    assert (ended.code, ended.json()["findings"]) == (0, [])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pinned", "nowhere"], "nowhere"),
        (["--pinned", "ledgerline.toml"], "holds no checkpoint"),
        (["--since", "lately"], "is not a time"),
        (["--since", "2999-01-01"], "in the future"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_word_about_it(
    ledgerline: Command, archive: Path, arguments: list[str], words: str
) -> None:
    ended = ledgerline("verify", *arguments, folder=archive)
    assert ended.code == 2
    assert words in ended.err
    assert "Traceback" not in ended.err


def test_on_a_terminal_a_flood_is_ten_lines_of_a_code_and_one_step(ledgerline: Command, archive: Path) -> None:
    strangers = archive / "data/archive/receipts/soc"
    strangers.mkdir(parents=True)
    old = (datetime.now(UTC) - timedelta(days=2)).timestamp()
    for number in range(300):
        (strangers / f"{number:03d}").touch()
        os.utime(strangers / f"{number:03d}", (old, old))
    ended = ledgerline("verify", folder=archive)
    assert ended.code == 1
    assert len(ended.out.splitlines()) < 40
    assert "100 in receipts/soc" in ended.out
    assert ended.out.count("What to do:") == 1


def test_an_object_that_the_store_refuses_ends_with_2_and_its_name(
    ledgerline: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "EXAMPLEKEY", "AWS_SECRET_ACCESS_KEY": s3_server.SECRET,
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    bucket = s3_server.new_bucket()
    store = S3Store(s3_server.client(), bucket, "ledger", lock="compliance")
    filled(store, 3, Clock(datetime.now(UTC)))
    refused = next(iter(store.list("pages/"))).key
    with s3_server.meddler() as way:
        (tmp_path / "ledgerline.toml").write_text(
            f'[archive]\nurl = "s3://{bucket}/ledger"\ns3_endpoint = "{way.endpoint}"\nlock = "compliance"\n'
        )
        clean = ledgerline("verify", "--json")
        assert (clean.code, clean.json()["unread"]) == (0, [])

        def before(request: s3_server.Request) -> s3_server.Answer | None:
            asked = request.method == "GET" and refused.rpartition("/")[2] in request.path
            return s3_server.refusal(403, "AccessDenied") if asked else None

        way.before = before
        ended = ledgerline("verify", "--json")
        assert ended.code == 2
        assert [unread["subject"] for unread in ended.json()["unread"]] == [refused]
        assert refused in ledgerline("verify").out


def test_a_log_that_is_gone_with_its_objects_left_is_a_finding_also_where_it_is_known(
    ledgerline: Command, archive: Path
) -> None:
    assert ledgerline("verify", folder=archive).code == 0
    shutil.rmtree(archive / "data/archive/log")
    ended = ledgerline("verify", "--json", folder=archive)
    assert ended.code == 1
    assert {finding["code"] for finding in ended.json()["findings"]} == {"missing", "rolled_back"}


def test_a_missing_newest_entry_is_no_reason_to_doubt_the_key(ledgerline: Command, archive: Path) -> None:
    newest(archive, "entry").unlink()
    ended = ledgerline("verify", "--json", folder=archive)
    assert ended.code == 1
    assert not [note for note in ended.json()["notes"] if "key" in note]
