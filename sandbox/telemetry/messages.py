"""A session as OTLP: metrics and log events, in OpenTelemetry's own messages.

Names, attributes and types are the vendor's: numbers as numbers on requests, flags and durations as text
elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    AGGREGATION_TEMPORALITY_DELTA,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from sandbox.telemetry.sessions import Session

Value = str | int | float | bool
# What a machine whose content switches were left on would send of the conversation. Nothing may keep it.
PLANTED = "PLANTED-PHRASE: the merger is signed on Friday"
_SECOND = 1_000_000_000
Points = dict[tuple[tuple[str, str], ...], int | float]
# Which MCP server somebody's machine connects to, in each session: scope and transport.
_SERVERS = (("user", "http"), ("local", "stdio"), None)
_TOKEN_TYPES = ("input", "output", "cacheRead", "cacheCreation")


def logs(sessions: Iterable[Session]) -> ExportLogsServiceRequest:
    """The events of some sessions as one request: several sessions, a resource for each machine."""
    request = ExportLogsServiceRequest()
    for session in sessions:
        scope = ScopeLogs(
            scope=InstrumentationScope(name="com.anthropic.claude_code.events", version=session.machine.version),
            log_records=_records(session),
        )
        request.resource_logs.append(ResourceLogs(resource=_resource(session), scope_logs=[scope]))
    return request


def metrics(sessions: Iterable[Session], part: int) -> ExportMetricsServiceRequest:
    """Export `part` (0, 1 or 2) of the sessions' metrics: half-way, at the end, and once more at shutdown, where a
    cumulative client repeats its sums and a delta client has nothing more to say."""
    request = ExportMetricsServiceRequest()
    for session in sessions:
        if part == 2 and not session.machine.cumulative:
            continue
        scope = ScopeMetrics(
            scope=InstrumentationScope(name="com.anthropic.claude_code", version=session.machine.version),
            metrics=_metrics(session, part),
        )
        request.resource_metrics.append(ResourceMetrics(resource=_resource(session), scope_metrics=[scope]))
    return request


def _resource(session: Session) -> Resource:
    machine = session.machine
    enduser = {"enduser.id": machine.end_user} if machine.end_user else {}
    facts = {
        "service.name": "claude-code",
        "service.version": machine.version,
        "os.type": "darwin",
        "host.arch": "arm64",
        **machine.attributes,
        **enduser,
    }
    return Resource(attributes=_attributes(facts))


def _identity(session: Session) -> dict[str, Value]:
    machine = session.machine
    known: dict[str, Value] = {
        "session.id": session.id,
        "user.id": machine.installation,
        "terminal.type": "vscode",
    }
    if machine.account:
        known |= {
            "organization.id": machine.organization,
            "user.account_uuid": machine.account_uuid,
            "user.account_id": machine.person.user_id,
            "user.email": machine.person.email,
        }
    if machine.end_user:
        known["enduser.id"] = machine.end_user
    known |= machine.attributes  # custom resource attributes stand on each point and event too
    return known


def _metrics(session: Session, part: int) -> list[Metric]:
    half = len(session.requests) // 2
    cumulative = session.machine.cumulative
    done = session.requests[:half] if part == 0 else session.requests
    shown = done if cumulative or part == 0 else session.requests[half:]
    end = done[-1].at if done else session.start + _SECOND
    begin = (
        session.start if cumulative or part == 0 else (session.requests[half - 1].at if half else session.start)
    )
    identity, out = _identity(session), list[Metric]()
    temporality = AGGREGATION_TEMPORALITY_CUMULATIVE if cumulative else AGGREGATION_TEMPORALITY_DELTA
    if part == 2:
        end += 5 * _SECOND

    def add(name: str, unit: str, points: Points) -> None:
        made = []
        for extra, value in points.items():
            if value:
                attributes = _attributes({**identity, **dict(extra)})
                point = NumberDataPoint(attributes=attributes, start_time_unix_nano=begin, time_unix_nano=end)
                if isinstance(value, int):
                    point.as_int = value
                else:
                    point.as_double = value
                made.append(point)
        if made:
            total = Sum(data_points=made, aggregation_temporality=temporality, is_monotonic=True)
            out.append(Metric(name=f"claude_code.{name}", unit=unit, sum=total))

    model = (("model", session.model), ("query_source", "main"), *((("speed", "fast"),) if session.fast else ()))
    # The client counts dollars in a double; this one does too.
    add("cost.usage", "USD", {model: float(sum(one.cost_micros for one in shown)) / 1e6})
    tokens: Points = {
        (("type", kind), *model): float(sum(one.tokens[at] for one in shown))
        for at, kind in enumerate(_TOKEN_TYPES)
    }
    add("token.usage", "tokens", tokens)
    if part == 0 or cumulative:
        add("session.count", "", {(("start_type", "fresh"),): 1})
    if part > 0:
        add("commit.count", "", {(): session.commits})
        add("pull_request.count", "", {(): session.pulls})
        lines: Points = {(("type", "added"),): session.added, (("type", "removed"),): session.removed}
        add("lines_of_code.count", "", lines)
        edits: Points = {
            (("tool_name", "Edit"), ("decision", "accept"), ("source", "user_temporary")): session.accepted,
            (("tool_name", "Edit"), ("decision", "reject"), ("source", "user_reject")): session.rejected,
        }
        add("code_edit_tool.decision", "", edits)
        add("active_time.total", "s", {(("type", "cli"),): float(session.active_seconds)})
    return out


def _records(session: Session) -> list[LogRecord]:
    identity, out = _identity(session), list[LogRecord]()
    talks = session.machine.talks

    def add(name: str, at: int, facts: Mapping[str, Value]) -> None:
        stamp = datetime.fromtimestamp(at // _SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        own: dict[str, Value] = {"event.name": name, "event.timestamp": stamp, "event.sequence": len(out)}
        out.append(
            LogRecord(
                time_unix_nano=at,
                observed_time_unix_nano=at + 1_000_000,
                body=AnyValue(string_value=f"claude_code.{name}"),
                attributes=_attributes({**identity, **own, **facts}),
            )
        )

    start = session.start
    add("auth", start, {"action": "login", "success": "true", "auth_method": "claude-ai"})
    if server := _SERVERS[session.machine.person.seat % len(_SERVERS)]:
        scope, transport = server
        connected = {"status": "connected", "server_scope": scope, "transport_type": transport}
        add("mcp_server_connection", start, {**connected, "is_plugin": "false", "duration_ms": "140"})
    spoken: dict[str, Value] = {"prompt": PLANTED} if talks else {}
    add("user_prompt", start + _SECOND, {"prompt_length": len(PLANTED), **spoken})
    if session.bypass:
        modes = {"from_mode": "default", "to_mode": "bypassPermissions", "trigger": "shift_tab"}
        add("permission_mode_changed", start + 2 * _SECOND, modes)
    if session.fails:
        broken: dict[str, Value] = {"model": session.model, "status_code": 529, "attempt": 1, "duration_ms": "812"}
        add("api_error", start + 3 * _SECOND, broken | ({"error": PLANTED} if talks else {}))
    for number, request in enumerate(session.requests):
        into, output, read, created = request.tokens
        add(
            "api_request",
            request.at,
            {
                "model": session.model,
                "cost_usd": request.cost_micros / 1e6,
                "cost_usd_micros": request.cost_micros,
                "duration_ms": 2400 + 13 * number,
                "input_tokens": into,
                "output_tokens": output,
                "cache_read_tokens": read,
                "cache_creation_tokens": created,
                "request_id": request.id,
                "query_source": "main",
            },
        )
        decision = "reject" if number == 0 and session.rejected else "accept"
        used = {"tool_name": "Bash", "tool_use_id": f"toolu_{request.id[4:]}"}
        add("tool_decision", request.at + _SECOND, {**used, "decision": decision, "source": "user_temporary"})
        if decision == "accept":
            took: dict[str, Value] = {**used, "success": "true", "duration_ms": "310", "decision_type": "accept"}
            add("tool_result", request.at + 2 * _SECOND, took | ({"tool_parameters": PLANTED} if talks else {}))
    return out


def _attributes(facts: Mapping[str, Value]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in facts.items()]


def _value(value: Value) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    return AnyValue(double_value=value) if isinstance(value, float) else AnyValue(string_value=value)
