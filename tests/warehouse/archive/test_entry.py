"""The entry: one form for one content, and nothing read that is not one."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.archive.entry import FORMAT, Draft, ObjectRef, parse, place
from warehouse.archive.errors import EntryUnreadable

KEY = "log/entry/000000000007.json"
PAGE = ObjectRef(
    key="pages/activities/dt=2026-11-22/x/0001-aa.json.zst",
    version_id=None,
    sha256="aa",
    bytes=10,
    records=2,
    headers={"request-id": "req_1", "date": "Sun, 22 Nov 2026 10:00:00 GMT"},
)
DRAFT = Draft(
    kind="pull",
    stream="activities",
    window=["2026-11-22T10:00:00Z", "2026-11-22T10:05:00Z"],
    complete=True,
    objects=[PAGE],
    counts={"zulu": 1, "alpha": {"b": 2, "a": 1}},
)


def placed(draft: Draft = DRAFT) -> bytes:
    return place(
        draft, seq=7, writer="w", committed_at="2026-11-22T10:06:00Z", snapshot=0, previous="ab"
    ).to_bytes()


def test_an_entry_is_read_back_to_the_same_bytes() -> None:
    assert parse(placed(), KEY).to_bytes() == placed()


def test_its_bytes_are_canonical_json() -> None:
    assert (
        placed()
        == json.dumps(json.loads(placed()), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    )


def test_common_fields_are_always_there_and_others_only_where_they_say_something() -> None:
    bare = json.loads(placed(Draft(kind="snapshot")))
    assert set(bare) == {
        "format", "seq", "kind", "stream", "window", "query", "complete", "objects", "derived_from", "counts",
        "data_refreshed_at", "writer", "committed_at", "snapshot", "previous",
    }  # fmt: skip
    assert bare["format"] == FORMAT == "ledgerline-entry/1"
    assert set(json.loads(placed())["objects"][0]) == {
        "key",
        "version_id",
        "sha256",
        "bytes",
        "records",
        "headers",
    }


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        placed()[:-1],
        placed() + b"x",
        placed().replace(b'"seq":7', b'"seq":"7"'),
        placed().replace(b'"kind":"pull"', b'"kind":"push"'),
        placed().replace(b'"bytes":10', b'"bytes":1.5'),
        placed().replace(b'"writer":"w"', b'"writer":"\xff"'),
        placed().replace(b'"writer":"w"', b'"writer":"\\ud800"'),
        b"[" * 100_000,
    ],
)
def test_what_is_no_entry_is_refused_by_the_name_of_its_object(data: bytes) -> None:
    with pytest.raises(EntryUnreadable, match=KEY):
        parse(data, KEY)


def test_an_entry_of_a_newer_format_asks_for_a_newer_version() -> None:
    with pytest.raises(EntryUnreadable, match="install a newer Ledgerline"):
        parse(placed().replace(b"ledgerline-entry/1", b"ledgerline-entry/2"), KEY)


@given(st.binary(max_size=40), st.integers(0, len(placed())))
def test_any_bytes_are_an_entry_or_refused_and_nothing_else(junk: bytes, position: int) -> None:
    for data in (junk, placed()[:position] + junk + placed()[position:]):
        try:
            parse(data, KEY)
        except EntryUnreadable:
            continue


def test_a_draft_shares_nothing_with_the_next_one() -> None:
    Draft(kind="pull").objects.append(PAGE)
    assert Draft(kind="pull").objects == []


def test_a_reference_cannot_be_changed_after_it_was_made() -> None:
    with pytest.raises(AttributeError):
        PAGE.sha256 = "bb"  # type: ignore[misc]
    assert msgspec.structs.replace(PAGE, sha256="bb").sha256 == "bb"
