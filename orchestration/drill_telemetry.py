"""The drill's telemetry: quiet sessions of the pretend machines, and cases of rules over `claude_code`, as OTLP.

Promise: all of it is sent to the embedded receiver, landed and folded as a developer's machine would have it.
"""

import json
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from assets.telemetry_landing import land_telemetry
from assets.workshop import Workshop
from orchestration.demo_tenant import DemoFolder, play_sessions
from orchestration.telemetry_receiver import running
from warehouse.detections.claude_code import ATTRIBUTES
from warehouse.telemetry.inbox import Inbox
from warehouse.telemetry.receiver import Receiver

SOURCE = "claude_code"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SCOPE = "com.anthropic.claude_code.events"
_DENIAL = {"type": "tool_decision", "tool_name": "Bash", "decision": "reject", "decision_source": "user_reject"}


@dataclass(frozen=True)
class Said:
    """One event of a case: when, and the fields of the log source that it has."""

    at: datetime
    fields: dict[str, Any]


class DrillTelemetry:
    """The machines of the drill's people, and where what they send lands."""

    def __init__(self, folder: DemoFolder) -> None:
        self._folder, self._inbox = folder, folder.path / "telemetry"

    def live(self, workshop: Workshop, first: date, last: date) -> int:
        """Everyday sessions of some days, both inclusive; how many there were. Raises TenantFailed."""
        with self._landing(workshop) as url:
            return int(play_sessions(self._folder, url, first, last, quiet=True)["sessions"])

    def send(self, workshop: Workshop, said: Iterable[Said]) -> int:
        """The events of some cases, in one request; how many there were."""
        records = [_record(number, one) for number, one in enumerate(_with_denials(said))]
        scope = {"scope": {"name": _SCOPE}, "logRecords": records}
        service = [_attribute("service.name", "claude-code")]
        message = {"resourceLogs": [{"resource": {"attributes": service}, "scopeLogs": [scope]}]}
        with self._landing(workshop) as url:
            request = urllib.request.Request(  # noqa: S310 - our own loopback address
                f"{url}/v1/logs", json.dumps(message).encode(), {"content-type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                answer.read()
        return len(records)

    @contextmanager
    def _landing(self, workshop: Workshop) -> Iterator[str]:
        with running(Receiver(Inbox(self._inbox), gather_seconds=0.05)) as url:
            yield url
        land_telemetry(workshop, [str(self._inbox)], settled=timedelta(0))


def _with_denials(said: Iterable[Said]) -> Iterator[Said]:
    """The events in order, and before one that speaks of denials before it, these denials."""
    for one in said:
        for back in range(int(one.fields.get("denied_before", 0)), 0, -1):
            kept = {name: value for name, value in one.fields.items() if name not in _DENIAL}
            yield Said(one.at - back * timedelta(seconds=30), kept | _DENIAL)
        yield one


def _record(number: int, said: Said) -> dict[str, Any]:
    nanos = (said.at - _EPOCH) // timedelta(microseconds=1) * 1000
    facts = {ATTRIBUTES[name]: value for name, value in said.fields.items() if name in ATTRIBUTES}
    facts |= {"event.timestamp": said.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "event.sequence": number}
    return {
        "timeUnixNano": str(nanos),
        "observedTimeUnixNano": str(nanos + 1_000_000),
        "body": {"stringValue": f"claude_code.{said.fields['type']}"},
        "attributes": [_attribute(name, value) for name, value in facts.items()],
    }


def _attribute(name: str, value: Any) -> dict[str, Any]:
    return {
        "key": name,
        "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": str(value)},
    }
