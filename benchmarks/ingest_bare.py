"""Contender: the least that a program can do to end with the same Parquet. Prints one JSON line.

One loop, one thread. Per page: httpx GET; SHA-256 of the body; zstd level 3 of the body written to a file; msgspec
splits the page into verbatim records and decodes each into a typed struct. Per day: one Parquet file with all
columns of `audit_events` and the same writer settings (zstd 3, the same dictionaries and statistics).
Not done: no retries, no rate budget, no check that a page is a page, no key order or duplicate keys, no content
hash (that column is null), no unknown types or fields (null), no versions (all 1), no log, no Merkle root, no
signature, no fsync, no refusal to overwrite.
"""

import argparse
import gc
import hashlib
import json
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pyarrow as pa
import zstandard

from warehouse.tables import parquet
from warehouse.tables.schema import (
    ACTOR_ID_FIELD,
    AUDIT_EVENTS,
    DICTIONARY_COLUMNS,
    EXTRA_FIELDS,
    PARSED,
    STATISTICS_COLUMNS,
)


class Actor(msgspec.Struct, gc=False):
    type: str | None = None
    email_address: str | None = None
    unauthenticated_email_address: str | None = None
    ip_address: str | None = None
    user_agent: str | None = None
    user_id: str | None = None
    api_key_id: str | None = None
    admin_api_key_id: str | None = None
    service_account_id: str | None = None
    directory_id: str | None = None
    subject: str | None = None
    external_client_id: str | None = None
    service: str | None = None


class Event(msgspec.Struct, gc=False):
    id: str
    created_at: str
    type: str
    actor: Actor
    organization_id: str | None = None
    organization_uuid: str | None = None
    claude_chat_id: str | None = None
    claude_project_id: str | None = None
    claude_file_id: str | None = None
    filename: str | None = None
    user_id: str | None = None
    group_id: str | None = None
    session_id: str | None = None
    request_id: str | None = None
    url: str | None = None
    auth_method: str | None = None


class Body(msgspec.Struct):
    data: list[msgspec.Raw]
    has_more: bool
    last_id: str | None = None


_body = msgspec.json.Decoder(Body)
_event = msgspec.json.Decoder(Event)


def columns(records: list[bytes]) -> pa.Table:
    """The columns that a page alone gives, in the order of the schema."""
    events = list(map(_event.decode, records))
    actors = [event.actor for event in events]
    created = pa.array([event.created_at for event in events], pa.string())
    text = pa.string()
    arrays = [
        pa.array([event.id for event in events], text),
        created.cast(PARSED.field("created_at").type),
        created,
        pa.array([event.type for event in events], text),
        pa.array([event.organization_id for event in events], text),
        pa.array([event.organization_uuid for event in events], text),
        pa.array([actor.type for actor in actors], text),
        pa.array([getattr(actor, ACTOR_ID_FIELD.get(actor.type or "", ""), None) for actor in actors], text),
        pa.array([actor.email_address or actor.unauthenticated_email_address for actor in actors], text),
        pa.array([actor.ip_address for actor in actors], text),
        pa.array([actor.user_agent for actor in actors], text),
        *[pa.array([getattr(event, name) for event in events], text) for name in EXTRA_FIELDS],
        pa.array(records, pa.binary()).cast(text),
        pa.nulls(len(records), pa.binary()),
    ]
    return pa.Table.from_arrays(arrays, schema=PARSED)


def finished(pages: list[pa.Table], observed_at: datetime, seq: int) -> pa.Table:
    """A day's rows with the remaining columns as constants."""
    rows = pa.concat_tables(pages)
    count = rows.num_rows
    constant: dict[str, Any] = {"observed_at": observed_at, "commit_seq": seq, "version": 1, "fold": "first"}
    constant["unknown_event"] = False
    for name in AUDIT_EVENTS.names[len(PARSED) :]:
        kind = AUDIT_EVENTS.field(name).type
        if name == "page":
            column: Any = pa.concat_arrays(
                [pa.repeat(pa.scalar(number, kind), page.num_rows) for number, page in enumerate(pages, 1)]
            )
        elif name == "position":
            column = pa.concat_arrays([pa.array(range(page.num_rows), kind) for page in pages])
        elif name in constant:
            column = pa.repeat(pa.scalar(constant[name], kind), count)
        else:
            column = pa.nulls(count, kind)
        rows = rows.append_column(AUDIT_EVENTS.field(name), column)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--url", "--key", "--start", "--end"):
        parser.add_argument(name, required=True)
    options = parser.parse_args()
    start, end = datetime.fromisoformat(options.start), datetime.fromisoformat(options.end)
    gc.disable()  # nothing here makes cycles, and the collector would walk what is decoded
    records = requests = 0
    with tempfile.TemporaryDirectory(prefix="bare-bench-") as scratch:
        folder = Path(scratch)
        headers = {"x-api-key": options.key, "accept-encoding": "identity", "anthropic-version": "2023-06-01"}
        with httpx.Client(base_url=options.url, headers=headers, timeout=60, trust_env=False) as http:
            for seq in range((end - start).days):
                day = start + timedelta(days=seq)
                pages = []
                for body, page in _day(http, day):
                    requests += 1
                    digest = hashlib.sha256(body).hexdigest()
                    (folder / f"{digest[:16]}.json.zst").write_bytes(zstandard.compress(body, 3))
                    verbatim = list(map(bytes, page.data))
                    records += len(verbatim)
                    pages.append(columns(verbatim))
                (folder / f"{day:%Y-%m-%d}.parquet").write_bytes(
                    parquet.write(
                        [finished(pages, day, seq)],
                        AUDIT_EVENTS,
                        dictionary=DICTIONARY_COLUMNS,
                        statistics=STATISTICS_COLUMNS,
                    )
                )
        size = sum(path.stat().st_size for path in folder.iterdir())
    print(json.dumps({"records": records, "requests": requests, "on_disk": size}))


def _day(http: httpx.Client, day: datetime) -> Iterator[tuple[bytes, Body]]:
    """The bodies of one day, as served and split, newest page first."""
    query = {
        "created_at.gte": f"{day:%Y-%m-%dT%H:%M:%SZ}",
        "created_at.lt": f"{day + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
        "limit": "5000",
    }
    while True:
        body = http.get("/v1/compliance/activities", params=query).raise_for_status().content
        page = _body.decode(body)
        yield body, page
        if not page.has_more:
            return
        query["after_id"] = page.last_id or ""


if __name__ == "__main__":
    main()
