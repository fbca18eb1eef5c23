"""`ledgerline verify` on the command line: pins, where it goes on, what it could not read, in which words."""

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.orchestration.cli.conftest import Command
from tests.warehouse.archive import s3_server
from tests.warehouse.archive.rig import filled
from tests.warehouse.archive.stores import Clock
from warehouse.archive.note import Signer
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
        (["--since", ""], "--since is empty"),
        (["--key", ""], "--key is empty"),
        (["--key", " "], "--key is empty"),
        (["--pinned", ""], "--pinned is empty"),
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


def test_the_output_says_which_log_under_whose_key_and_what_was_looked_at(
    ledgerline: Command, archive: Path
) -> None:
    note = newest(archive, "checkpoint").read_text()
    origin, size, root, *_ = note.splitlines()
    (archive / "pin").write_text(note)
    ended = ledgerline("verify", "--pinned", "pin", "--json", folder=archive)
    document = ended.json()
    assert document["log"]["origin"] == origin
    assert (document["log"]["size"], document["log"]["root"]) == (int(size), root)
    assert document["trust"] == "archive.signing_key"
    assert document["pins_agreed"] == [{"source": "pin", "size": int(size)}]
    assert document["looked_at"] == {"records_roots": False, "table_rows": False, "objects_since": None}
    shown = ledgerline("verify", "--key", document["log"]["signed_by"], "--pinned", "pin", folder=archive)
    assert shown.code == 0
    for words in (f"log {origin}", f"root {root}", f"{document['log']['signed_by']} (trusted by --key)",
                  f"1 pinned checkpoint agrees, of size {int(size):,}", "looked at: objects all"):  # fmt: skip
        assert words in shown.out
    assert shown.out.splitlines()[-1] == "clean: nothing is altered, missing or added"


def test_a_look_at_a_part_is_clean_as_far_as_looked(ledgerline: Command, archive: Path) -> None:
    ended = ledgerline("verify", "--since", "now", folder=archive)
    assert ended.out.splitlines()[-1].endswith("as far as looked")
    assert ledgerline("verify", "--since", "now", "--json", folder=archive).json()["looked_at"]["objects_since"]


def test_clean_by_the_logs_own_word_is_clean_only_if_the_key_is_known(
    ledgerline: Command, archive: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "auditor"
    elsewhere.mkdir()
    (elsewhere / "ledgerline.toml").write_text(f'[archive]\nurl = "file:{archive}/data/archive"\n')
    ended = ledgerline("verify", folder=elsewhere)
    assert ended.code == 0
    assert ended.out.splitlines()[-1].startswith("clean, if the key above is the one you know:")
    assert "(trusted by the log's own word)" in ended.out


def test_after_a_note_of_an_object_without_an_entry_the_last_line_does_not_say_that_nothing_was_added(
    ledgerline: Command, archive: Path
) -> None:
    planted = archive / "data/archive/pages/planted"
    planted.write_bytes(b"?")
    ended = ledgerline("verify", folder=archive)
    assert ended.code == 0
    assert "1 object has no entry yet" in ended.out
    assert "pages/planted" in ended.out
    assert "added" not in ended.out.splitlines()[-1]
    later = datetime(2099, 1, 1, tzinfo=UTC).timestamp()
    os.utime(planted, (later, later))
    ended = ledgerline("verify", "--json", folder=archive)
    assert [(found["code"], found["subject"]) for found in ended.json()["findings"]] == [
        ("added", "pages/planted")
    ]


def test_since_the_beginning_leaves_nothing_out_before_entry_0(ledgerline: Command, archive: Path) -> None:
    assert ledgerline("verify", folder=archive).code == 0
    ended = ledgerline("verify", "--since", "2020-01-01", folder=archive)
    assert ended.code == 0
    assert "entry 0" not in ended.out


def test_binary_junk_for_a_checkpoint_is_no_checkpoint_and_its_step_is_no_pull(
    ledgerline: Command, archive: Path
) -> None:
    for stored in sorted((archive / "data/archive/log/checkpoint").iterdir())[1:2]:
        stored.chmod(0o644)
        stored.write_bytes(b"\x00\xff\xfe")
        stored.chmod(0o444)
    (finding,) = ledgerline("verify", "--json", folder=archive).json()["findings"]
    assert finding["code"] == "signature"
    assert "is no checkpoint" in finding["detail"]
    assert "codec" not in finding["detail"]
    assert "ledgerline pull" not in finding["next_step"]


def test_only_an_unsigned_head_is_to_be_signed_by_a_pull(ledgerline: Command, archive: Path) -> None:
    newest(archive, "checkpoint").unlink()
    (finding,) = ledgerline("verify", "--json", folder=archive).json()["findings"]
    assert (finding["code"], "ledgerline pull" in finding["next_step"]) == ("signature", True)


def test_a_foreign_key_that_was_given_is_not_called_the_configured_one(ledgerline: Command, archive: Path) -> None:
    origin = newest(archive, "checkpoint").read_text().splitlines()[0]
    stranger = Signer(origin, Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)).verifier
    ended = ledgerline("verify", "--key", stranger.vkey, "--json", folder=archive)
    found = [finding for finding in ended.json()["findings"] if finding["code"] == "foreign_key"]
    assert found
    assert all("configured" not in finding["detail"] for finding in found)
    assert all("--key" in finding["next_step"] for finding in found)
    assert ended.json()["log"]["vouched"] is False
    assert "(NOT vouched for by --key)" in ledgerline("verify", "--key", stranger.vkey, folder=archive).out
