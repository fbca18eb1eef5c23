"""Contender: a bare loop over `opentelemetry-proto`. Prints one JSON line.

Each request is parsed by the library (upb, compiled), each point or record is looked at once, its attributes as
a dict of names and values. Not done: no check of anything, no allow-list, no rows, nothing written.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest


def attributes(item: Any) -> dict[str, Any]:
    return {
        one.key: getattr(one.value, one.value.WhichOneof("value") or "string_value") for one in item.attributes
    }


def look(request: Any) -> int:
    seen = 0
    for outer in getattr(request, "resource_metrics", ()):
        attributes(outer.resource)
        for scope in outer.scope_metrics:
            for metric in scope.metrics:
                for point in metric.sum.data_points:
                    attributes(point)
                    _ = (point.time_unix_nano, point.start_time_unix_nano, point.as_double)
                    seen += 1
    for outer in getattr(request, "resource_logs", ()):
        attributes(outer.resource)
        for scope in outer.scope_logs:
            for record in scope.log_records:
                attributes(record)
                _ = (record.time_unix_nano, record.observed_time_unix_nano, record.body.string_value)
                seen += 1
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, required=True)
    path = parser.parse_args().file
    kind = ExportMetricsServiceRequest if path.stem == "metrics" else ExportLogsServiceRequest
    began, rows = time.process_time(), 0
    with path.open("rb") as file:
        if path.suffix == ".json":
            for line in file:
                rows += look(Parse(line, kind()))
        else:
            while length := file.read(4):
                rows += look(kind.FromString(file.read(int.from_bytes(length, "big"))))
    print(json.dumps({"rows": rows, "seconds": time.process_time() - began}))


if __name__ == "__main__":
    main()
