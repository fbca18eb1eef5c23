"""Signed notes and checkpoints: the published vectors, and a reading of the specification that is not ours."""

import base64
import hashlib
from contextlib import suppress

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.archive.note import (
    Checkpoint,
    NoteError,
    NoteUntrusted,
    Signer,
    Verifier,
    open_note,
    parse_note,
)

# The vectors of Go's golang.org/x/mod/sumdb/note, which the C2SP specification was written from.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
PETER_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
DASH = "\u2014"
PETER_SIGNED = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
ENOCH_SIGNED = "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ="
PETER_LINE = f"{DASH} PeterNeumann {PETER_SIGNED}\n"
ENOCH_LINE = f"{DASH} EnochRoot {ENOCH_SIGNED}\n"
# The example of C2SP tlog-checkpoint.
SOFA = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\u2014 example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)


def signer(name: str = "example.com/log", seed: bytes = b"\x07" * 32) -> Signer:
    return Signer(name, Ed25519PrivateKey.from_private_bytes(seed))


def by_the_book(note: bytes, vkey: str) -> bool:
    """Whether a note verifies, read straight from the text of C2SP signed-note."""
    name, key_id, key = vkey.split("+", 2)
    blob = base64.b64decode(key)
    assert hashlib.sha256(name.encode() + b"\x0a" + blob).hexdigest()[:8] == key_id
    assert not any(byte < 0x20 and byte != 0x0A for byte in note)
    split = note.rindex(b"\n\n")
    for line in note[split + 2 :].decode().removesuffix("\n").split("\n"):
        dash, who, signature = line.split(" ")
        raw = base64.b64decode(signature)
        if (dash, who, raw[:4].hex()) == ("\u2014", name, key_id):
            try:
                Ed25519PublicKey.from_public_bytes(blob[1:]).verify(raw[4:], note[: split + 1])
            except InvalidSignature:
                return False
            return True
    return False


def test_the_published_note_is_made_to_the_byte() -> None:
    assert signer("PeterNeumann", PETER_SEED).sign(TEXT) == f"{TEXT}\n{PETER_LINE}"
    assert signer("PeterNeumann", PETER_SEED).verifier.vkey == PETER


def test_the_published_note_verifies_and_signatures_of_others_are_passed_over() -> None:
    peter, enoch = Verifier.from_vkey(PETER), Verifier.from_vkey(ENOCH)
    note = f"{TEXT}\n{PETER_LINE}{ENOCH_LINE}"
    assert open_note(note, [peter]) == (TEXT, [peter])
    assert open_note(note, [enoch, peter]) == (TEXT, [peter, enoch])
    with pytest.raises(NoteUntrusted, match="no key that is trusted"):
        open_note(note, [])


def test_a_bad_signature_of_a_known_key_spoils_the_note_whoever_else_signed() -> None:
    peter, enoch = Verifier.from_vkey(PETER), Verifier.from_vkey(ENOCH)
    with pytest.raises(NoteError, match="PeterNeumann does not verify"):
        open_note(f"{TEXT}more\n\n{PETER_LINE}", [peter])
    with pytest.raises(NoteError, match="does not verify"):
        open_note(f"{TEXT}\n{PETER_LINE}{ENOCH_LINE.replace('n2t', 'n3t')}", [peter, enoch])


@pytest.mark.parametrize(
    "note",
    [
        "",
        TEXT,
        f"{TEXT}\n",
        f"{TEXT}\n{PETER_LINE[:-1]}",
        f"{TEXT}{PETER_LINE}",
        f"\x01{TEXT}\n{PETER_LINE}",
        f"{TEXT}\r\n{PETER_LINE}",
        f"{TEXT}\n{PETER_LINE}Unexpected line.\n",
        f"{TEXT}\n{PETER_LINE}\n",
        f"{TEXT}\n\u2014 Bad Name {PETER_SIGNED}\n",
        f"{TEXT}\n\u2014 Bad\u00a0Name {PETER_SIGNED}\n",
        f"{TEXT}\n\u2014 a+b {PETER_SIGNED}\n",
        f"{TEXT}\n\u2014  {PETER_SIGNED}\n",
        f"{TEXT}\n- PeterNeumann {PETER_SIGNED}\n",
        f"{TEXT}\n\u2014 PeterNeumann AAAA\n",
        f"{TEXT}\n\u2014 PeterNeumann not~base64\n",
        f"{TEXT}\n\u2013{PETER_LINE[1:]}",
        f"{TEXT}\n{PETER_LINE * 101}",
        f"{TEXT}\ud800\n\n{PETER_LINE}",
    ],
)
def test_a_note_that_other_readers_refuse_is_refused(note: str) -> None:
    with pytest.raises(NoteError):
        open_note(note, [Verifier.from_vkey(PETER)])


def test_line_ends_of_other_kinds_separate_nothing() -> None:
    text = "one\u2028\u2014 two\x85three\n"
    note = signer().sign(text)
    assert open_note(note, [signer().verifier])[0] == text
    assert by_the_book(note.encode(), signer().verifier.vkey)


def test_empty_lines_may_stand_in_the_text() -> None:
    text = "one\n\n\u2014 two AAAA\n\nthree\n"
    assert open_note(signer().sign(text), [signer().verifier])[0] == text


@pytest.mark.parametrize("last", ["nAN=", "nAO=", "nAP="])
def test_the_spare_bits_of_base64_cannot_be_used_to_change_a_note(last: str) -> None:
    # a lenient decoder reads the same bytes as from "nAM="
    assert base64.b64decode(last) == base64.b64decode("nAM=")
    with pytest.raises(NoteError):
        open_note(f"{TEXT}\n{PETER_LINE.replace('nAM=', last)}", [Verifier.from_vkey(PETER)])


def test_no_byte_of_a_signed_checkpoint_can_change_unnoticed() -> None:
    note = signer().sign(Checkpoint("example.com/log", 7, b"\x05" * 32).text).encode()
    for position in range(len(note)):
        for flip in (1, 0x20, 0x80):
            changed = note[:position] + bytes([note[position] ^ flip]) + note[position + 1 :]
            with pytest.raises((NoteError, UnicodeDecodeError)):
                Checkpoint.from_text(open_note(changed.decode(), [signer().verifier])[0])


@given(st.binary(min_size=32, max_size=32), st.text(alphabet="abc/.-0", min_size=1), st.integers(0, 2**63))
@settings(max_examples=50)
def test_what_we_sign_verifies_by_the_book(seed: bytes, name: str, size: int) -> None:
    ours = signer(name, seed)
    note = ours.sign(Checkpoint(name, size, hashlib.sha256(seed).digest()).text)
    assert by_the_book(note.encode(), ours.verifier.vkey)


# -- verifier keys ---------------------------------------------------------------------------------------------


@given(st.binary(min_size=32, max_size=32))
def test_every_key_is_read_back_from_its_text(seed: bytes) -> None:
    # about half of all keys have a plus in their base64, which must not be taken for a separator
    verifier = signer(seed=seed).verifier
    assert Verifier.from_vkey(verifier.vkey) == verifier
    assert Verifier.from_vkey(f" {verifier.vkey}\n") == verifier


def test_no_part_of_a_key_is_a_key() -> None:
    for start in range(len(PETER)):
        for end in range(start + 1, len(PETER) + 1):
            if (start, end) != (0, len(PETER)):
                with pytest.raises(NoteError):
                    Verifier.from_vkey(PETER[start:end])


def test_no_character_of_a_key_can_change() -> None:
    for position in range(len(PETER)):
        with pytest.raises(NoteError):
            Verifier.from_vkey(PETER[:position] + chr(ord(PETER[position]) + 1) + PETER[position + 1 :])


@pytest.mark.parametrize(
    "vkey",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "",
        "++",
        "a+b",
        "ä+ö+ü",
    ],
)
def test_keys_of_other_length_kind_or_name_are_refused(vkey: str) -> None:
    with pytest.raises(NoteError):
        Verifier.from_vkey(vkey)


@pytest.mark.parametrize(
    ("name", "text"), [("a b", "x\n"), ("a+b", "x\n"), ("", "x\n"), ("a", "x"), ("a", "\x07\n")]
)
def test_what_nobody_would_read_is_not_signed(name: str, text: str) -> None:
    with pytest.raises(NoteError):
        signer(name).sign(text)


def test_a_signer_shows_its_public_key_only() -> None:
    assert repr(signer("PeterNeumann", PETER_SEED)) == f"Signer({PETER})"


# -- checkpoints -----------------------------------------------------------------------------------------------


def test_the_checkpoint_of_the_specification_is_read() -> None:
    text, signatures = parse_note(SOFA)
    checkpoint = Checkpoint.from_text(text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text == text
    assert [s.name for s in signatures] == ["example.com/behind-the-sofa"]


ROOT = base64.b64encode(bytes(32)).decode()


def test_extension_lines_are_allowed_after_the_third() -> None:
    assert Checkpoint.from_text(f"o\n0\n{ROOT}\nextension\n") == Checkpoint("o", 0, bytes(32))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "o\n1\n",
        f"o\n1\n{ROOT}",
        f"\n1\n{ROOT}\n",
        f"o\n01\n{ROOT}\n",
        f"o\n+1\n{ROOT}\n",
        f"o\n-1\n{ROOT}\n",
        f"o\n1_0\n{ROOT}\n",
        f"o\n١\n{ROOT}\n",
        f"o\n\n{ROOT}\n",
        f"o\n{'9' * 5000}\n{ROOT}\n",
        f"o\n1\n{ROOT}\n\n",
        f"o\n1\n{ROOT}\n\nx\n",
        "o\n1\nAAAA\n",
        f"o\n1\n{ROOT[:-2]}B=\n",
        "o\n1\n~\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        Checkpoint.from_text(text)


@given(st.text())
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    for read in (Checkpoint.from_text, parse_note, Verifier.from_vkey):
        with suppress(NoteError):
            read(text)
