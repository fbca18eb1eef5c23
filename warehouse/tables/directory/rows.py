"""A record of the directory into rows: one, or of an organisation's settings one for each setting and each key.

Promise: the record, or the part of it that a row is about, stands beside the columns, verbatim.
"""

from hashlib import sha256
from typing import Any

import msgspec

from warehouse.tables.directory.schema import (
    ENTERPRISE_KEYS,
    GROUPS,
    MEMBERS,
    ORGANIZATIONS,
    SETTINGS,
    SPEND_LIMIT_REQUESTS,
    SPEND_LIMITS,
    Listing,
    listings_of,
)
from warehouse.tables.spend.money import read_money
from warehouse.tables.versions import Row
from warehouse.wire.records import canonical, content_sha256, decode


class _Settings(msgspec.Struct):
    settings: list[msgspec.Raw]
    organization_id: str | None = None
    api_keys: list[msgspec.Raw] = []


def rows_of(stream: str, record: bytes, position: int) -> list[tuple[Listing, Row]]:
    """The rows of one record, each with its listing. `position` is the record's place in its page; rows that are
    parts of a record have the place of the part in its array instead."""
    document = _document(record)
    if stream == "organizations" and "settings" in document:
        return _parts(record)
    listing = listings_of(stream)[0]
    if listing is GROUPS and "user_id" in document:  # only a member names a user
        listing = MEMBERS
    if listing is SPEND_LIMITS and document.get("type") == "spend_limit_increase_request":
        listing = SPEND_LIMIT_REQUESTS
    return [(listing, _row(listing, record, document) | {"position": position})]


def _parts(record: bytes) -> list[tuple[Listing, Row]]:
    try:
        whole = msgspec.json.decode(record, type=_Settings)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return [(ORGANIZATIONS, _row(ORGANIZATIONS, record, {}) | {"position": 0})]  # kept, without an id
    found = []
    for listing, parts in ((SETTINGS, whole.settings), (ENTERPRISE_KEYS, whole.api_keys)):
        for position, part in enumerate(map(bytes, parts)):
            document = _document(part)
            if listing is SETTINGS:
                document = {**document, "organization_id": whole.organization_id}
            found.append((listing, _row(listing, part, document) | {"position": position}))
    return found


def _document(record: bytes) -> dict[str, Any]:
    try:
        document = decode(record)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _row(listing: Listing, record: bytes, document: dict[str, Any]) -> Row:
    content = content_sha256(record)
    if any(name in document for name in listing.moving):
        lasting = {name: value for name, value in document.items() if name not in listing.moving}
        content = sha256(canonical(lasting)).hexdigest()
    row: Row = {
        name: _value(document, places, listing.forms.get(name)) for name, places in listing.columns.items()
    }
    parts = [row[name] for name in listing.key]
    try:
        raw, raw_bytes = record.decode(), None
    except UnicodeDecodeError:
        raw, raw_bytes = record.decode("utf-8", "replace"), record
    key = "/".join(parts) if all(parts) else f"(no id) {content}"
    return {**row, "record_key": key, "raw": raw, "raw_bytes": raw_bytes, "content_sha256": content}


def _value(document: dict[str, Any], places: tuple[str, ...], form: str | None) -> Any:
    for place in places:
        value: Any = document
        for name in place.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value is None:
            continue
        if form == "json":
            return canonical(value).decode()
        if form == "cents":
            return read_money(value).usd
        if isinstance(value, str):
            return value
    return None
