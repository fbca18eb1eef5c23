"""A stand-in for Claude Code that counts and logs with the genuine OpenTelemetry SDK and its encoders.

It keeps the true sums beside what it sends, so that a test can compare.
"""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import Counter as SdkCounter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.resources import Resource

MODEL = "claude-sonnet-5"
START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
IDENTITY = {
    "user.id": "installation-1",
    "organization.id": "694ef5fa-dc39-4935-a5b1-0bd32b5c74e6",
    "user.account_uuid": "6f0c1d5e-0000-4000-8000-000000000001",
    "user.account_id": "user_01AbCdEfGhJkMnPqRsTuVwXy",
    "user.email": "Ada@example.com",
}


class Client:
    """One process. `session` may be shared by several of them, as after a restart."""

    def __init__(
        self, session: str, *, cumulative: bool = False, version: str = "2.1.330", **resource: str
    ) -> None:
        self.session = session
        self.truth: Counter[str] = Counter()
        self.cost = Decimal(0)
        self._common = {"session.id": session, **IDENTITY}
        kind = AggregationTemporality.CUMULATIVE if cumulative else AggregationTemporality.DELTA
        self._reader = InMemoryMetricReader(preferred_temporality={SdkCounter: kind})
        told = Resource({"service.name": "claude-code", "service.version": version, **resource})
        meter = MeterProvider(metric_readers=[self._reader], resource=told, shutdown_on_exit=False).get_meter(
            "com.anthropic.claude_code", version
        )
        self._counters = {
            name: meter.create_counter(f"claude_code.{name}", unit)
            for name, unit in {
                "session.count": "",
                "lines_of_code.count": "",
                "commit.count": "",
                "pull_request.count": "",
                "cost.usage": "USD",
                "token.usage": "tokens",
                "code_edit_tool.decision": "",
                "active_time.total": "s",
            }.items()
        }
        self._records = InMemoryLogRecordExporter()
        provider = LoggerProvider(resource=told, shutdown_on_exit=False)
        provider.add_log_record_processor(SimpleLogRecordProcessor(self._records))
        self._logger = provider.get_logger("com.anthropic.claude_code.events", version)
        self._sequence = 0

    def count(self, name: str, amount: float, **attributes: str) -> None:
        self._counters[name].add(amount, {**self._common, **attributes})
        self.truth[f"{name} {attributes.get('type', '')}".strip()] += amount  # type: ignore[assignment]

    def request(self, micros: int, *, request_id: str, tokens: dict[str, int] | None = None) -> None:
        """One API request: its cost and tokens as metrics, and its event."""
        tokens = tokens or {"input": 10, "output": 20, "cacheRead": 300, "cacheCreation": 40}
        self.count("cost.usage", micros / 1_000_000, model=MODEL, query_source="main")
        for kind, number in tokens.items():
            self.count("token.usage", number, type=kind, model=MODEL, query_source="main")
        self.cost += Decimal(micros) / 1_000_000
        self.event(
            "api_request",
            {
                "model": MODEL,
                "request_id": request_id,
                "cost_usd": micros / 1_000_000,
                "cost_usd_micros": micros,
                "duration_ms": 1200,
                "input_tokens": tokens["input"],
                "output_tokens": tokens["output"],
                "cache_read_tokens": tokens["cacheRead"],
                "cache_creation_tokens": tokens["cacheCreation"],
            },
        )

    def event(
        self, name: str, attributes: dict[str, Any], *, at: datetime | None = None, body: Any = None
    ) -> None:
        self._sequence += 1
        at = at or START + timedelta(seconds=self._sequence)
        nanos = int(at.timestamp()) * 1_000_000_000
        common = {
            **self._common,
            "event.name": name,
            "event.timestamp": at.isoformat().replace("+00:00", "Z"),
            "event.sequence": self._sequence,
        }
        self._logger.emit(
            timestamp=nanos,
            observed_timestamp=nanos + 1000,
            body=f"claude_code.{name}" if body is None else body,
            attributes={**common, **attributes},
        )

    def metrics(self) -> Message:
        """An export, as the periodic reader makes one; what it counted since the last one, or since the start."""
        message = self.metrics_if_any()
        assert message is not None
        return message

    def metrics_if_any(self) -> Message | None:
        """None where nothing was counted since: then nothing is sent."""
        data = self._reader.get_metrics_data()
        return encode_metrics(data) if data is not None else None

    def logs(self) -> Message:
        """An export of what was logged since the last one."""
        finished = self._records.get_finished_logs()
        self._records.clear()
        return encode_logs(finished)


def as_json(message: Message) -> bytes:
    """The same request as genuine OTLP JSON: integers for enums, ids in hex (the protobuf mapping has base64)."""
    document = MessageToDict(message, use_integers_for_enums=True)
    return json.dumps(document, separators=(",", ":")).encode()
