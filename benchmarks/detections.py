"""All rules over five minutes, a day and a year of the archive, beside their own SQL run by hand, one statement
after the other, and beside the one reading that none can avoid."""

import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.harness import Failed, Run, in_turn, middle, module
from benchmarks.queries import FIRST, _build
from benchmarks.report import Aim, Table

_COLUMNS = ["window", "rules", "alerts", "s", "by hand: s", "times", "reading: s", "peak MB", "by hand: peak MB"]
_MEASURES = """\
{rows:,} events over {days} days in sealed files, one part a day ({per_day:,} a day). *Each*: the rules that look
at one event at a time; *all*: every rule that ships and needs no file of places, with its look-back. *By hand*:
the same rules' own statements over the view `audit_events`, one after the other, which must count the same alerts.
*Reading*: one statement that counts the events of the rules' types in the window by type and actor, without a
single rule. Each is a process of its own; its seconds begin when the libraries are loaded. Medians of {rounds}, in
turn; the year once."""
_YEAR = "a year, all"


def measure(*, smoke: bool) -> list[Table]:
    days, per_day, rounds = (6, 2_000, 1) if smoke else (365, 54_800, 3)
    per_day = int(os.environ.get("LEDGERLINE_BENCH_EVENTS", days * per_day)) // days
    end = datetime.combine(FIRST, datetime.min.time(), UTC) + timedelta(days=days)
    asked = {
        "5 minutes, each": (timedelta(minutes=5), "each"),
        "5 minutes, all": (timedelta(minutes=5), "all"),
        "a day, all": (timedelta(days=1), "all"),
        _YEAR: (timedelta(days=days), "all"),
    }
    with tempfile.TemporaryDirectory(prefix="ledgerline-bench-") as folder:
        built = _build(Path(folder), days, per_day)
        results = {
            name: in_turn(_contenders(Path(folder), end - span, end, kinds), 1 if name == _YEAR else rounds)
            for name, (span, kinds) in asked.items()
        }
    rows = [_row(name, runs) for name, runs in results.items()]
    by_name = {str(row[0]): row for row in rows}
    return [
        Table(
            title="Detections over the archive",
            columns=_COLUMNS,
            rows=rows,
            measures=_MEASURES.format(rows=built["rows"], days=days, per_day=per_day, rounds=rounds),
            aims=[
                _aim("rules that look at one event, five minutes", by_name["5 minutes, each"][3], 5, " s"),
                _aim("all rules over a day", by_name["a day, all"][3], 30, " s"),
                _aim("all rules over the year", by_name[_YEAR][3], 120, " s"),
                _aim("all rules over the year, memory", by_name[_YEAR][7], 4_000, " MB"),
            ],
        )
    ]


def _aim(name: str, value: float, target: float, unit: str) -> Aim:
    return Aim(name, value, target, at_most=True, ratio=False, unit=unit)


def _row(name: str, runs: dict[str, list[Run]]) -> list[object]:
    first, by_hand = runs["ours"][0].said, runs["hand"][0].said
    if first["alerts"] != by_hand["alerts"]:
        raise Failed(f"{name}: the engine and the statements by hand count other alerts")
    ours, hand, reading = (
        middle(runs[who], lambda run: float(run.said["seconds"])) for who in ("ours", "hand", "reading")
    )
    peaks = [max(run.peak_mb for run in runs[who]) for who in ("ours", "hand")]
    alerts = sum(first["alerts"].values())
    return [name, first["rules"], alerts, ours, hand, hand / ours, reading, *peaks]


def _contenders(folder: Path, start: datetime, end: datetime, kinds: str) -> dict[str, Callable[[], Run]]:
    given = ["--folder", os.fspath(folder), "--from", start.isoformat(), "--to", end.isoformat(), "--kinds", kinds]
    return {
        "ours": lambda: module("detections_run", *given),
        "hand": lambda: module("detections_run", *given, "--how", "statements"),
        "reading": lambda: module("detections_run", *given, "--how", "reading"),
    }
