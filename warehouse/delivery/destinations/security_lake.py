"""Amazon Security Lake: OCSF 1.5 as Parquet under the prefixes of custom sources, one source for each class.

Promise: an object holds events of one class and one day, ordered by time, under
`<source>-<class>/region=.../accountId=.../eventDay=.../`; a batch that is sent again is the same object.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from warehouse.config.destinations import SecurityLake
from warehouse.delivery.credentials import revealed
from warehouse.delivery.destinations.security_lake_table import SCHEMA, as_row, class_of
from warehouse.delivery.documents import as_json
from warehouse.delivery.over_s3 import S3Transport, s3_client, s3_outcomes
from warehouse.delivery.parquet_objects import MEDIA, object_name, parquet
from warehouse.delivery.port import Limits, Outcome, Refused, Request, Response

Settings = SecurityLake
# AWS asks for at most 256 MB in an object; this many events are some MB, and memory stays small
LIMITS = Limits(events=10_000, raw=32_000_000, separator=1, concurrency=1)


def group(event: Any) -> str:
    """The class and the day: what a prefix of the lake holds."""
    return f"{class_of(event)}/{event.stamp[:10]}"


def encode(event: Any, settings: SecurityLake, restamp: str | None) -> bytes | Refused:
    """One row of the class's table."""
    return as_json(as_row(event))


def pack(frames: Sequence[bytes], settings: SecurityLake) -> Request:
    """Rows of one class and one day as one Parquet object."""
    first = msgspec.json.decode(frames[0], type=dict[str, Any])
    body = parquet(frames, SCHEMA, "time")
    day = datetime.fromtimestamp(first["time"] // 1000, UTC).strftime("%Y%m%d")
    return Request(
        body=body,
        raw=sum(map(len, frames)),
        count=len(frames),
        path=(
            f"-{first['class_uid']}/region={settings.region}/accountId={settings.account_id}/eventDay={day}/"
            f"{object_name(body)}"
        ),
        method="PUT",
        headers={"Content-Type": MEDIA},
    )


def classify(response: Response, count: int) -> Sequence[Outcome]:
    """What S3 answers to a put."""
    return s3_outcomes(response, count)


def connect(settings: SecurityLake) -> S3Transport:
    """A transport to the lake's bucket, as the writer role where one is set. Raises Halted."""
    secret = settings.external_id
    client = s3_client(
        settings.name,
        region=settings.region,
        endpoint=settings.s3_endpoint,
        role=settings.role_arn,
        external_id=revealed(settings.name, secret) if secret is not None else None,
    )
    return S3Transport(settings.name, settings.url, client)


def probe(settings: SecurityLake) -> Outcome:
    """Whether the bucket is there; nothing is put into it."""
    transport = connect(settings)
    try:
        return transport.probe()
    finally:
        transport.close()
