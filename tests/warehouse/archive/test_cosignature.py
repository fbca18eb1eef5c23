"""Cosignatures: the specification's own example of the form, and nothing else accepted."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.warehouse.archive.rig import KEY, OTHER_KEY
from warehouse.archive.cosignature import Cosigner, WitnessKey, cosigned_at
from warehouse.archive.note import Checkpoint, NoteError, Signer, Verifier, parse_note
from warehouse.archive.verify_proof import read_key

NAME = "witness.example.com/w1"
AT = datetime(2026, 11, 27, 12, 30, 15, 999999, tzinfo=UTC)
CHECKPOINT = Checkpoint("ledgerline/x", 7, bytes(32))
LOG = Signer("ledgerline/x", KEY)
WITNESS = Cosigner(NAME, OTHER_KEY)


def cosigned(line: str | None = None) -> str:
    return LOG.sign(CHECKPOINT.text) + (WITNESS.line(CHECKPOINT.text, AT) if line is None else line)


def test_the_message_is_what_the_specification_says() -> None:
    line = WITNESS.line(CHECKPOINT.text, AT)
    dash, name, blob = line.rstrip("\n").split(" ")
    raw = base64.b64decode(blob)
    assert (dash, name, raw[:4]) == ("\u2014", NAME, WITNESS.key.key_hash)
    assert int.from_bytes(raw[4:12], "big") == int(AT.timestamp())
    message = f"cosignature/v1\ntime {int(AT.timestamp())}\n{CHECKPOINT.text}".encode()
    OTHER_KEY.public_key().verify(raw[12:], message)


def test_time_is_told_to_the_second() -> None:
    text, signatures = parse_note(cosigned())
    assert cosigned_at(text, signatures, WITNESS.key) == AT.replace(microsecond=0)


def test_the_latest_of_several_counts_and_strangers_are_passed_over() -> None:
    later = WITNESS.line(CHECKPOINT.text, AT + timedelta(days=1))
    text, signatures = parse_note(cosigned() + later + WITNESS.line(CHECKPOINT.text, AT))
    assert cosigned_at(text, signatures, WITNESS.key) == (AT + timedelta(days=1)).replace(microsecond=0)
    assert cosigned_at(text, signatures, Cosigner(NAME, KEY).key) is None
    assert cosigned_at(text, signatures, Cosigner("other", OTHER_KEY).key) is None


@pytest.mark.parametrize(
    "blob",
    [
        lambda blob: blob[:-1] + bytes([blob[-1] ^ 1]),
        lambda blob: blob[:11] + bytes([blob[11] ^ 1]) + blob[12:],
        lambda blob: blob[:4] + b"\xff" * 8 + blob[12:],
        lambda blob: blob[:-1],
        lambda blob: blob + b"\0",
        lambda blob: blob[:4] + blob[12:],
        lambda blob: blob[:4] + OTHER_KEY.sign(CHECKPOINT.text.encode()),
    ],
    ids=["signature", "time", "far", "cut", "longer", "timeless", "plain"],
)
def test_a_line_with_other_bytes_does_not_verify(blob) -> None:  # type: ignore[no-untyped-def]
    raw = base64.b64decode(WITNESS.line(CHECKPOINT.text, AT).rstrip("\n").rpartition(" ")[2])
    line = f"\u2014 {NAME} {base64.b64encode(blob(raw)).decode()}\n"
    text, signatures = parse_note(cosigned(line))
    with pytest.raises(NoteError, match="does not verify"):
        cosigned_at(text, signatures, WITNESS.key)


def test_the_key_of_a_witness_is_no_key_of_a_log_and_the_other_way_round() -> None:
    assert WitnessKey.from_vkey(WITNESS.key.vkey) == WITNESS.key
    with pytest.raises(NoteError, match="not an Ed25519 key"):
        Verifier.from_vkey(WITNESS.key.vkey)
    with pytest.raises(NoteError, match="not the key of a witness"):
        WitnessKey.from_vkey(LOG.verifier.vkey)
    assert read_key(WITNESS.key.vkey)[2][0] == 4


def test_a_cosigner_shows_its_public_key_only() -> None:
    secret = Ed25519PrivateKey.from_private_bytes(b"\x09" * 32)
    assert repr(Cosigner(NAME, secret)) == f"Cosigner({Cosigner(NAME, secret).key.vkey})"
