"""`verify_proof.py`: what it calls proven, what it refuses, and that it is never confused or crashes."""

import ast
import base64
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warehouse.archive.proof_files import ORIGIN, RECORDS, HandMadeLog, other_name, pull_entry
from tests.warehouse.archive.rig import KEY, OTHER_KEY
from warehouse.archive import verify_proof
from warehouse.archive.note import Signer
from warehouse.archive.verify_proof import ORDER, NotProven, Unusable, check, ed25519_verify, main

PROGRAM = Path(verify_proof.__file__)
LATER = pull_entry(6, window=["2026-11-20T09:30:00Z", "2026-11-20T10:30:00Z"], objects=[])
LOG = HandMadeLog({3: pull_entry(3), 6: LATER})
EVENT, WITHDRAWN, GROWN = LOG.event(), LOG.event(later=6), LOG.consistency()
FILES = {"event": EVENT, "withdrawn": WITHDRAWN, "consistency": GROWN}


def verdict(data: bytes, *keys: str) -> str:
    """`proven`, `not proven` or `unusable`; anything else that happens fails the test."""
    try:
        check(data, keys)
    except Unusable:
        return "unusable"
    except NotProven:
        return "not proven"
    return "proven"


def run(folder: Path, data: bytes, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """What somebody does who trusts nothing of ours: the two files in a folder, and a bare Python."""
    (folder / "verify_proof.py").write_bytes(PROGRAM.read_bytes())
    (folder / "event.proof").write_bytes(data)
    return subprocess.run(
        [sys.executable, "-I", "-S", "verify_proof.py", "event.proof", *arguments],
        cwd=folder, text=True, capture_output=True, check=False, timeout=30, env={},
    )  # fmt: skip


def told(folder: Path, data: bytes, *arguments: str) -> tuple[int, str]:
    """The same without a process of its own: exit code and what is printed."""
    (folder / "event.proof").write_bytes(data)
    with redirect_stdout(StringIO()) as out:
        return main([str(folder / "event.proof"), *arguments]), out.getvalue()


# -- the program -----------------------------------------------------------------------------------------------


def test_it_is_one_short_file_of_standard_library() -> None:
    source = PROGRAM.read_text()
    assert len(source.splitlines()) < 300
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).partition(".")[0]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported <= sys.stdlib_module_names
    assert not imported & {"socket", "urllib", "http", "ssl", "subprocess", "os"}


def test_it_runs_alone_in_an_empty_folder_and_says_what_is_proven_and_what_is_not(tmp_path: Path) -> None:
    done = run(tmp_path, EVENT, "--key", LOG.vkey)
    assert (done.returncode, done.stderr) == (0, "")
    head, doubts = done.stdout.split("NOT proven by this file\n")
    assert head.startswith("PROVEN by this file\n")
    assert "is, byte for byte, record 3 of 5 on page 1 of 1 of entry 3" in head
    assert "one of the 9 entries of the log " + ORIGIN in head
    assert f"signed by the key that you gave: {LOG.vkey}" in head
    assert "the vendor signs nothing" in doubts
    assert "Whose key it is" not in doubts
    assert doubts.endswith(f"The record\n{RECORDS[2].decode()}\n")


def test_without_a_key_it_says_that_the_key_is_only_the_files_own(tmp_path: Path) -> None:
    code, out = told(tmp_path, EVENT)
    assert code == 0
    assert out.startswith("PROVEN by this file, if the key is the one you know\n")
    assert "Whose key it is: it was read in this file" in out


def test_a_wrong_key_is_not_proven(tmp_path: Path) -> None:
    done = run(tmp_path, EVENT, "--key", Signer(ORIGIN, OTHER_KEY).verifier.vkey)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == "NOT PROVEN: the checkpoint of size 9 is not signed by the key that you gave\n"


@pytest.mark.parametrize("key", ["", "abc", LOG.vkey[:-1], LOG.vkey.replace("+", " "), LOG.vkey + "A", "a+b+c"])
def test_a_key_that_is_none_is_bad_usage(tmp_path: Path, key: str) -> None:
    code, out = told(tmp_path, EVENT, f"--key={key}")
    assert code == 2
    assert out.startswith("UNUSABLE: ")


def test_a_proof_that_grew_is_told_with_both_sizes(tmp_path: Path) -> None:
    code, out = told(tmp_path, GROWN, "--key", LOG.vkey)
    assert code == 0
    assert "of 5 entries" in out
    assert "of the 5 none was altered, removed or moved since" in out


def test_what_a_checkpoint_says_further_is_told_with_what_is_proven(tmp_path: Path) -> None:
    text = LOG.note().partition("\n\n")[0]
    note = LOG.signer.sign(f"{text}\nledgerline-certificate/1 sha256:ab\nPROVEN \u202e\n")
    for data in (LOG.event(note=note), LOG.consistency(notes=(LOG.note(5), note))):
        code, out = told(tmp_path, data, "--key", LOG.vkey)
        head = out.split("NOT proven by this file\n")[0]
        assert code == 0
        assert head.endswith(
            "  - Signed with it: ledgerline-certificate/1 sha256:ab\n  - Signed with it: PROVEN \\u202e\n"
        )
        forged = data.replace(b"sha256:ab", b"sha256:ac")
        code, out = told(tmp_path, forged, "--key", LOG.vkey)
        assert code == 1
        assert "Signed with it" not in out
    assert "Signed with it" not in told(tmp_path, EVENT)[1]


def test_a_withdrawal_is_told_as_what_it_is(tmp_path: Path) -> None:
    code, out = told(tmp_path, WITHDRAWN, "--key", LOG.vkey)
    assert code == 0
    head, doubts = out.split("NOT proven by this file\n")
    assert "Entry 6 says: a complete pull" in head
    assert "2026-11-20T10:02:00.5Z, lies in that window" in head
    assert "That the record is absent from the pages of entry 6; look there: no page" in doubts


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not a whole"),
        (b"hello\n", "not a whole"),
        (b"\xff\xfe\x00", "not a whole"),
        (EVENT.replace(b"\n", b"\r\n"), "line ends are LF"),
        (EVENT[:-1], "not a whole"),
        (EVENT + b"\n", "not a whole"),
        (EVENT.replace(b"ledgerline-proof/1", b"ledgerline-proof/2"), "not a whole"),
    ],
    ids=["empty", "other text", "no text", "CRLF", "cut off", "longer", "newer"],
)
def test_what_is_no_proof_file_is_unusable_in_plain_words(tmp_path: Path, data: bytes, said: str) -> None:
    code, out = told(tmp_path, data)
    assert code == 2
    assert out.startswith("UNUSABLE: ")
    assert said in out


def test_a_file_that_is_not_there_or_a_folder_is_unusable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "nothing")]) == 2
    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().out.count("UNUSABLE: ") == 2


def test_text_that_was_served_does_nothing_to_a_terminal(tmp_path: Path) -> None:
    hostile = '{"id":"a","t":"\u202e\x1b[2J\u2028\\u0007\ud7ff"}'.encode() + b"\xff\n"
    log = HandMadeLog({3: pull_entry(3, [hostile], committed_at="\x1b[1mPROVEN\nPROVEN")})
    code, out = told(tmp_path, log.event(position=0, records=[hostile]))
    assert code == 0
    assert re.fullmatch(r"[\x20-\x7e\n]+", out)
    assert "\nPROVEN" not in out


# -- altered files ---------------------------------------------------------------------------------------------


def lines_changed(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The file with each of its lines left out, doubled, emptied, swapped with the next, or wrong in a letter."""
    lines = data.decode().splitlines(keepends=True)
    for at, line in enumerate(lines):
        before, after = lines[:at], lines[at + 1 :]
        yield f"line {at + 1} left out", "".join([*before, *after]).encode()
        if not line.startswith(("key ", "\u2014 ")):  # which would say the same twice
            yield f"line {at + 1} doubled", "".join([*before, line, line, *after]).encode()
        if line != "\n":
            yield f"line {at + 1} emptied", "".join([*before, "\n", *after]).encode()
        if after and after[0] != line:
            yield f"line {at + 1} swapped", "".join([*before, after[0], line, *after[1:]]).encode()
        for letter in range(0, len(line) - 1, 7):
            other = "B" if line[letter] == "A" else "A"
            changed = line[:letter] + other + line[letter + 1 :]
            yield f"line {at + 1}, letter {letter}", "".join([*before, changed, *after]).encode()


@pytest.mark.parametrize("name", FILES)
def test_no_altered_line_leaves_a_proof(name: str) -> None:
    assert verdict(FILES[name]) == "proven"
    for what, changed in lines_changed(FILES[name]):
        assert verdict(changed) != "proven", what


FIELDS = {
    "the key's name": (rf"key {ORIGIN}", "key ledgerline/x"),
    "the page": (r"record 1 2", "record 2 2"),
    "page zero": (r"record 1 2", "record 0 2"),
    "the position": (r"record 1 2", "record 1 1"),
    "a position beyond the page": (r"record 1 2", "record 1 5"),
    "a huge position": (r"record 1 2", "record 1 9999999999999999999"),
    "a leading zero": (r"record 1 2", "record 1 02"),
    "the index": (r"index 3", "index 4"),
    "an index beyond the log": (r"index 3", "index 9"),
    "a huge index": (r"index 3", "index 9999999999999999999"),
    "the size": (r"\n9\n", "\n8\n"),
    "a larger size": (r"\n9\n", "\n1000000000000000000\n"),
    "size zero": (r"\n9\n", "\n0\n"),
    "the origin": (rf"\n\n{ORIGIN}\n", "\n\nledgerline/other\n"),
    "the signer's name": (rf"\u2014 {ORIGIN}", "\u2014 ledgerline/other"),
    "the kind": (r"proof/1 event", "proof/1 consistency"),
    "the dash": ("\u2014 ", "- "),
    "a number in other digits": (r"index 3", "index \u0663"),
}


@pytest.mark.parametrize("field", FIELDS)
def test_no_altered_field_leaves_a_proof(field: str) -> None:
    pattern, instead = FIELDS[field]
    changed, count = re.subn(pattern, instead, EVENT.decode())
    assert count >= 1
    assert verdict(changed.encode()) != "proven"


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(FILES)), st.data())
def test_no_altered_bytes_leave_a_proof(name: str, data: st.DataObject) -> None:
    original = FILES[name]
    at = data.draw(st.integers(0, len(original)))
    end = data.draw(st.integers(at, min(len(original), at + 4)))
    changed = original[:at] + data.draw(st.binary(max_size=4)) + original[end:]
    assert (verdict(changed) == "proven") == (changed == original)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_other_bytes_are_a_proof(data: bytes) -> None:
    assert verdict(data) == "unusable"
    assert verdict(b"ledgerline-proof/1 event\n" + data) == "unusable"


def test_parts_of_two_good_proofs_make_no_third() -> None:
    others = [record.replace(b"chat", b"project") for record in RECORDS]
    other = HandMadeLog({3: pull_entry(3, others)}, key=OTHER_KEY).event(records=others)
    ours, theirs = EVENT.split(b"\n\n"), other.split(b"\n\n")
    for choice in range(2 ** len(ours)):
        mixed = b"\n\n".join((theirs if choice >> at & 1 else ours)[at] for at in range(len(ours)))
        assert (verdict(mixed) == "proven") == (mixed in (EVENT, other))


def test_a_signature_of_somebody_unknown_changes_nothing() -> None:
    line = "\u2014 witness.example.com/w " + base64.b64encode(bytes(76)).decode() + "\n"
    assert verdict(EVENT + line.encode(), LOG.vkey) == "proven"
    assert verdict(EVENT + line.encode()[:-3] + b"\n", LOG.vkey) == "unusable"


# -- signed, and still no proof --------------------------------------------------------------------------------


def without(name: str) -> dict[str, object]:
    return {key: value for key, value in pull_entry(3).items() if key != name}


NONSENSE: dict[str, object] = {
    "not JSON": b"{",
    "not an object": b"[]",
    "deeply nested": b"[" * 100_000,
    "a huge number": b'{"seq":' + b"9" * 5000 + b"}",
    "another number": pull_entry(4),
    "a number as text": pull_entry(3) | {"seq": "3"},
    "another format": pull_entry(3, format="ledgerline-entry/2"),
    "no pull": pull_entry(3, kind="table"),
    "no stream": without("stream"),
    "no window": without("window"),
    "a window that is text": pull_entry(3, window="2026"),
    "no pages": pull_entry(3, objects=[]),
    "pages that are no list": pull_entry(3, objects={"a": 1}),
    "a page that is no object": pull_entry(3, objects=["page"]),
    "no root": pull_entry(3, objects=[{"records": 5}]),
    "no count": pull_entry(3, objects=[{"records_root": pull_entry(3)["objects"][0]["records_root"]}]),
    "a count that is true": pull_entry(3, [RECORDS[0]]) | {"objects": [{"records": True, "records_root": "aa"}]},
    "a count that is text": pull_entry(3, objects=[{"records": "5", "records_root": "aa"}]),
    "a negative count": pull_entry(3, objects=[{"records": -5, "records_root": ""}]),
    "an empty root": pull_entry(3, objects=[{"records": 2, "records_root": ""}]),
    "a smaller count": pull_entry(3, objects=[{**pull_entry(3)["objects"][0], "records": 3}]),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_an_entry_of_nonsense_proves_nothing_though_it_is_signed(what: str) -> None:
    assert verdict(HandMadeLog({3: NONSENSE[what]}).event()) == "not proven"


def test_a_path_as_long_as_no_tree_is_high_proves_nothing() -> None:
    entry = pull_entry(3, objects=[{**pull_entry(3)["objects"][0], "records": 10**4000}])
    data = HandMadeLog({3: entry}).event()
    deep = data.replace(b"\npath\n", b"\npath\n" + (base64.b64encode(bytes(32)) + b"\n") * 13_000)
    assert verdict(deep) == "not proven"


ANYTHING = [None, True, 0, -1, 1.5, 10**30, "", "\ud800", [], [1], [[]], {}, {"a": 1}, "2026-11-20T10:00:00Z"]


def places(value: object, below: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """The way to each value in a JSON document."""
    if below:
        yield below
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield from places(item, (*below, key))


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_anything_in_any_place_of_a_signed_entry_is_judged(data: st.DataObject) -> None:
    entries = json.loads(json.dumps({"3": pull_entry(3), "6": LATER | {"objects": pull_entry(6)["objects"]}}))
    *way, last = data.draw(st.sampled_from([place for place in places(entries) if len(place) > 1]))
    inside = entries
    for key in way:
        inside = inside[key]
    inside[last] = data.draw(st.sampled_from(ANYTHING))
    proof = HandMadeLog({int(seq): entry for seq, entry in entries.items()}).event(later=6)
    with tempfile.TemporaryDirectory() as folder:
        code, out = told(Path(folder), proof)
    assert code in (0, 1)
    assert out.isascii()


NO_WITHDRAWAL: dict[str, dict[str, object]] = {
    "incomplete": LATER | {"complete": False},
    "of nothing said": {key: value for key, value in LATER.items() if key != "complete"},
    "of another stream": LATER | {"stream": "users"},
    "of an earlier window": LATER | {"window": ["2026-11-20T09:00:00Z", "2026-11-20T10:02:00Z"]},
    "of a window that ends at that moment": LATER | {"window": ["2026-11-20T09:00:00Z", "2026-11-20T10:02:00.5Z"]},
    "of a later window": LATER | {"window": ["2026-11-20T10:02:00.6Z", "2026-11-20T11:00:00Z"]},
    "of a window without an end": LATER | {"window": ["2026-11-20T09:00:00Z"]},
    "of a window of numbers": LATER | {"window": [0, 9e99]},
    "of a window in no order of texts": LATER | {"window": ["2026-11-20", "2026-11-21"]},
    "of a window with three ends": LATER | {"window": [*LATER["window"], "2026-11-20T11:00:00Z"]},
    "that is no pull": LATER | {"kind": "table"},
}


@pytest.mark.parametrize("later", NO_WITHDRAWAL)
def test_a_withdrawal_does_not_rest_on_a_pull(later: str) -> None:
    assert verdict(HandMadeLog({3: pull_entry(3), 6: NO_WITHDRAWAL[later]}).event(later=6)) == "not proven"


def test_a_withdrawal_rests_on_a_pull_that_came_after() -> None:
    log = HandMadeLog({3: pull_entry(3), 1: LATER | {"seq": 1}})
    assert verdict(log.event(later=1)) == "not proven"
    assert verdict(log.event(later=3)) == "not proven"


@pytest.mark.parametrize("record", [b"[]", b'{"id":"a"}', b'{"created_at":"2026-11-20T10:02:00+00:00"}', b"\xff"])
def test_a_record_without_a_time_in_utc_is_not_shown_as_withdrawn(record: bytes) -> None:
    log = HandMadeLog({3: pull_entry(3, [record]), 6: LATER})
    assert verdict(log.event(position=0, records=[record])) == "proven"
    assert verdict(log.event(position=0, records=[record], later=6)) == "not proven"


def test_a_record_of_any_bytes_is_proven_as_those_bytes() -> None:
    for record in (b"1", b"\xff\xfe", b'{"a":1,"a":2}', b'"' + b"x" * 100_000 + b'"'):
        log = HandMadeLog({0: pull_entry(0, [record])}, size=1)
        assert check(log.event(0, 0, records=[record]), [log.vkey]).record == record


# -- consistency -----------------------------------------------------------------------------------------------


def test_growth_is_proven_for_each_pair_of_sizes() -> None:
    for size in range(1, 10):
        log = HandMadeLog({}, size=size)
        for old in range(1, size + 1):
            assert verdict(log.consistency(old), log.vkey) == "proven"


def test_a_log_that_was_rewritten_did_not_grow() -> None:
    rewritten = HandMadeLog({2: b"another"})
    assert verdict(rewritten.consistency(notes=(LOG.note(5), rewritten.note()))) == "not proven"
    assert verdict(LOG.consistency(notes=(LOG.note(), LOG.note(5)))) == "not proven"
    assert verdict(LOG.consistency(notes=(LOG.note(4), LOG.note()))) == "not proven"


def test_two_checkpoints_of_one_size_and_different_roots_are_not_proven() -> None:
    other = HandMadeLog({1: b"another"})
    assert verdict(LOG.consistency(9, notes=(LOG.note(), other.note()))) == "not proven"


def test_checkpoints_of_two_logs_are_not_proven() -> None:
    theirs = HandMadeLog({3: pull_entry(3), 6: LATER}, origin="ledgerline/theirs")
    both = LOG.consistency(notes=(LOG.note(5), theirs.note())).replace(
        b"\n\npath", f"\nkey {theirs.vkey}\n\npath".encode()
    )
    assert verdict(both) == "not proven"


def test_across_a_change_of_keys_each_checkpoint_is_signed_by_one_of_them() -> None:
    after = HandMadeLog({3: pull_entry(3), 6: LATER}, key=OTHER_KEY)
    grown = LOG.consistency(notes=(LOG.note(5), after.note()))
    both = grown.replace(b"\n\npath", f"\nkey {after.vkey}\n\npath".encode())
    assert verdict(grown) == "not proven"
    assert verdict(both) == "proven"
    assert verdict(both, LOG.vkey, after.vkey) == "proven"
    assert verdict(both, LOG.vkey) == "not proven"


# -- keys and signatures ---------------------------------------------------------------------------------------


def test_each_key_that_is_given_must_have_signed_an_event() -> None:
    stranger = Signer(ORIGIN, OTHER_KEY).verifier.vkey
    assert verdict(EVENT, LOG.vkey, stranger) == "not proven"
    assert verdict(LOG.event(vkey=f"{LOG.vkey}\nkey {stranger}")) == "not proven"


def test_a_key_signs_only_the_log_of_its_name() -> None:
    elsewhere = HandMadeLog({3: pull_entry(3)}, origin="ledgerline/elsewhere")
    text = elsewhere.note().partition("\n\n")[0] + "\n"
    signed = Signer(ORIGIN, KEY).sign(text)
    assert verdict(elsewhere.event(note=signed, vkey=LOG.vkey)) == "not proven"
    assert verdict(EVENT, other_name(LOG.vkey, "ledgerline/elsewhere")) == "not proven"


def cosigned(data: bytes, name: str, time: int = 1_700_000_000) -> tuple[bytes, str]:
    """The file with a witness's line, and the witness's key (C2SP tlog-cosignature)."""
    public = b"\x04" + Signer(name, OTHER_KEY).verifier.public_key
    digest = hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]
    text = data.decode().split("\n\n")[-2] + "\n"
    signature = OTHER_KEY.sign(f"cosignature/v1\ntime {time}\n{text}".encode())
    blob = base64.b64encode(digest + time.to_bytes(8, "big") + signature).decode()
    return data + f"\u2014 {name} {blob}\n".encode(), f"{name}+{digest.hex()}+{base64.b64encode(public).decode()}"


def test_a_witness_is_believed_by_its_own_key() -> None:
    witnessed, vkey = cosigned(EVENT, "witness.example.com/w1")
    assert verdict(witnessed) == "proven"
    assert verdict(witnessed, vkey) == "proven"
    assert verdict(witnessed, vkey, LOG.vkey) == "proven"
    assert verdict(EVENT, vkey) == "not proven"
    moved, vkey = cosigned(EVENT, "witness.example.com/w1", 5)
    at = moved.rindex(b" ") + 1 + 8  # a letter of the time
    assert verdict(moved[:at] + b"B" + moved[at + 1 :], vkey) == "not proven"


# RFC 8032, section 7.1: public key, message, signature.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe"
        "24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302a"
        "eeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed2"
        "8dc027beceea1ec40a",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_the_published_signatures_verify(public: str, message: str, signature: str) -> None:
    assert ed25519_verify(*map(bytes.fromhex, (public, message, signature)))


@settings(max_examples=100, deadline=None)
@given(
    st.binary(min_size=32, max_size=32),
    st.binary(max_size=100),
    st.integers(0, 63),
    st.integers(0, 255),
    st.data(),
)
def test_signatures_verify_where_they_do_with_another_implementation(
    seed: bytes, message: bytes, at: int, byte: int, data: st.DataObject
) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = bytearray(key.public_key().public_bytes_raw()), bytearray(key.sign(message))
    assert ed25519_verify(bytes(public), message, bytes(signature))
    part = data.draw(st.sampled_from([public, signature]))
    part[at % len(part)] = byte
    try:
        Ed25519PublicKey.from_public_bytes(bytes(public)).verify(bytes(signature), message)
        theirs = True
    except (InvalidSignature, ValueError):
        theirs = False
    assert ed25519_verify(bytes(public), message, bytes(signature)) == theirs


def test_a_signature_has_one_form_only() -> None:
    public, message = KEY.public_key().public_bytes_raw(), b"text"
    signature = KEY.sign(message)
    more = int.from_bytes(signature[32:], "little") + ORDER
    assert ed25519_verify(public, message, signature)
    assert not ed25519_verify(public, message, signature[:32] + more.to_bytes(32, "little"))
    for short in (b"", signature[:63], signature + b"\0"):
        assert not ed25519_verify(public, message, short)
    for no_point in (b"\xff" * 32, bytes([2]) + bytes(31), bytes([1]) + bytes(30) + b"\x80"):
        assert not ed25519_verify(no_point, message, signature)


# -- the documentation -----------------------------------------------------------------------------------------

DOCUMENT = Path(__file__).parents[3] / "docs" / "proofs.md"


def documented(begin: str) -> str:
    """The block of code in the document that begins like this."""
    return next(
        block for block in re.findall(r"```\w*\n(.*?)```", DOCUMENT.read_text(), re.S) if block.startswith(begin)
    )


def test_the_example_of_the_document_is_a_proof() -> None:
    assert documented("ledgerline-proof/1") == HandMadeLog({3: pull_entry(3)}).event().decode()


def test_the_commands_of_the_document_take_a_proof_apart(tmp_path: Path) -> None:
    (tmp_path / "event.proof").write_bytes(EVENT)
    done = subprocess.run(
        ["sh", "-ec", documented("awk")], cwd=tmp_path, capture_output=True, check=True, timeout=30
    )
    assert done.stdout == RECORDS[2]
    assert (tmp_path / "entry.json").read_bytes() == LOG.entries[3]
    assert EVENT.endswith((tmp_path / "entry.tlog-proof").read_bytes())
    assert (tmp_path / "entry.tlog-proof").read_text().startswith("c2sp.org/tlog-proof@v1\nindex 3\n")
