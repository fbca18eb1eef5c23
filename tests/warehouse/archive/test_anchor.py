"""Anchors: copies in a store and in git, timestamps of a real authority, and what is told when one fails."""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.warehouse.archive import s3_server
from tests.warehouse.archive.authority import Authority, authority
from tests.warehouse.archive.rig import OTHER_KEY, assert_clean, codes, open_archive, pull, trusted
from tests.warehouse.archive.stores import MemoryStore
from tests.warehouse.archive.test_witness import cut_off, grown, rewritten
from warehouse.archive import keys
from warehouse.archive.anchor import Anchored, AnchorReport, Anchors, anchor
from warehouse.archive.archive import Archive
from warehouse.archive.copies import checkpoint_copy, newest_copy, open_place
from warehouse.archive.errors import StoreError, TimestampsMissing
from warehouse.archive.git_place import GitPlace
from warehouse.archive.rotate import rotate
from warehouse.archive.timestamp import TimestampUnusable, ask, check, read_roots, reader
from warehouse.archive.verify import verify


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository, on a machine whose git knows nobody."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    repository = tmp_path / "anchors.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(repository)], check=True, timeout=60)
    return repository


def outcomes(report: AnchorReport) -> list[str]:
    return [one.outcome for one in report.anchored]


@pytest.fixture(params=["folder", "git"])
def anchors(request: pytest.FixtureRequest, tmp_path: Path) -> Anchors:
    """One place, a folder or a repository."""
    if request.param == "git":
        address = f"git:{request.getfixturevalue('bare')}"
    else:
        address = f"file:{tmp_path / 'anchored'}"
    return Anchors([address], clones=tmp_path / "clones")


def copies(anchors: Anchors, tmp_path: Path) -> list[tuple[str, bytes]]:
    """All that the place keeps, as somebody with a clone of their own sees it."""
    place = open_place(anchors.addresses[0], clones=tmp_path / "auditor")
    return [(name, place.get(name)) for name in place.names("")]


def test_the_newest_checkpoint_is_copied_byte_for_byte(
    memory: MemoryStore, anchors: Anchors, tmp_path: Path
) -> None:
    archive = grown(memory, 3)
    assert outcomes(anchor(archive, anchors)) == ["written"]
    grown(memory, 2, first=3)
    report = anchor(Archive(memory), anchors)
    assert (report.size, outcomes(report)) == (6, ["written"])
    origin = archive.state.origin
    assert origin is not None
    assert copies(anchors, tmp_path) == [
        (checkpoint_copy(origin, size), memory.get(keys.checkpoint(size))) for size in (4, 6)
    ]


def test_a_second_time_changes_nothing(memory: MemoryStore, anchors: Anchors, tmp_path: Path) -> None:
    archive = grown(memory, 3)
    anchor(archive, anchors)
    before = copies(anchors, tmp_path)
    assert anchor(Archive(memory), anchors).anchored[0].outcome == "there"
    assert copies(anchors, tmp_path) == before


def test_two_archives_share_a_place_without_meeting(memory: MemoryStore, anchors: Anchors, tmp_path: Path) -> None:
    other = MemoryStore(memory.clock)
    assert outcomes(anchor(grown(memory, 5), anchors)) == ["written"]
    assert outcomes(anchor(grown(other, 2), anchors)) == ["written"]
    assert len(copies(anchors, tmp_path)) == 2


def test_a_log_that_was_cut_off_is_told_and_not_copied(
    memory: MemoryStore, anchors: Anchors, tmp_path: Path
) -> None:
    anchor(grown(memory, 5), anchors)
    before = copies(anchors, tmp_path)
    cut_off(memory)
    (told,) = anchor(Archive(memory, clock=memory.clock), anchors).anchored
    assert (told.outcome, "6 entries, this log has 4" in told.detail) == ("differs", True)
    assert copies(anchors, tmp_path) == before


@pytest.mark.parametrize("more", [0, 3])
def test_a_log_that_was_rewritten_is_told_and_not_copied(
    memory: MemoryStore, anchors: Anchors, tmp_path: Path, more: int
) -> None:
    anchor(grown(memory, 5), anchors)
    before = copies(anchors, tmp_path)
    rewritten(memory, keep=3)
    grown(memory, more, first=60)
    (told,) = anchor(Archive(memory, clock=memory.clock), anchors).anchored
    assert told.outcome == "differs"
    assert "another checkpoint of 6 entries" in told.detail
    assert copies(anchors, tmp_path) == before


def test_anchors_go_on_over_a_change_of_the_key(memory: MemoryStore, anchors: Anchors) -> None:
    anchor(grown(memory, 2), anchors)
    rotate(open_archive(memory), OTHER_KEY)
    assert outcomes(anchor(Archive(memory, clock=memory.clock), anchors)) == ["written"]


def test_a_place_that_fails_stops_no_other(memory: MemoryStore, anchors: Anchors, tmp_path: Path) -> None:
    nowhere = tmp_path / "file"
    nowhere.write_text("not a folder")
    several = Anchors(
        [f"git:{tmp_path / 'no.git'}", f"file:{nowhere}", "ftp:x", "git:--upload-pack=x", *anchors.addresses],
        clones=anchors.clones,
    )
    report = anchor(grown(memory, 1), several)
    assert outcomes(report) == ["failed"] * 4 + ["written"]
    assert all(one.detail for one in report.anchored)


def test_an_empty_archive_is_anchored_nowhere(memory: MemoryStore, anchors: Anchors, tmp_path: Path) -> None:
    assert anchor(Archive(memory), anchors) == AnchorReport()


def test_a_bucket_is_opened_as_the_archive_is(memory: MemoryStore) -> None:
    bucket = s3_server.new_bucket()
    anchors = Anchors(
        [f"s3://{bucket}/anchor"], opening={"s3_client": s3_server.client(), "lock": "compliance"},
        archive_url="s3://somewhere/else",
    )  # fmt: skip
    archive = grown(memory, 2)
    assert outcomes(anchor(archive, anchors)) == ["written"]
    assert outcomes(anchor(archive, anchors)) == ["there"]
    assert archive.state.origin is not None
    kept = s3_server.client().get_object(Bucket=bucket, Key=f"anchor/{checkpoint_copy(archive.state.origin, 3)}")
    assert kept["Body"].read() == memory.get(keys.checkpoint(3))
    cut_off(grown_to(memory, 6))
    assert outcomes(anchor(Archive(memory, clock=memory.clock), anchors)) == ["written"]


def grown_to(store: MemoryStore, size: int) -> MemoryStore:
    grown(store, size - len(store.names(keys.ENTRIES)), first=len(store.names(keys.ENTRIES)))
    return store


# -- git ------------------------------------------------------------------------------------------------------


def test_git_keeps_its_history_and_what_others_put_there(memory: MemoryStore, bare: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    git(tmp_path, "clone", "--quiet", str(bare), str(work))
    (work / "README").write_text("of somebody else")
    git(work, "add", "README")
    git(work, "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "-q", "-m", "Begin")
    git(work, "push", "--quiet", "origin", "HEAD")
    anchors = Anchors([f"git:{bare}"], clones=tmp_path / "clones")
    anchor(grown(memory, 1), anchors)
    anchor(grown(memory, 1, first=1), anchors)
    git(work, "pull", "--quiet")
    assert (work / "README").read_text() == "of somebody else"
    log = git(work, "log", "--format=%an %s").splitlines()
    assert [line.split(" ")[0] for line in log] == ["Ledgerline", "Ledgerline", "A"]


def test_what_somebody_pushes_in_between_stays(bare: Path, tmp_path: Path) -> None:
    one, two = GitPlace(str(bare), tmp_path / "one"), GitPlace(str(bare), tmp_path / "two")
    assert one.names("") == two.names("") == []
    assert one.add({"a/1": b"1"}) == {"a/1": "written"}
    assert two.add({"a/2": b"2", "a/1": b"x"}) == {"a/2": "written", "a/1": "differs"}
    assert one.add({"a/3": b"3", "a/2": b"2"}) == {"a/3": "written", "a/2": "there"}
    fresh = GitPlace(str(bare), tmp_path / "fresh")
    assert {name: fresh.get(name) for name in fresh.names("a/")} == {"a/1": b"1", "a/2": b"2", "a/3": b"3"}


def test_a_branch_can_be_named(bare: Path, tmp_path: Path) -> None:
    place = GitPlace(f"{bare}#audit", tmp_path / "clones")
    place.add({"x": b"1"})
    assert git(bare, "for-each-ref", "--format=%(refname)").split() == ["refs/heads/audit"]
    assert GitPlace(f"{bare}#audit", tmp_path / "other").get("x") == b"1"


def test_a_folder_is_named_as_this_process_sees_it(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    GitPlace(bare.name, tmp_path / "one").add({"x": b"1"})
    assert GitPlace(f"./{bare.name}", tmp_path / "two").get("x") == b"1"


def test_bytes_survive_gits_ideas_of_line_ends(bare: Path, tmp_path: Path) -> None:
    data = bytes(range(256)) + b"\r\n\n\r"
    GitPlace(str(bare), tmp_path / "one").add({"x": data})
    assert GitPlace(str(bare), tmp_path / "two").get("x") == data


def test_a_clone_that_was_left_half_done_is_put_right(bare: Path, tmp_path: Path) -> None:
    GitPlace(str(bare), tmp_path / "clones").add({"x": b"1"})
    (clone,) = (tmp_path / "clones").iterdir()
    (clone / "x").write_bytes(b"altered")
    (clone / "y").write_bytes(b"never committed")
    place = GitPlace(str(bare), tmp_path / "clones")
    assert (place.names(""), place.get("x")) == (["x"], b"1")


@pytest.mark.parametrize("address", ["", "#x", "--upload-pack=touch", "ext::sh -c true"])
def test_what_is_no_address_of_a_repository_is_refused(address: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not the address of a git repository"):
        GitPlace(address, tmp_path)


def test_the_longest_copy_is_found_among_others(bare: Path, tmp_path: Path) -> None:
    place = GitPlace(str(bare), tmp_path / "clones")
    assert newest_copy(place, "ledgerline/x") is None
    place.add({"ledgerline/x/checkpoint/000000000009": b"9", "ledgerline/x/checkpoint/000000000010": b"10"})
    place.add({"ledgerline/x/checkpoint/notes": b"?", "ledgerline/y/checkpoint/000000000099": b"99"})
    assert newest_copy(place, "ledgerline/x") == (10, b"10")


@pytest.mark.parametrize("origin", ["../x", "a//b", "", "/etc", "a/../b", "A B"])
def test_a_log_whose_name_leads_elsewhere_is_copied_nowhere(origin: str) -> None:
    with pytest.raises(StoreError, match="cannot be a folder"):
        checkpoint_copy(origin, 1)


# -- timestamps -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with authority(tmp_path_factory.mktemp("authority")) as one:
        yield one


@pytest.fixture
def tsa(served: Authority) -> Iterator[Authority]:
    yield served
    served.refuse, served.status, served.instead = False, 200, None
    served.asked.clear()


def stamping(tsa: Authority) -> Anchors:
    return Anchors(authority=tsa.url, certificates=tsa.roots)


def test_a_timestamp_is_kept_beside_the_log_and_openssl_agrees(memory: MemoryStore, tsa: Authority) -> None:
    archive = grown(memory, 3)
    assert anchor(archive, stamping(tsa)).anchored == [Anchored(tsa.url, "written", "4 entries")]
    (name,) = memory.names(keys.TIMESTAMPS)
    note, answer = memory.get(keys.checkpoint(4)), memory.get(name)
    assert "Verification: OK" in tsa.says(note, answer)
    at = check(answer, note, read_roots(tsa.roots))
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=5)


def test_a_checkpoint_is_stamped_once(memory: MemoryStore, tsa: Authority) -> None:
    archive = grown(memory, 3)
    assert outcomes(anchor(archive, stamping(tsa))) == ["written"]
    assert outcomes(anchor(archive, stamping(tsa))) == ["there"]
    assert len(tsa.asked) == 1


def test_verify_reads_timestamps_and_says_when(memory: MemoryStore, tsa: Authority) -> None:
    archive = grown(memory, 3)
    anchor(archive, stamping(tsa))
    result = assert_clean(memory, trusted=trusted(archive), timestamps=reader(tsa.roots))
    assert any("saw the checkpoint of 4 entries at 20" in note for note in result.notes)
    assert any("1 timestamps were not checked" in note for note in assert_clean(memory).notes)
    why = reader(tsa.folder / "nothing.pem")
    assert any("holds no certificates" in note for note in assert_clean(memory, timestamps=why).notes)


@pytest.mark.parametrize(
    "change",
    [
        lambda answer: answer[:-1] + bytes([answer[-1] ^ 1]),
        lambda answer: answer[:40],
        lambda answer: b"",
        lambda answer: answer[:120] + bytes([answer[120] ^ 1]) + answer[121:],
    ],
    ids=["signature", "cut", "empty", "content"],
)
def test_a_timestamp_with_other_bytes_is_a_finding(memory: MemoryStore, tsa: Authority, change) -> None:  # type: ignore[no-untyped-def]
    anchor(grown(memory, 3), stamping(tsa))
    (name,) = memory.names(keys.TIMESTAMPS)
    memory.alter(name, change(memory.get(name)))
    assert codes(verify(memory, timestamps=reader(tsa.roots))) == {("timestamp", name)}


def test_a_timestamp_of_another_checkpoint_is_a_finding(memory: MemoryStore, tsa: Authority) -> None:
    anchor(grown(memory, 3), stamping(tsa))
    (name,) = memory.names(keys.TIMESTAMPS)
    moved = name.replace("000000000004", "000000000003")
    memory.move(name, moved)
    assert codes(verify(memory, timestamps=reader(tsa.roots))) == {("timestamp", moved)}


def test_what_is_no_timestamp_by_its_name_is_added(memory: MemoryStore) -> None:
    grown(memory, 3)
    memory.overwrite("log/timestamp/000000000003/x", b"?")
    assert codes(verify(memory)) == {("added", "log/timestamp/000000000003/x")}


def test_a_timestamp_of_an_authority_that_is_not_trusted_is_not_kept(
    memory: MemoryStore, tsa: Authority, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "other")
    (told,) = anchor(grown(memory, 1), Anchors(authority=tsa.url, certificates=other.roots)).anchored
    assert (told.outcome, "does not verify" in told.detail) == ("failed", True)
    assert memory.names(keys.TIMESTAMPS) == []


def test_an_authority_that_refuses_or_is_gone_is_told(memory: MemoryStore, tsa: Authority) -> None:
    archive = grown(memory, 1)
    tsa.refuse = True
    assert "refused" in anchor(archive, stamping(tsa)).anchored[0].detail
    tsa.refuse, tsa.status = False, 503
    assert "HTTP 503" in anchor(archive, stamping(tsa)).anchored[0].detail
    tsa.status, tsa.instead = 200, b"<html>sign in</html>"
    assert "no timestamp" in anchor(archive, stamping(tsa)).anchored[0].detail
    gone = Anchors(authority="http://127.0.0.1:1/tsr", certificates=tsa.roots)
    assert "did not answer" in anchor(archive, gone).anchored[0].detail
    assert memory.names(keys.TIMESTAMPS) == []


def test_an_answer_that_was_given_before_is_refused_by_its_nonce(tsa: Authority) -> None:
    tsa.instead = ask(tsa.url, b"data", read_roots(tsa.roots))
    with pytest.raises(TimestampUnusable, match="nonce is not ours"):
        ask(tsa.url, b"data", read_roots(tsa.roots))


def test_certificates_that_are_not_there_are_told(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for path in (tmp_path / "none.pem", tmp_path / "empty.pem"):
        with pytest.raises(TimestampsMissing, match="holds no certificates"):
            read_roots(path)
    assert read_roots(None) == []


def test_stamping_does_not_touch_the_log(memory: MemoryStore, tsa: Authority) -> None:
    archive = grown(memory, 2)
    anchor(archive, stamping(tsa))
    pull(archive, 2)
    archive.settle()
    assert_clean(memory, trusted=trusted(archive), timestamps=reader(tsa.roots))
