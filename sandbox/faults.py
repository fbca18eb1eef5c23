"""Fault switches for requests: what goes wrong, how often, and for how long.

A fault fires with a probability or for the next N requests; draws come from the seed, so a run repeats itself.
Faults that change records rather than answers are in `sandbox/tenant/damage.py`; both are set the same way:
`--faults` when the server starts, POST /_sandbox/faults while it runs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sandbox.clock import parse_moment
from sandbox.switches import FaultError, Switch, Switches, described

REQUEST_FAULTS = {
    "rate_limit_429": "429 with retry-after (`seconds`, default 1)",
    "error_500": "500 that may be retried",
    "error_500_final": "500 with x-should-retry: false",
    "bad_gateway": "one of 502, 503, 504, 529 at random (or `status`)",
    "error_502": "502 from a gateway, HTML body",
    "error_503": "503 overloaded",
    "error_504": "504 gateway timeout",
    "error_529": "529 overloaded",
    "timeout": "hangs for `seconds` (default 120), then answers as usual",
    "cut": "promises content-length and closes the connection in mid-body",
    "truncated_json": "200, complete HTTP, JSON cut in the middle",
    "no_data": "200 without the member `data`",
    "empty_page_claims_more": "200, no records, has_more true",
    "full_page_without_has_more": "200, records, member has_more missing",
    "repeated_record": "200, the last record of the page twice",
    "stale_cursor": "410 for a request that continues with a `page` cursor",
    "short_rows": "200, a grouped page without its last row, so rows do not add up to the total",
    "expired_key": "401 API key has expired.",
    "deactivated_key": "401 API key has been deactivated.",
    "invalid_key": "401 API key is invalid.",
    "wrong_key": "404 Not found, as for a missing or foreign key",
    "missing_scope": "403 missing required scopes",
    "compliance_disabled": "400 Compliance API is not enabled for this organization",
    "clock_skew": "Date header off by `seconds` (default 600)",
}
_CONCERNS = {"stale_cursor": "page=", "short_rows": "group_by"}
RECORD_FAULTS = {
    "late_indexing": "records appear `seconds` (default 7200) after they were created",
    "huge_record": "a record of `bytes` (default 40000000)",
    "duplicate_keys": "records with repeated member names",
    "big_integers": "records with integers beyond 64 bits",
    "invalid_utf8": "records with bytes that are not UTF-8",
    "lone_surrogate": "records with an escaped lone surrogate",
}


@dataclass(slots=True)
class Fault(Switch):
    """One switch that is on.

    probability: chance per request (or per record); next: how many more requests (or records per UTC day) it hits;
    skip: how many requests pass unharmed first; path: prefix of the paths concerned; query: a part of their
    queries; start/end: RFC 3339 bounds of `created_at` for record faults; seconds, status, bytes: the fault's own
    size. A record fault without probability or next hits one record a day.
    """

    TEXTS = frozenset({"kind", "path", "query", "start", "end"})

    path: str = "/v1/"
    query: str = ""
    bytes: int | None = None
    start: str | None = None
    end: str | None = None

    @classmethod
    def of(cls, description: dict[str, Any]) -> Fault:
        """A checked fault from its JSON form; raises FaultError."""
        fault = cls.checked(description, REQUEST_FAULTS | RECORD_FAULTS)
        if fault.about_records and fault.next is None and "probability" not in description:
            fault.next = 1
        for name in ("start", "end"):
            if getattr(fault, name) is not None:
                try:
                    parse_moment(getattr(fault, name))
                except ValueError as problem:
                    raise FaultError(f"{fault.kind}: {name}: {problem}") from problem
        return fault

    @property
    def about_records(self) -> bool:
        return self.kind in RECORD_FAULTS


def parse_faults(text: str) -> list[Fault]:
    """Faults from the command line: a JSON list or object, or `kind:0.05,kind:next=3:skip=1,kind:seconds=600`."""
    text = text.strip()
    if not text:
        return []
    if text[0] in "[{":
        try:
            given = json.loads(text)
        except ValueError as problem:
            raise FaultError(f"faults are not valid JSON: {problem}") from problem
        return [Fault.of(one) for one in (given if isinstance(given, list) else [given])]
    faults = []
    for item in text.split(","):
        kind, *settings = item.strip().split(":")
        faults.append(Fault.of(described(kind, settings)))
    return faults


class Faults(Switches[Fault]):
    """The request faults that are on. Safe to change from another thread while the server runs."""

    def __init__(self, seed: int) -> None:
        super().__init__(f"{seed}/faults")

    def on(self, kind: str, **settings: Any) -> Fault:
        """Switch on the request fault `kind`, e.g. `faults.on("error_500", next=2)`; raises FaultError."""
        fault = Fault.of({"kind": kind, **settings})
        if fault.about_records:
            raise FaultError(f"{kind} changes records: use tenant.damage({kind!r}, ...)")
        self.add(fault)
        return fault

    def draw(self, path: str, query: str = "") -> Fault | None:
        """The fault that hits this request, if any; counts it. Some concern only some requests (_CONCERNS)."""
        with self._lock:
            for fault in self._on:
                if fault.kind == "clock_skew" or not path.startswith(fault.path):
                    continue
                if fault.query in query and _CONCERNS.get(fault.kind, "") in query and self._fires(fault):
                    self._on = [other for other in self._on if other.next != 0]
                    return fault
        return None

    def skew(self, path: str) -> float:
        """Seconds by which the Date header of this answer is wrong."""
        with self._lock:
            for fault in self._on:
                if fault.kind == "clock_skew" and path.startswith(fault.path) and self._fires(fault):
                    return 600.0 if fault.seconds is None else fault.seconds
        return 0.0

    def pick(self, choices: tuple[int, ...]) -> int:
        """One of `choices`, drawn from the seed."""
        return self._random.choice(choices)
