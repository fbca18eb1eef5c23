"""Rows as CSV that a spreadsheet opens without running anything.

Promise: a text that a spreadsheet would take for a formula gets an apostrophe in front; numbers, times and every
other text stand as they are. Source: OWASP, CSV injection.
"""

import csv
import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from warehouse.wire.times import rfc3339

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write rows under a header line, UTF-8, lines ending with CRLF (RFC 4180); returns how many rows."""
    count = 0
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            writer.writerow([cell(value) for value in row])
            count += 1
    return count


def cell(value: Any) -> str:
    """A value as the text of a cell: empty for null, times in RFC 3339, lists as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict | tuple) else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
