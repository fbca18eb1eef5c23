"""A client of OpenTelemetry's Python SDK that counts as Claude Code does, and says what it counted.

Run as a program, so that it can be killed. After each export it prints one JSON line with the sums that were
acknowledged by then: these are the truth that a mart is held against.
"""

import argparse
import json
import os
import signal
import sys
from random import Random

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import Counter, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

SECRET = "PLANTED-PHRASE: what was said to the model"


def exporters(options: argparse.Namespace) -> tuple[object, object]:
    wanted = {Counter: AggregationTemporality.DELTA if options.delta else AggregationTemporality.CUMULATIVE}
    headers = {"authorization": f"Bearer {options.token}"} if options.token else {}
    if options.protocol == "grpc":
        import grpc
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter

        with open(options.ca, "rb") as file:
            trusted = grpc.ssl_channel_credentials(file.read())
        given = {"endpoint": options.endpoint, "credentials": trusted, "headers": headers}
        return OTLPMetricExporter(**given, preferred_temporality=wanted), OTLPLogExporter(**given)
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics

    more = {"headers": headers, "compression": Compression.Gzip} | (
        {"certificate_file": options.ca} if options.ca else {}
    )
    return (
        HttpMetrics(f"{options.endpoint}/v1/metrics", preferred_temporality=wanted, **more),
        HttpLogs(f"{options.endpoint}/v1/logs", **more),
    )


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--protocol", choices=("http", "grpc"), default="http")
    parser.add_argument("--session", required=True)
    parser.add_argument("--token", default="")
    parser.add_argument("--ca", default="")
    parser.add_argument("--delta", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--die", action="store_true", help="kill -9 myself with more counted than was sent")
    options = parser.parse_args()

    metrics, logs = exporters(options)
    resource = Resource.create(
        {
            "service.name": "claude-code",
            "service.version": "2.1.330",
            "cost_center": "CC-100",
            "team.id": "platform",
            "repo": "payments",
            "machine.notes": SECRET,
        }
    )
    reader = PeriodicExportingMetricReader(metrics, export_interval_millis=3_600_000)
    meters = MeterProvider(metric_readers=[reader], resource=resource, shutdown_on_exit=False)
    events = LoggerProvider(resource=resource, shutdown_on_exit=False)
    events.add_log_record_processor(BatchLogRecordProcessor(logs, schedule_delay_millis=3_600_000))
    meter = meters.get_meter("com.anthropic.claude_code", "2.1.330")
    logger = events.get_logger("com.anthropic.claude_code.events")
    cost = meter.create_counter("claude_code.cost.usage", "USD")
    tokens = meter.create_counter("claude_code.token.usage", "tokens")
    commits = meter.create_counter("claude_code.commit.count")
    who = {
        "session.id": options.session,
        "user.id": "0" * 64,
        "user.account_id": "user_01ExampleExampleExampleEx",
        "user.email": "ada@example.com",
        "organization.id": "6f0c1d5e-0000-4000-8000-000000000001",
    }
    rng = Random(options.session)
    told = {"cost_micros": 0, "input_tokens": 0, "output_tokens": 0, "commits": 0, "requests": 0}
    for number in range(options.rounds):
        for _ in range(1 + rng.randrange(4)):
            counted = {
                "cost_micros": rng.randrange(1, 900_000),
                "input_tokens": rng.randrange(2000),
                "output_tokens": rng.randrange(900),
            }
            model = {**who, "model": "claude-sonnet-5"}
            cost.add(counted["cost_micros"] / 1e6, model)
            tokens.add(counted["input_tokens"], {**model, "type": "input"})
            tokens.add(counted["output_tokens"], {**model, "type": "output"})
            commits.add(1, {**who, "prompt": SECRET})
            said = {
                "event.name": "api_request",
                "event.sequence": told["requests"],
                "model": "claude-sonnet-5",
                "request_id": f"req_{options.session}_{os.getpid()}_{told['requests']}",
                "cost_usd_micros": counted["cost_micros"],
                "input_tokens": counted["input_tokens"],
                "output_tokens": counted["output_tokens"],
                "response": SECRET,
            }
            from opentelemetry._logs import LogRecord, SeverityNumber

            logger.emit(
                LogRecord(
                    timestamp=__import__("time").time_ns(),
                    severity_number=SeverityNumber.INFO,
                    body="claude_code.api_request",
                    attributes={**who, **said},
                )
            )
            for name, value in counted.items():
                told[name] += value
            told["commits"] += 1
            told["requests"] += 1
        if options.die and number == options.rounds - 1:
            os.kill(os.getpid(), signal.SIGKILL)  # what was counted since the last export is lost, as on a laptop
        if not (meters.force_flush() and events.force_flush()):
            print("an export failed", file=sys.stderr)
            return 1
        print(json.dumps(told), flush=True)
    meters.shutdown()  # a cumulative reader repeats its sums here
    events.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
