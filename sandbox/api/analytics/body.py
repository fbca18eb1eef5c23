"""A page of an analytics answer in parts, so that a fault can spoil one of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Rows:
    """`data` (or another array name) and the members beside it, in wire order; `before` stand ahead."""

    rows: list[dict[str, Any]]
    beside: dict[str, Any]
    before: dict[str, Any] = field(default_factory=dict)
    array: str = "data"

    @property
    def count(self) -> int:
        return len(self.rows)

    def encode(self, fault: str | None = None) -> bytes:
        """The response body; `fault` is one of the body faults of the gate or None."""
        rows, beside = self.rows, dict(self.beside)
        if fault == "empty_page_claims_more":
            rows = []
            beside["has_more"] = True
        if fault == "full_page_without_has_more":
            beside.pop("has_more", None)
        if fault == "repeated_record":
            rows = rows + rows[-1:]
        if fault == "short_rows":
            rows = rows[:-1]
        whole = {**self.before, self.array: rows, **beside}
        if fault == "no_data":
            del whole[self.array]
        return json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode()
