"""Frames made by columns are those that the modules encode, byte for byte, whatever stands in an event."""

from __future__ import annotations

from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warehouse.delivery.destinations.rig import settings as configured
from tests.warehouse.delivery.mappings.rows import ACTOR, every_type, record, rows
from warehouse.config.destinations import TYPES as DESTINATIONS
from warehouse.delivery import destinations
from warehouse.delivery.chunk import Chunk
from warehouse.delivery.documents import as_json, described
from warehouse.delivery.event_rows import EventRows
from warehouse.delivery.facts import facts_of_rows
from warehouse.delivery.mappings.canonical import canonical_events
from warehouse.delivery.mappings.event_kind import SUBJECT_COLUMNS
from warehouse.delivery.mappings.schemas import SCHEMAS
from warehouse.delivery.port import FixedForm, fixed_form_of
from warehouse.delivery.positions import BEGINNING
from warehouse.delivery.templates import Encode, TemplateEncoding
from warehouse.taxonomy import load

_URL = "https://siem.example.com"
_KEY = "ZmFrZS1rZXktb2YtYS10ZXN0LXRoYXQtaXMtbG9uZw=="
_RULE = "dcr-" + "0" * 32
GIVEN: dict[str, dict[str, Any]] = {
    "splunk": {"url": _URL, "token": _KEY, "index": "claude"},
    "datadog": {"url": _URL, "api_key": _KEY, "tags": ["env:test", "team:soc"]},
    "elastic": {"url": _URL, "api_key": _KEY},
    "logstash": {"url": _URL},
    "sumo": {"url": f"{_URL}/receiver/v1/http/fake"},
    "webhook": {"url": _URL},
    "cribl": {"url": _URL},
    "sentinel": {
        **{"endpoint": _URL, "dcr_id": _RULE, "tenant_id": "t", "client_id": "c", "client_secret": _KEY},
    },
    "sentinel_legacy": {"workspace_id": f"{0:08}-0000-0000-0000-{0:012}", "shared_key": _KEY},
    "otlp": {"url": _URL},
    "otlp_json": {"url": _URL, "encoding": "json"},
    "syslog": {"host": "siem.example.com"},
    "syslog_short": {"host": "siem.example.com", "max_bytes": 1400},
    "secops": {
        **{"region": "eu", "project": "claude", "instance": f"{0:08}-0000-0000-0000-{0:012}"},
        **{"credentials": _KEY, "send": "events"},
    },
}
VARIANTS = {"otlp_json": "otlp", "syslog_short": "syslog"}
LATER = "2026-11-28T10:11:12.000345Z"
TYPES = [*load().types, "vault_opened", "sso_quantum_leap", '100% "new" type', ""]
HARD = [
    "",
    "%s",
    "100%",
    'a"b',
    "back\\slash",
    "tab\there",
    "\x00\x01",
    "Zoë",
    "日本",
    "\u2028",
    "\ud7ff",
    "'",
    "\x7f",
]
TEXTS = st.none() | st.sampled_from(HARD) | st.text(max_size=12)
ADDRESSES = TEXTS | st.sampled_from(["203.0.113.7", "2001:db8::1", "fe80::1%eth0", "localhost"])


def module_of(name: str) -> tuple[Any, Any]:
    type = VARIANTS.get(name, name)
    return destinations.load(type), configured(type, GIVEN[name])


def encoder(name: str) -> Encode:
    module, given_ = module_of(name)
    return lambda event, restamp: module.encode(event, given_, restamp)


def encoding(name: str, encode: Encode | None = None) -> TemplateEncoding:
    form = fixed_form_of(*module_of(name))
    assert form is not None
    return TemplateEncoding(encode or encoder(name), form)


def framed(encoding: TemplateEncoding, rows: EventRows, late: list[int], moment: str | None) -> list[Any]:
    """What became of each row: its frame, or why it is refused."""
    frames, refused = encoding.frames(rows, late, moment)
    return [refused.get(place, frame) for place, frame in enumerate(frames)]


@st.composite
def records(draw: Any) -> dict[str, Any]:
    kind = draw(st.sampled_from(TYPES))
    fields = {field.name: draw(TEXTS) for field in load().get(kind).fields if draw(st.booleans())}
    actor = {
        "type": draw(st.sampled_from(["user_actor", "api_actor", "robot", "%s"]) | TEXTS),
        "email_address": draw(TEXTS | st.sampled_from(["ana@example.com", "Zoë@example.com"])),
        "user_id": draw(TEXTS),
        "ip_address": draw(ADDRESSES),
        "user_agent": draw(TEXTS),
    }
    own = {
        "id": draw(st.sampled_from(["activity_01", 'a"1', "%d", "x" * 200])),
        "created_at": draw(st.sampled_from(["2026-11-23T01:02:03.456789Z", "1969-12-31T23:59:58.5Z", "x", None])),
        "organization_id": draw(TEXTS),
        "organization_uuid": draw(TEXTS),
        "actor": draw(st.sampled_from([None, {}, actor, actor, actor])),
    }
    news = {"never_seen_before": 1} if draw(st.integers(0, 9)) == 0 else {}
    return record(kind, **{**fields, **own, **news})


def batch(*served: dict[str, Any] | bytes, **how: Any) -> pa.RecordBatch:
    (made,) = rows(*served, **how).combine_chunks().to_batches()
    return made


def one_by_one(encode: Encode, of: pa.RecordBatch, late: list[int]) -> list[Any]:
    return [encode(event, LATER if at in late else None) for at, event in enumerate(canonical_events(of))]


def test_every_type_that_says_its_frames_are_of_a_fixed_form_is_tried_here() -> None:
    modules = {type: destinations.load(type) for type in DESTINATIONS}
    fixed = {type for type, one in modules.items() if hasattr(one, "FIXED_FORM") or hasattr(one, "fixed_form")}
    assert fixed == set(GIVEN) - set(VARIANTS)


def test_a_module_says_so_only_where_its_settings_keep_the_form() -> None:
    assert (
        fixed_form_of(destinations.load("syslog"), configured("syslog", GIVEN["syslog"], framing="newline"))
        is None
    )
    assert fixed_form_of(destinations.load("secops"), configured("secops", GIVEN["secops"], send="logs")) is None
    assert fixed_form_of(destinations.load("snowflake"), None) is None


@pytest.mark.parametrize("type", sorted(GIVEN))
def test_events_are_encoded_as_their_module_does_it_and_a_known_shape_without_it(type: str) -> None:
    encode, calls = encoder(type), []

    def counted(event: Any, restamp: str | None) -> Any:
        calls.append(event)
        return encode(event, restamp)

    templates = encoding(type, counted)
    first, second = (batch(*_with_other_values(every_type()[::9], tail)) for tail in ("", " %s 2"))
    late = list(range(0, len(first), 3))
    assert framed(templates, EventRows(first), late, LATER) == one_by_one(encode, first, late)
    assert framed(templates, EventRows(second), [], None) == one_by_one(encode, second, [])
    calls.clear()
    framed(templates, EventRows(first), [], None)
    assert not calls or type == "syslog_short"  # by its columns alone


@settings(max_examples=25, deadline=None)
@given(st.lists(records(), min_size=1, max_size=12), st.integers(1, 2))
def test_no_value_gets_a_frame_of_another_kind(served: list[dict[str, Any]], version: int) -> None:
    made = batch(*served, version=version)
    late = [0] if version == 1 else []
    for type, templates in TEMPLATES.items():
        assert framed(templates, EventRows(made), late, LATER) == one_by_one(encoder(type), made, late), type


TEMPLATES = {name: encoding(name) for name in GIVEN}  # what one example leaves, the next meets


def test_a_record_that_does_not_read_leaves_its_neighbours_alone() -> None:
    encode = encoder("elastic")
    good = record("claude_file_uploaded", claude_file_id="file_01", filename="a.txt")
    made = batch(
        good, b'{"id":"a1","x":1,"x":2}', {**good, "filename": 7}, {**good, "id": "b", "filename": None}, b"{"
    )
    found = framed(TemplateEncoding(encode, FixedForm()), EventRows(made), [], None)
    assert found == one_by_one(encode, made, [])
    assert len(set(found)) == 5


def test_records_on_several_lines_are_put_on_one() -> None:
    encode, split = encoder("splunk"), batch(record(), b'{"id": "a1",\n "type":\r\n"sso_login_failed"}')
    (_, frame) = framed(TemplateEncoding(encode, FixedForm()), EventRows(split), [], None)
    assert frame == one_by_one(encode, split, [])[1]
    assert isinstance(frame, bytes)
    assert b"\n" not in frame


def test_a_text_that_looks_like_a_slot_is_a_text() -> None:
    encode = encoder("cribl")
    made = batch(
        *(record(id=id, actor={**ACTOR, "type": "%s\x00\x01"}) for id in ("%s", "\x00", "7000000000000001"))
    )
    assert framed(TemplateEncoding(encode, FixedForm()), EventRows(made), [], None) == one_by_one(encode, made, [])


def test_a_module_that_looks_into_a_value_is_asked_every_time() -> None:
    def encode(event: Any, restamp: str | None) -> bytes:
        return as_json({"id": event.event_id.upper(), "time": restamp or event.stamp, "user": event.actor_id})

    made = batch(record(id="one"), record(id="two"))
    assert framed(TemplateEncoding(encode, FixedForm()), EventRows(made), [], None) == one_by_one(encode, made, [])


@pytest.mark.parametrize("name", sorted(set(SCHEMAS) - {"ocsf"}))  # which asks whether an e-mail address is one
def test_a_mapping_looks_at_no_more_than_a_template_knows(name: str) -> None:
    def encode(event: Any, restamp: str | None) -> bytes:
        return as_json(described(event, SCHEMAS[name], restamp))

    # the second of each type is made by the template of the first
    served = [one for known in every_type() for one in (known, {**known, "id": f"{known['id']}_2"})]
    made = batch(*_with_other_values(served, " %s"))
    assert framed(TemplateEncoding(encode, FixedForm()), EventRows(made), [], None) == one_by_one(encode, made, [])


def test_the_canonical_events_of_rows_are_theirs() -> None:
    made = batch(record(), record("sso_login_failed", id="b", created_at="never"))
    events, known = EventRows(made), canonical_events(made)
    assert list(map(msgspec.structs.asdict, events)) == list(map(msgspec.structs.asdict, known))
    found = Chunk(facts_of_rows(made), events, BEGINNING, 0)
    assert found.column("event_id") == [one.event_id for one in known]
    assert found.column("event_time") == [one.event_us for one in known]
    assert found.column("version") == [one.version for one in known]
    assert found.column("entry_seq") == [None, None]
    assert events.stamps == [one.stamp_us for one in known]
    assert [one.event_id for one in events.some([1])] == ["b"]
    assert len(EventRows(made.slice(0, 0))) == 0
    assert framed(encoding("elastic"), EventRows(made.slice(0, 0)), [], None) == []


def _with_other_values(served: list[dict[str, Any]], tail: str) -> list[dict[str, Any]]:
    """The same records with something behind each text that is copied."""
    return [
        {
            name: value + tail
            if isinstance(value, str) and name not in ("type", "created_at") and "_type" not in name
            else value
            for name, value in one.items()
        }
        for one in served
    ]


@pytest.mark.parametrize("type", sorted(GIVEN))
def test_an_object_that_stands_in_columns_is_the_one_in_the_record(type: str) -> None:
    """The same frames where the columns are missing, so that each record has to be read."""
    odd = ["chat_1", "", None, 7, ["chat_2"], {"a": 1}, 'a"b', "Zoë", "x" * 2000]
    chats = [record("claude_chat_created", id=f"chat_{n}", claude_chat_id=one) for n, one in enumerate(odd)]
    files = [
        record("claude_file_uploaded", id=f"file_{n}", claude_file_id="file_1", filename=one)
        for n, one in enumerate(odd)
    ]
    twice = b'{"id":"chat_2x","type":"claude_chat_created","claude_chat_id":"a","claude_chat_id":"b"}'
    table = rows(*chats, *files, twice).combine_chunks().to_batches()[0]
    lean = table.select([name for name in table.schema.names if name not in SUBJECT_COLUMNS])
    encode = encoder(type)
    alone = [encode(event, None) for event in canonical_events(table)]
    for one in (table, lean):
        assert framed(encoding(type), EventRows(one), [], None) == alone
