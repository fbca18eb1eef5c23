"""Any bytes whatever, and whole files with damage: a clear error or all of it kept, never a traceback."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.fuzzing.targets import TARGETS, Target

EACH_TIME, IN_THE_SLOW_SUITE = 40, 4000  # inputs of each target
# Pieces that parsers trip over: marks of JSON, CSV, TOML and notes, and text that is none.
PIECES = (
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\r", b"\n", b"\n\n", b'"', b'""', b"'", b"\\", b"\\u",
    b"\\ud800", b"{", b"}", b"[", b"]", b",", b":", b"=", b"#", b"null", b"NaN", b"1e999", b"-0", b"9" * 40,
    b"2026-13-45", b"99999-01-01", b"=cmd()", b"\xe2\x80\xa8", b"\xe2\x80\x94 ", b"[[", b"]]", b'"data":[',
    b"{" * 60, b"[" * 60,
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, example: bytes) -> bytes:
    """A whole file to which a few things happened: bytes changed, taken out, put in, doubled, cut off."""
    data = bytearray(example)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        what = draw(st.sampled_from(("change", "take", "put", "double", "cut", "swap")))
        if what == "change" and at < len(data):
            data[at] = draw(st.integers(0, 255))
        elif what == "take":
            del data[at : at + draw(st.integers(1, 40))]
        elif what == "put":
            data[at:at] = draw(st.sampled_from(PIECES) | st.binary(max_size=8))
        elif what == "double":
            data[at:at] = data[at : at + draw(st.integers(1, 80))]
        elif what == "cut":
            del data[at:]
        elif what == "swap":
            other = draw(st.integers(0, len(data)))
            length = draw(st.integers(1, 20))
            data[other : other + length] = data[at : at + length]
    return bytes(data)


def inputs(target: Target) -> st.SearchStrategy[bytes]:
    whole = st.sampled_from(target.examples()).flatmap(damaged)
    pieces = st.lists(st.sampled_from(PIECES) | st.binary(max_size=6), max_size=12).map(b"".join)
    return st.one_of(whole, whole, pieces, st.binary(max_size=200))


def feed(target: Target, count: int) -> None:
    """Feed a target, and demand that only errors of its own come out, and that they say something."""

    @seed(20261128)
    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(inputs(target))
    def fed(data: bytes) -> None:
        words = "it was read"
        try:
            target.read(data)
        except target.own as error:
            words = str(error)
        assert words.strip()

    fed()


@pytest.mark.fault(
    "Any bytes come instead of a page, export, telemetry, configuration, table of ours, proof or entry.",
    area="files",
    data="They are kept whole and tagged, or nothing of them enters.",
    user="An error in words, never a traceback.",
    recovery="Mend the file.",
)
@pytest.mark.parametrize("name", TARGETS)
def test_any_bytes_give_a_clear_error_or_are_kept(name: str) -> None:
    feed(TARGETS[name], EACH_TIME)


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_thousands_of_damaged_files_give_a_clear_error_or_are_kept(name: str) -> None:
    feed(TARGETS[name], IN_THE_SLOW_SUITE)


@pytest.mark.parametrize("name", TARGETS)
def test_an_example_that_is_whole_is_read(name: str) -> None:
    """Else the damage would begin from files that are refused at once, and try out little."""
    target = TARGETS[name]
    if name in ("statement", "cached state"):
        return
    target.read(target.examples()[0])
