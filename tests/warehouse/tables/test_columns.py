"""The quick way to columns and the careful one: the same columns, or the quick one gives up."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warehouse.tables.conftest import DAY, event, verbatim
from warehouse.tables.columns import careful_columns, quick_columns
from warehouse.tables.schema import ACTOR_ID_FIELD

_TEXT = st.one_of(st.none(), st.text(max_size=12))
_ACTOR = st.fixed_dictionaries(
    {"type": st.sampled_from([*ACTOR_ID_FIELD, "robot_actor", None])},
    optional={
        name: _TEXT
        for name in [*set(ACTOR_ID_FIELD.values()), "email_address", "unauthenticated_email_address", "ip_address"]
    },
)
_RECORD = st.fixed_dictionaries(
    {
        "id": st.text(min_size=1, max_size=12),
        "created_at": st.sampled_from(
            [
                "2026-11-20T00:00:00Z",
                "2026-11-20T01:02:03.5Z",
                "2026-11-20T01:02:03.123456789Z",
                "2026-11-20T01:02:03.123456Z",
                "0001-01-01T00:00:00Z",
                "9999-12-31T23:59:59.999999Z",
            ]
        ),
        "type": st.text(max_size=8),
        "actor": _ACTOR,
    },
    optional={"filename": _TEXT, "url": _TEXT, "nested": st.lists(st.integers(), max_size=3), "user_id": _TEXT},
)


@given(st.lists(_RECORD, max_size=6), st.booleans())
@settings(deadline=None)
def test_both_ways_agree_on_any_records(records: list[dict[str, Any]], escaped: bool) -> None:
    pages = [json.dumps(record, ensure_ascii=escaped).encode("utf-8", "surrogatepass") for record in records]
    quick = quick_columns(pages)
    strange: dict[int, list[str]] = {}
    careful = careful_columns(pages, records, [record["id"] for record in records], strange)
    assert quick is None or quick.equals(careful)


def test_the_quick_way_takes_ordinary_records() -> None:
    records = [verbatim(event(n, DAY + timedelta(seconds=n))) for n in range(10)]
    quick = quick_columns(records)
    assert quick is not None
    assert quick["actor_email"].to_pylist() == ["priya@example.com"] * 10
    assert quick["raw"].to_pylist() == [record.decode() for record in records]


@pytest.mark.parametrize(
    "odd",
    [
        b"17",
        b'{"id":"a","created_at":"2026-11-20T00:00:00+01:00","type":"t"}',
        b'{"id":"a","created_at":"yesterday","type":"t"}',
        b'{"id":"a","type":"t"}',
        b'{"id":"a","created_at":"0000-01-01T00:00:00Z","type":"t"}',
        b'{"id":5,"created_at":"2026-11-20T00:00:00Z","type":"t"}',
        b'{"id":"a","created_at":"2026-11-20T00:00:00Z","type":"t","filename":["x"]}',
        b'{"id":"a","created_at":"2026-11-20T00:00:00Z","actor":"me"}',
        b'{"id":"a","created_at":"2026-11-20T00:00:00Z","filename":"\xff"}',
        b'{"id":"a","created_at":"2026-11-20T00:00:00Z","filename":"\\ud800"}',
        b'{"id":"a",\n"created_at":"2026-11-20T00:00:00Z",\n"type":"t"}\n{"id":"b"}',
    ],
)
def test_the_quick_way_gives_up_on_what_it_might_misread(odd: bytes) -> None:
    good = [verbatim(event(n, DAY)) for n in range(3)]
    assert quick_columns([*good, odd]) is None
