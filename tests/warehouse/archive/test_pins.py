"""Pinned checkpoints, wherever they were kept: found, or refused with the reason."""

import json

import pytest

from tests.warehouse.archive.rig import KEY, OTHER_KEY
from warehouse.archive.errors import PinUnusable
from warehouse.archive.note import Checkpoint, Signer
from warehouse.archive.pins import read_pins

LOG = "ledgerline/0123456789abcdef"


def note(size: int) -> str:
    return Signer(LOG, KEY).sign(Checkpoint(LOG, size, bytes([size]) * 32).text)


def sizes(data: str | bytes) -> list[int]:
    return [pin.checkpoint.size for pin in read_pins(data.encode() if isinstance(data, str) else data, "FILE")]


def test_one_checkpoint_as_it_lies_in_the_store() -> None:
    (pin,) = read_pins(note(7).encode(), "noted.txt")
    assert (pin.checkpoint.origin, pin.checkpoint.size, pin.name) == (
        LOG, 7, "noted.txt (checkpoint over 7 entries)",
    )  # fmt: skip


def test_several_in_one_file_with_or_without_lines_between() -> None:
    assert sizes(note(7) + note(9)) == [7, 9]
    assert sizes(note(7) + "\n\n" + note(9) + "\n" + note(11)) == [7, 9, 11]


def test_one_that_lost_its_last_line_feed_or_was_kept_on_windows() -> None:
    assert sizes(note(7).rstrip("\n")) == [7]
    assert sizes(note(7).replace("\n", "\r\n")) == [7]


def test_cosigned_ones_and_ones_with_extensions() -> None:
    witness = Signer("witness", OTHER_KEY).sign(note(7).partition("\n\n")[0] + "\n").rpartition("\n\n")[2]
    assert sizes(note(7) + witness) == [7]
    extended = Signer(LOG, KEY).sign(Checkpoint(LOG, 7, bytes(32)).text + "more\n")
    assert sizes(extended) == [7]


@pytest.mark.parametrize(
    "shape",
    [
        lambda n: json.dumps({"checkpoint": n}),
        lambda n: json.dumps([{"result": {"checkpoint": n, "host": "x"}}]),
        lambda n: json.dumps({"_raw": json.dumps({"event": {"checkpoint": n}})}),
        lambda n: json.dumps({"checkpoint": n}, ensure_ascii=False),
        json.dumps,
    ],
    ids=["field", "nested", "as text", "not ascii", "alone"],
)
def test_in_a_field_of_json(shape: "object") -> None:
    assert sizes(shape(note(7))) == [7]  # type: ignore[operator]


def test_in_lines_of_json_each_once() -> None:
    lines = [{"checkpoint": note(7)}, {"checkpoint": note(9), "n": 1}, {"checkpoint": note(7)}, {"other": "x"}]
    assert sizes("\n".join(map(json.dumps, lines))) == [7, 9]


def test_at_the_end_of_a_proof() -> None:
    assert sizes(
        f"ledgerline-proof/1 event\nkey x\n\nrecord 1 0\neA==\n\nc2sp.org/tlog-proof@v1\nindex 3\n\n{note(9)}"
    ) == [9]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "holds no checkpoint"),
        (b"hello\n", "holds no checkpoint"),
        (b'{"a": 1}', "holds no checkpoint"),
        (b"\xff\xfe", "not text"),
        (note(7).replace("\n7\n", "\n07\n").encode(), "plain decimal"),
        (note(7).replace("\u2014", "-").encode(), "holds no checkpoint"),
        (note(7).replace("=\n", "\n", 1).encode(), "base64"),
        (json.dumps({"checkpoint": note(7).replace(LOG + "\n7", LOG)}).encode(), "cannot be read"),
        (b'{"a": ' * 2000, "holds no checkpoint"),
    ],
)  # fmt: skip
def test_what_is_none_or_damaged_is_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(PinUnusable, match=why):
        read_pins(data, "FILE")
