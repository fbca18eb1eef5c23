"""A record's canonical form and the hash over it: what counts as a revision and what does not."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.warehouse.wire.test_records import JSON, written
from warehouse.wire.records import canonical, content_sha256, decode, has_duplicate_keys

encodable = JSON.filter(lambda value: "\\ud" not in json.dumps(value).lower())  # lone surrogates: below


def turned_round(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: turned_round(value[key]) for key in reversed(value)}
    return [turned_round(part) for part in value] if isinstance(value, list) else value


@given(st.data(), encodable)
def test_order_of_keys_white_space_and_escapes_change_nothing(data: st.DataObject, value: Any) -> None:
    one, two = data.draw(written(value)), data.draw(written(turned_round(value)))
    assert content_sha256(one) == content_sha256(two)


@given(encodable)
def test_the_canonical_form_is_its_own_canonical_form(value: Any) -> None:
    form = canonical(decode(json.dumps(value).encode()))
    assert canonical(decode(form)) == form


@given(encodable, encodable)
def test_other_content_has_another_hash(one: Any, two: Any) -> None:
    first, second = json.dumps(one, sort_keys=True), json.dumps(two, sort_keys=True)
    same = content_sha256(first.encode()) == content_sha256(second.encode())
    assert same == (canonical(decode(first.encode())) == canonical(decode(second.encode())))


def test_keys_are_sorted_at_every_depth_and_nothing_is_between_them() -> None:
    assert canonical(decode(b'{"b": [ {"d":1, "c":2} ], "a": null}')) == b'{"a":null,"b":[{"c":2,"d":1}]}'


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (b'{"a":1.0}', b'{"a":1.00}'),
        (b'{"a":1}', b'{"a":1.0}'),
        (b'{"a":9007199254740993}', b'{"a":9007199254740992}'),
        (b'{"a":123456789012345678901234567890}', b'{"a":123456789012345678901234567891}'),
        (b'{"a":0.1}', b'{"a":0.1000000000000000055511151231257827}'),
        (b'{"a":"x"}', b'{"a":"X"}'),
        (b'{"a":null}', b"{}"),
    ],
)
def test_numbers_count_as_they_were_written(one: bytes, two: bytes) -> None:
    assert content_sha256(one) != content_sha256(two)


@pytest.mark.parametrize(
    "record",
    [
        b'{"a":0,"a":1}',
        b'{"x":{"a":0,"a":1}}',
        b'{"a":0,"\\u0061":1}',
        '{"é":0,"\\u00e9":1}'.encode(),
        # dropping a key makes it shorter, rewriting exponents makes it longer: the sum may be the same
        b'{"a":0,"a":1,"z":[1e5,1e5,1e5,1e5,1e5,1e5]}',
        # the colon that the lost key takes along comes back out of an escape
        b'{"a":0,"a":1,"t":"\\u003a"}',
    ],
)
def test_a_record_with_a_key_twice_is_hashed_as_it_was_served(record: bytes) -> None:
    assert has_duplicate_keys(record)
    assert content_sha256(record) == hashlib.sha256(record).hexdigest()


@pytest.mark.parametrize(
    "record",
    [
        b'{"a":"\xff"}',
        b'{"a":"\\ud800"}',
        b'{"a":1e99999999999999999999}',
        b'{"a":' + b"9" * 5000 + b"}",
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":"tab\there"}',
        b"NaN",
        b"",
    ],
)
def test_a_record_that_cannot_be_decoded_is_hashed_as_it_was_served(record: bytes) -> None:
    assert content_sha256(record) == hashlib.sha256(record).hexdigest()


@pytest.mark.parametrize(
    "record", [b"1", b'{"a":1,"b":{"a":1}}', b'[{"a":1},{"a":1}]', b'{"a":"a:b"}', b"not JSON"]
)
def test_a_record_without_a_key_twice_is_not_said_to_have_one(record: bytes) -> None:
    assert not has_duplicate_keys(record)


@given(st.binary(max_size=80))
def test_any_bytes_have_a_hash(record: bytes) -> None:
    assert len(content_sha256(record)) == 64
