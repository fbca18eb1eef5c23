"""Exports of invented people at example.com, written the way the vendor writes them."""

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

from warehouse.tables.audit_export import FIELDS, ExportRow, read_export

SAMPLE = Path(__file__).parents[3] / "samples" / "audit_export" / "export-apostrophe.csv"
HEADER = ",".join(FIELDS)


def vendor_text(value: Any) -> str:
    """A Python literal in which text always stands in single quotes and its apostrophes are not escaped."""
    if isinstance(value, str):
        return "'" + "".join(_escaped(character) for character in value) + "'"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{vendor_text(key)}: {vendor_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(vendor_text(item) for item in value) + "]"
    return repr(value)


def _escaped(character: str) -> str:
    return character if character == "'" else repr(character)[1:-1] if character != '"' else '"'


def actor(name: str, email: str = "jane@example.com", number: int = 1) -> str:
    """An actor_info cell."""
    uuid = f"6f0c1d5e-0000-4000-8000-{number:012d}"
    return vendor_text({"name": name, "uuid": uuid, "metadata": {"email_address": email}})


def record(**fields: str) -> list[str]:
    """A row's nine texts, with something ordinary in those not given."""
    usual = {
        "created_at": "2026-11-20T10:00:00.123456Z",
        "actor_info": actor("Jane Doe"),
        "event": "conversation_created",
        "event_info": "{}",
        "entity_info": "",
        "ip_address": "192.0.2.34",
        "device_id": "",
        "user_agent": "Mozilla/5.0",
        "client_platform": "web",
    }
    return [{**usual, **fields}[name] for name in FIELDS]


def csv_text(*records: list[str], line_end: str = "\r\n", header: str = HEADER) -> str:
    """A CSV of these rows under the usual header."""
    written = io.StringIO()
    csv.writer(written, lineterminator=line_end).writerows(records)
    return header + line_end + written.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    """A ZIP of these files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return packed.getvalue()


def rows_of(data: bytes | str, name: str = "audit_logs.csv") -> list[ExportRow]:
    """The rows of a file."""
    return list(read_export(data.encode() if isinstance(data, str) else data, name).rows())


def only_row(**fields: str) -> ExportRow:
    """The single row of an export whose row has these fields."""
    (row,) = rows_of(csv_text(record(**fields)))
    return row
