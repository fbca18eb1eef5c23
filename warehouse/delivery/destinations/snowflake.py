"""Parquet files for a Snowflake external stage, or for Snowpipe: one row for each event, one folder for each day.

Promise: a file's name follows from its bytes and it is never written again with others, because Snowflake tells
files that it has loaded by their names. `docs/destinations.md` has the stage, the table and the COPY statement.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pyarrow as pa

from warehouse.config.destinations import Snowflake
from warehouse.delivery.documents import as_json, described
from warehouse.delivery.mappings.alert import CanonicalAlert
from warehouse.delivery.mappings.canonical import MAPPING_VERSION, SOURCE
from warehouse.delivery.mappings.schemas import SCHEMAS
from warehouse.delivery.over_s3 import S3Transport, s3_client, s3_outcomes
from warehouse.delivery.parquet_objects import MEDIA, object_name, parquet
from warehouse.delivery.port import Limits, Outcome, Refused, Request, Response

Settings = Snowflake
LIMITS = Limits(events=10_000, raw=32_000_000, separator=1, concurrency=1)
_MOMENT = pa.timestamp("us", "UTC")
_SPECIAL = {"event_time": _MOMENT, "stamp": _MOMENT, "observed_at": _MOMENT, "unknown_event": pa.bool_(),
            "commit_seq": pa.int64(), "version": pa.int32()}  # fmt: skip
NAMES = (
    "kind", "event_id", "event_time", "stamp", "observed_at", "source", "mapping_version", "type", "category",
    "verb", "outcome", "severity", "actor_type", "actor_id", "actor_email", "client_ip", "user_agent",
    "organization_id", "organization_uuid", "object_type", "object_id", "object_name", "target_user_id",
    "target_user_email", "target_group_id", "rule_id", "title", "event_ids", "unknown_event", "unknown_fields",
    "commit_seq", "version", "fold", "raw",
)  # fmt: skip
SCHEMA = pa.schema([(name, _SPECIAL.get(name, pa.string())) for name in NAMES])


def group(event: Any) -> str:
    """The day of the event, UTC: files of a stage are found by it."""
    return str(event.stamp[:10])


def encode(event: Any, settings: Snowflake, restamp: str | None) -> bytes | Refused:
    """One row. `raw` is the record as a text of JSON; moments are microseconds since 1970."""
    if isinstance(event, CanonicalAlert):
        return as_json(_alert(event))
    known, about = event.kind.taken, event.subject
    return as_json(
        {
            "kind": "event",
            "event_id": event.event_id,
            "event_time": event.event_us,
            "stamp": event.stamp_us,
            "observed_at": event.observed_us,
            "source": SOURCE,
            "mapping_version": MAPPING_VERSION,
            "type": event.type,
            "category": known.category,
            "verb": known.verb,
            "outcome": event.outcome,
            "severity": event.severity,
            "actor_type": event.actor_type,
            "actor_id": event.actor_id,
            "actor_email": event.actor_email,
            "client_ip": event.client_ip,
            "user_agent": event.user_agent,
            "organization_id": event.organization_id,
            "organization_uuid": event.organization_uuid,
            "object_type": known.object,
            "object_id": about.object_id,
            "object_name": about.object_name,
            "target_user_id": about.user_id,
            "target_user_email": about.user_email,
            "target_group_id": about.group_id,
            "unknown_event": event.unknown_event,
            "unknown_fields": _text(event.unknown_fields),
            "commit_seq": event.commit_seq,
            "version": event.version,
            "fold": event.fold,
            "raw": bytes(event.raw).decode("utf-8", "replace"),
        }
    )


def pack(frames: Sequence[bytes], settings: Snowflake) -> Request:
    """Rows of one day as one Parquet file."""
    body = parquet(frames, SCHEMA, "stamp")
    stamp = msgspec.json.decode(frames[0], type=dict[str, Any])["stamp"]
    day = datetime.fromtimestamp(stamp // 1_000_000, UTC).strftime("%Y-%m-%d")
    return Request(
        body=body,
        raw=sum(map(len, frames)),
        count=len(frames),
        path=f"dt={day}/{object_name(body)}",
        method="PUT",
        headers={"Content-Type": MEDIA},
    )


def classify(response: Response, count: int) -> Sequence[Outcome]:
    """What S3 answers to a put."""
    return s3_outcomes(response, count)


def connect(settings: Snowflake) -> S3Transport:
    """A transport to the stage's bucket. Raises Halted where boto3 is missing."""
    client = s3_client(settings.name, region=settings.region, endpoint=settings.s3_endpoint)
    return S3Transport(settings.name, settings.url, client)


def probe(settings: Snowflake) -> Outcome:
    """Whether the bucket is there; nothing is put into it."""
    transport = connect(settings)
    try:
        return transport.probe()
    finally:
        transport.close()


def _alert(alert: CanonicalAlert) -> dict[str, Any]:
    """An alert as a row of the same table: `kind` tells, `event_ids` names its events, `raw` is the alert."""
    return {
        "kind": "alert",
        "event_id": alert.alert_id,
        "event_time": _micros(alert.event_time),
        "stamp": alert.stamp_us,
        "observed_at": alert.stamp_us,
        "source": SOURCE,
        "mapping_version": MAPPING_VERSION,
        "type": "alert",
        "category": "alert",
        "severity": alert.severity,
        "rule_id": alert.rule_id,
        "title": alert.title,
        "event_ids": _text(alert.event_ids),
        "unknown_event": any(event.unknown_event for event in alert.events),
        "raw": as_json(described(alert, SCHEMAS["canonical"])).decode(),
    }


def _text(value: Any) -> str | None:
    return None if value is None else as_json(value).decode()


def _micros(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int(moment.replace(microsecond=0).timestamp()) * 1_000_000 + moment.microsecond
