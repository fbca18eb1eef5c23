"""`ledgerline anchor`, and anchoring by a pull that seals a day."""

import shutil
from pathlib import Path

import pytest

from sandbox import Served
from tests.orchestration.cli.conftest import Command, configure


@pytest.fixture
def mine(pulled: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    shutil.copytree(pulled, folder)
    return folder


def with_anchors(folder: Path, sandbox: Served, *addresses: str, more: str = "") -> None:
    listed = ", ".join(f'"{address}"' for address in addresses)
    configure(folder, sandbox, f"[archive]\nanchors = [{listed}]\n{more}")


def test_the_newest_checkpoint_goes_to_each_place(ledgerline: Command, mine: Path, sandbox: Served) -> None:
    with_anchors(mine, sandbox, "file:one", "file:two")
    document = ledgerline("anchor", "--json", folder=mine).json()
    assert [one["outcome"] for one in document["anchored"]] == ["written", "written"]
    newest = ledgerline("checkpoint", folder=mine).out
    for place in ("one", "two"):
        (copy,) = [path for path in (mine / place).rglob("*") if path.is_file()]
        assert copy.read_text() == newest
    assert "there" in ledgerline("anchor", folder=mine).out


def test_a_place_that_fails_is_a_finding_and_the_others_get_theirs(
    ledgerline: Command, mine: Path, sandbox: Served
) -> None:
    with_anchors(mine, sandbox, "git:nowhere.git", "file:two")
    ended = ledgerline("anchor", "--json", folder=mine)
    assert ended.code == 1
    assert [finding["code"] for finding in ended.json()["findings"]] == ["anchor_failed"]
    assert [one["outcome"] for one in ended.json()["anchored"]] == ["failed", "written"]


def test_a_pull_that_seals_anchors_and_is_not_stopped_by_one_that_fails(
    ledgerline: Command, tmp_path: Path, sandbox: Served
) -> None:
    folder = tmp_path / "fresh"
    folder.mkdir()
    with_anchors(folder, sandbox, "git:nowhere.git", "file:two")
    ledgerline("init", folder=folder)
    pulled = ledgerline("pull", "activities", "--json", folder=folder)
    report = pulled.json()
    assert (pulled.code, report["failed"], bool(report["sealed"])) == (1, [], True)
    assert "anchor_failed" in {finding["code"] for finding in report["findings"]}
    assert any(path.is_file() for path in (folder / "two").rglob("*"))


def test_another_history_in_a_place_is_told(ledgerline: Command, mine: Path, sandbox: Served) -> None:
    with_anchors(mine, sandbox, "file:one")
    ledgerline("anchor", folder=mine)
    (copy,) = [path for path in (mine / "one").rglob("*") if path.is_file()]
    copy.rename(copy.with_name("000000099999"))
    ended = ledgerline("anchor", folder=mine)
    assert ended.code == 1
    assert "anchor_differs" in ended.out


def test_without_a_place_it_is_2(ledgerline: Command, pulled: Path) -> None:
    ended = ledgerline("anchor", folder=pulled)
    assert ended.code == 2
    assert "no anchor is configured" in ended.err


@pytest.mark.parametrize(
    "wrong",
    ['anchors = ["ftp://x"]', 'anchors = ["git:https://u:secret@example.com/x.git"]', 'anchors = ["git:-x"]',
     'anchors = ["git:ext::sh"]', 'witnesses = ["a+b+c"]', 'timestamp_authority = "ftp://x"',
     'timestamp_authority = "https://u:p@example.com"'],
)  # fmt: skip
def test_a_setting_that_cannot_be_meant_is_2_and_shows_no_secret(
    ledgerline: Command, mine: Path, sandbox: Served, wrong: str
) -> None:
    configure(mine, sandbox, f"[archive]\n{wrong}")
    ended = ledgerline("anchor", folder=mine)
    assert ended.code == 2
    assert "archive." in ended.err
    assert "secret" not in ended.err.replace("SecretRef", "")


def test_doctor_says_which_places_cannot_be_reached(ledgerline: Command, mine: Path, sandbox: Served) -> None:
    (mine / "empty.pem").write_text("")
    with_anchors(
        mine, sandbox, "file:one", "git:nowhere.git",
        more='timestamp_authority = "https://timestamp.example.com"\ntimestamp_certificates = "empty.pem"\n',
    )  # fmt: skip
    checks = ledgerline("doctor", "--json", folder=mine).json()["checks"]
    states = {(one["check"], one["subject"].rpartition("/")[2]): one["state"] for one in checks}
    assert states["anchor", "one"] == "ok"
    assert states["anchor", "nowhere.git"] == "failed"
    assert states["timestamps", "timestamp.example.com"] == "failed"


def test_doctor_says_nothing_of_places_where_none_is_set(ledgerline: Command, pulled: Path) -> None:
    checks = ledgerline("doctor", "--json", folder=pulled).json()["checks"]
    assert not {"anchor", "timestamps"} & {one["check"] for one in checks}
