"""Page cursors of the Analytics API: opaque, bound to every parameter, dead once their export is superseded."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

from sandbox.api.errors import invalid, stale_cursor


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a walk stands: the question's digest, the export it reads, its end (a minute), rows already given."""

    digest: str
    export: int
    end: int
    offset: int

    def text(self) -> str:
        """The cursor as clients carry it."""
        plain = json.dumps([2, self.digest, self.export, self.end, self.offset], separators=(",", ":"))
        return "page_" + base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, digest: str, export: int, *, lasting: bool) -> Cursor:
        """A cursor for the question `digest`; 400 where it is none or another question's, 410 where it is dead."""
        try:
            coded = text.removeprefix("page_")
            version, *parts = json.loads(base64.b64decode(coded + "=" * (-len(coded) % 4), b"-_", validate=True))
            found = cls(*parts)
            if version != 2 or not all(isinstance(part, int) and part >= 0 for part in parts[1:]):
                raise ValueError(text)
        except (ValueError, TypeError) as problem:
            raise invalid("page: Invalid cursor") from problem
        if found.digest != digest:
            raise invalid("page: The cursor was issued for different query parameters")
        if found.export > export:
            raise invalid("page: Invalid cursor")
        if found.export < export and not lasting:
            raise stale_cursor()
        return found
