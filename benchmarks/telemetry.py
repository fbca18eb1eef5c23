"""Landing of Claude Code's telemetry: one core beside a bare loop over `opentelemetry-proto`, and memory."""

import json
import os
import tempfile
from pathlib import Path

from benchmarks.harness import Run, in_turn, middle, module
from benchmarks.report import Aim, Table

_OURS = {"decode": "ours: decoded", "rows": "ours: and rows, and lines", "land": "ours: landed"}
_MEASURES = """\
{points:,} data points ({metrics:.0f} MB as protobuf) and {events:,} events ({logs:.0f} MB) in requests of
5,000, as the Collector writes them: protobuf behind lengths, and JSON lines (a fifth of the requests). Seconds of
one core, after imports. *Bare*: each request parsed by `opentelemetry-proto` (protobuf compiled, JSON by the
library's own reader of it), each point looked at once, its attributes as a dict; nothing checked, kept or
written. *Decoded*: the allow-list applied. *And rows, and lines*: typed Arrow rows and the lines that are
archived. *Landed*: hashed, compressed, committed and synced, with its Parquet files."""


def measure(*, smoke: bool) -> list[Table]:
    points, events, long, rounds = (10_000, 10_000, 50_000, 1) if smoke else (500_000, 250_000, 10_000_000, 3)
    core = {min(os.sched_getaffinity(0))}
    with tempfile.TemporaryDirectory(prefix="ledgerline-bench-") as name:
        folder = Path(name)
        sizes = module("telemetry_data", "--folder", name, "--points", str(points), "--events", str(events)).said
        contenders = {
            (file, told): (lambda file=file, do=do: _run(folder / file, do, core))
            for file in ("metrics.binpb", "metrics.json", "logs.binpb", "logs.json")
            for do, told in {"bare": "bare", **_OURS}.items()
        }
        keyed = {json.dumps(key): once for key, once in contenders.items()}
        results = {tuple(json.loads(key)): runs for key, runs in in_turn(keyed, rounds).items()}
        module("telemetry_data", "--folder", name, "--points", str(long), "--long")
        memory = module("telemetry_ours", "--file", str(folder / "metrics-long.json"), "--do", "land")
    speed = Table(
        "Landing telemetry",
        ["file", "contender", "MB/s", "rows/s", "of the bare loop", "of the bare loop over protobuf"],
        measures=_MEASURES.format(
            points=points, events=events, metrics=sizes["metrics.binpb"] / 1e6, logs=sizes["logs.binpb"] / 1e6
        ),
    )
    for (file, told), runs in results.items():
        rate = _rate(runs)
        bare = _rate(results[file, "bare"])
        protobuf = _rate(results[f"{file.partition('.')[0]}.binpb", "bare"])
        speed.rows.append(
            (file, told, sizes[file] / 1e6 / _seconds(runs), round(rate), rate / bare, rate / protobuf)
        )
        if told == _OURS["land"]:  # of a small file the commit is nearly all
            speed.aims.append(Aim(f"{file} landed, beside the bare loop", rate / bare, 0.5, ratio=not smoke))
    held = Table(
        "Memory of a long telemetry file",
        ["points in one file", "wall s", "points/s", "peak MB"],
        measures="One file of JSON lines, landed by one process; the high-water mark of its resident set.",
        aims=[Aim("Peak memory", memory.peak_mb, 1000, at_most=True, ratio=False, unit=" MB")],
    )
    held.rows.append((memory.said["rows"], memory.wall, round(memory.said["rows"] / memory.wall), memory.peak_mb))
    return [speed, held]


def _run(path: Path, do: str, core: set[int]) -> Run:
    if do == "bare":
        return module("telemetry_bare", "--file", str(path), cpus=core)
    return module("telemetry_ours", "--file", str(path), "--do", do, cpus=core)


def _seconds(runs: list[Run]) -> float:
    return middle(runs, lambda run: float(run.said["seconds"]))


def _rate(runs: list[Run]) -> float:
    return float(runs[0].said["rows"]) / _seconds(runs)
