"""All rules over five minutes, a day and a year of the archive, beside the one reading that none can avoid."""

import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.harness import Run, in_turn, middle, module
from benchmarks.queries import FIRST, _build
from benchmarks.report import Aim, Table

_COLUMNS = ["window", "rules", "rows read by rules", "alerts", "s", "by hand s", "ratio", "peak MB"]
_MEASURES = """\
{rows:,} events over {days} days in sealed files, one part a day. *All*: every rule that ships, over the window and
its look-back. *Each*: those that look at one event at a time. *By hand*: one statement over the window without
look-back that counts the events of the rules' types by type and actor: the reading alone, without a single rule.
Each is a process of its own; its seconds begin when the catalogue is open. Medians of {rounds}, in turn."""


def measure(*, smoke: bool) -> list[Table]:
    days, per_day, rounds = (6, 2_000, 1) if smoke else (365, 54_800, 3)
    end = datetime.combine(FIRST, datetime.min.time(), UTC) + timedelta(days=days)
    asked = {
        "5 minutes, each": (timedelta(minutes=5), "each"),
        "a day, all": (timedelta(days=1), "all"),
        "the year, all": (timedelta(days=days), "all"),
    }
    with tempfile.TemporaryDirectory(prefix="ledgerline-bench-") as folder:
        built = _build(Path(folder), days, per_day)
        results = {
            name: in_turn(_contenders(Path(folder), end - span, end, kinds), 1 if "year" in name else rounds)
            for name, (span, kinds) in asked.items()
        }
    rows = []
    for name, runs in results.items():
        ours = middle(runs["ours"], lambda run: float(run.said["seconds"]))
        hand = middle(runs["hand"], lambda run: float(run.said["seconds"]))
        one = runs["ours"][0]
        peak = max(run.peak_mb for run in runs["ours"])
        said = one.said
        rows.append([name, said["rules"], said["rows"], said["alerts"], ours, hand, ours / hand, peak])
    year, memory = rows[-1][4], rows[-1][7]
    return [
        Table(
            title="Detections over the archive",
            columns=_COLUMNS,
            rows=rows,
            measures=_MEASURES.format(rows=built["rows"], days=days, rounds=rounds),
            aims=[
                Aim("all rules over the year, seconds", year, 120, at_most=True, ratio=False, unit=" s"),
                Aim("all rules over the year, memory", memory, 4_000, at_most=True, ratio=False, unit=" MB"),
            ],
        )
    ]


def _contenders(folder: Path, start: datetime, end: datetime, kinds: str) -> dict[str, Callable[[], Run]]:
    given = ["--folder", os.fspath(folder), "--from", start.isoformat(), "--to", end.isoformat(), "--kinds", kinds]
    return {
        "ours": lambda: module("detections_run", *given),
        "hand": lambda: module("detections_run", *given, "--hand"),
    }
