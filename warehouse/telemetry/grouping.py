"""What is true of a message in either encoding: what is kept of names, bodies, ids and units, and what is counted.

Promise: fails closed, as the allow-list does: a text that is not of the form its place demands is removed.
"""

import re
from collections import Counter
from typing import Final

from warehouse.telemetry.allow_list import AllowList, Value, is_identifier, shown_name
from warehouse.telemetry.model import Attributes, Group, Metric, Point, Record, Span

# A secret is a word too: what has a place in the tables is a name as software writes them, the number of a
# release, or a unit that metrics have.
UNITS: Final = frozenset({"", "1", "USD", "tokens", "count", "s", "ms", "min", "h", "By", "lines", "{count}"})
VERSION: Final = "(?:v?[0-9]{1,4}(?:[.][0-9]{1,5}){0,3}(?:[-+.][0-9A-Za-z.-]{1,16})?)?"
# what joins the words of a scope's name, beside what joins those of other names
SCOPE_JOINTS: Final = "@/-"
_VERSION: Final = re.compile(VERSION)
_SCOPE_WORDS: Final = re.compile(f"[{SCOPE_JOINTS}]")
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2}){0,16}")
_BODY: Final = "claude_code."


class Grouping:
    """Makes the parts of a message; what a part may not carry is counted in `removed`."""

    def __init__(self, allow: AllowList) -> None:
        self._allow = allow

    def group(
        self,
        resource: Attributes,
        scope: str,
        version: str,
        removed: Counter[str],
        *,
        metrics: list[Metric],
        records: list[Record],
        spans: list[Span],
    ) -> Group:
        scope = self._fitting(scope, _is_scope(scope), "(scope name)", removed)
        version = self._fitting(version, bool(_VERSION.fullmatch(version)), "(scope version)", removed)
        return Group(resource, scope, version, metrics, records, spans)

    def metric(
        self,
        name: str,
        unit: str,
        kind: str,
        temporality: str,
        monotonic: bool,
        points: list[Point],
        removed: Counter[str],
    ) -> Metric:
        name = self._name(name, self._allow.metrics, "(metric name)", removed)
        unit = self._fitting(unit, unit in UNITS, "(unit)", removed)
        return Metric(name, unit, kind, temporality, monotonic, points)

    def record(
        self,
        attributes: Attributes,
        time: int,
        observed: int,
        severity: int,
        body: Value,
        event_name: str,
        trace_id: str,
        span_id: str,
        removed: Counter[str],
    ) -> Record:
        """`body` is whatever the record had; NESTED counts as one that must go."""
        kept = self.body(body)
        if kept is None:
            removed["(log body)"] += 1
        return Record(
            attributes,
            time,
            observed,
            severity,
            kept or "",
            self.event_name(event_name, removed),
            self.trace_id(trace_id, removed),
            self.span_id(span_id, removed),
        )

    def body(self, body: Value) -> str | None:
        """A record's body where it is no more than the name of an event, or empty; None where it must go."""
        if not isinstance(body, str):
            return None
        known = body.startswith(_BODY) and body.removeprefix(_BODY) in self._allow.events
        return body if known or body == "" else None

    def event_name(self, name: str, removed: Counter[str]) -> str:
        return self._name(name.removeprefix(_BODY), self._allow.events, "(event name)", removed)

    def trace_id(self, text: str, removed: Counter[str]) -> str:
        return self._fitting(text, bool(_HEX.fullmatch(text)), "(trace id)", removed)

    def span_id(self, text: str, removed: Counter[str]) -> str:
        return self._fitting(text, bool(_HEX.fullmatch(text)), "(span id)", removed)

    def span(
        self,
        attributes: Attributes,
        name: str,
        kind: int,
        start: int,
        end: int,
        ids: tuple[str, str, str],
        status: int,
        removed: Counter[str],
        *,
        told: bool,
        events: int,
        links: int,
    ) -> Span:
        """`ids`: trace, span, parent. `told`: its status had a text. Span events and links are never kept."""
        for counted, number in (("(status message)", int(told)), ("(span event)", events), ("(span link)", links)):
            if number:
                removed[counted] += number
        name = self._name(name, frozenset(), "(span name)", removed)
        trace_id, span_id, parent_id = (self.span_id(one, removed) for one in ids)
        return Span(attributes, name, kind, start, end, trace_id, span_id, parent_id, status)

    def _name(self, name: str, known: frozenset[str], counted: str, removed: Counter[str]) -> str:
        if name in known or is_identifier(name) or not name:
            return name
        if self._allow.anything and name.startswith("unlisted:"):
            return name
        removed[counted] += 1
        return shown_name(name)

    def _fitting(self, text: str, fits: bool, counted: str, removed: Counter[str]) -> str:
        if fits or self._allow.anything:  # what is archived went through the list of its day
            return text
        removed[counted] += 1
        return ""


def _is_scope(name: str) -> bool:
    """`com.anthropic.claude_code.events`, `@opentelemetry/sdk-logs`."""
    return not name or is_identifier(_SCOPE_WORDS.sub(".", name.removeprefix("@")))
