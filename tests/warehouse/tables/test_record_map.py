"""What is known of records, packed or not: the answers are those of a dict."""

import random
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from warehouse.archive.entry import sha256_hex
from warehouse.tables import record_map
from warehouse.tables.record_map import RecordMap

SCHEMA = pa.schema([pa.field("content", pa.binary(32)), pa.field("version", pa.int32())])
Value = tuple[str, int]


def value(number: int) -> Value:
    return (sha256_hex(f"{number}".encode()), number)


def of(entries: Iterable[tuple[str, Value]], unpacked: int) -> RecordMap[Any]:
    made: RecordMap[Any] = RecordMap(SCHEMA, tuple, unpacked=unpacked)
    for entry in entries:
        made.update([entry])
    return made


@pytest.mark.parametrize("unpacked", [1, 2, 7, 1_000])
@pytest.mark.parametrize("alike", [False, True])
def test_it_answers_as_a_dict_of_the_same_assignments_does(
    alike: bool, unpacked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if alike:  # many ids have one hash
        monkeypatch.setattr(
            record_map, "_hashes", lambda ids: np.fromiter((int(one[-1]) % 2 for one in ids), np.int64)
        )
    draw = random.Random(unpacked)
    ids = [f"activity_{number}" for number in range(60)]
    entries = [(draw.choice(ids[:40]), value(number)) for number in range(120)]
    known, expected = of(entries, unpacked), dict(entries)
    assert known.get_all(ids) == [expected.get(one) for one in ids]
    assert [known.has_any([one]) for one in ids] == [one in expected for one in ids]
    assert known.has_any(ids[40:]) is False
    other = of([(one, value(0)) for one in ids[::2]], unpacked)
    assert known.missing_from(other) == {one: v for one, v in expected.items() if one not in ids[::2]}
    assert known.get_all([]) == []


def test_without_entries_it_is_false_and_knows_nothing() -> None:
    nothing = of([], 2)
    assert (bool(nothing), nothing.get_all(["a"]), nothing.has_any(["a"])) == (False, [None], False)
    assert [bool(of([("a", value(1))], unpacked)) for unpacked in (1, 2)] == [True, True]


def test_a_hundred_thousand_records_take_a_hundred_bytes_each() -> None:
    count = 100_000
    before = pa.total_allocated_bytes()
    known = of([], count)
    known.update((f"activity_{number:024d}", value(number)) for number in range(count))
    assert known.get_all(["activity_000000000000000000000005"]) == [value(5)]
    assert pa.total_allocated_bytes() - before < 100 * count
