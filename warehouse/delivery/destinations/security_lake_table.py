"""The columns of an object in Security Lake: the OCSF mapping as Parquet, the same columns for every class.

Promise: every field that the mapping writes has a column (a test goes through all listed types); what OCSF has no
place for is in `unmapped`, a map of texts, the record among them as JSON.
"""

from typing import Any

import pyarrow as pa

from warehouse.delivery.documents import AnyEvent, as_json, described
from warehouse.delivery.mappings.schemas import SCHEMAS

_TEXT, _INT, _LONG = pa.string(), pa.int32(), pa.int64()


def _texts(*names: str) -> list[tuple[str, pa.DataType]]:
    return [(name, _TEXT) for name in names]


_USER = pa.struct([*_texts("name", "uid", "email_addr", "type"), ("type_id", _INT)])
_ACTOR = pa.struct([("user", _USER), *_texts("app_name")])
_ENDPOINT = pa.struct(_texts("ip"))
_THING = pa.struct(_texts("name", "uid", "type"))
_SERVICE = pa.struct(_texts("name"))
_METADATA = pa.struct(
    [
        ("product", pa.struct(_texts("name", "vendor_name"))),
        *_texts("version", "uid", "event_code", "log_name", "log_provider", "log_version", "original_time"),
        *_texts("tenant_uid"),
        ("profiles", pa.list_(_TEXT)),
    ]
)
_ANALYTIC = pa.struct([*_texts("uid", "name", "version", "type"), ("type_id", _INT)])
_FINDING = pa.struct(
    [
        *_texts("uid", "title"),
        ("types", pa.list_(_TEXT)),
        ("analytic", _ANALYTIC),
        ("related_events", pa.list_(pa.struct(_texts("uid")))),
    ]
)
_EVIDENCE = pa.struct([*_texts("uid", "name", "data"), ("actor", _ACTOR), ("src_endpoint", _ENDPOINT)])
SCHEMA = pa.schema(
    [
        ("time", _LONG),
        ("class_uid", _INT),
        ("class_name", _TEXT),
        ("category_uid", _INT),
        ("category_name", _TEXT),
        ("activity_id", _INT),
        ("activity_name", _TEXT),
        ("type_uid", _LONG),
        ("type_name", _TEXT),
        ("severity_id", _INT),
        ("severity", _TEXT),
        ("status_id", _INT),
        ("status", _TEXT),
        ("message", _TEXT),
        ("metadata", _METADATA),
        ("actor", _ACTOR),
        ("user", _USER),
        ("group", pa.struct(_texts("uid"))),
        ("privileges", pa.list_(_TEXT)),
        ("entity", _THING),
        ("web_resources", pa.list_(_THING)),
        ("file", pa.struct([*_texts("name", "uid", "type"), ("type_id", _INT)])),
        ("api", pa.struct([*_texts("operation"), ("service", _SERVICE)])),
        ("service", _SERVICE),
        ("src_endpoint", _ENDPOINT),
        ("http_request", pa.struct(_texts("user_agent"))),
        ("finding_info", _FINDING),
        ("evidences", pa.list_(_EVIDENCE)),
        ("unmapped", pa.map_(_TEXT, _TEXT)),
    ]
)


def class_of(event: AnyEvent) -> int:
    """The OCSF class that an event goes out in."""
    found: int = _mapped(event)["class_uid"]
    return found


def as_row(event: AnyEvent) -> dict[str, Any]:
    """The mapped event with `unmapped` and each evidence's `data` as texts, which columns can hold."""
    mapped = _mapped(event)
    unmapped = mapped.get("unmapped") or {}
    mapped["unmapped"] = [
        {"key": name, "value": value if isinstance(value, str) else as_json(value).decode("utf-8", "replace")}
        for name, value in unmapped.items()
        if value is not None
    ]
    if "evidences" in mapped:
        mapped["evidences"] = [
            {**evidence, "data": as_json(evidence["data"]).decode()} if "data" in evidence else evidence
            for evidence in mapped["evidences"]
        ]
    return mapped


def _mapped(event: AnyEvent) -> dict[str, Any]:
    return described(event, SCHEMAS["ocsf"])
