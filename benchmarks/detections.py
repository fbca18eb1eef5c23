"""All rules over five minutes, a day and a year of the archive, beside their own SQL run by hand, one statement
after the other, and beside the one reading that none can avoid."""

import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.detections_build import EVENTS_OF_A_PERSON, FIRST
from benchmarks.harness import Failed, Run, built_by_all_cores, in_turn, middle, module
from benchmarks.report import Aim, Table

_COLUMNS = ["window", "events a day", "rules", "alerts", "s", "by hand: s", "times", "reading: s"]
_COLUMNS += ["CPU s", "peak MB", "by hand: peak MB"]
_MEASURES = """\
{rows:,} events over {days} days, and {busy:,} over {busy_days} days, in sealed files ({mb:,.0f} MB): a
fortnight of the pretend tenant with its planted stories, repeated, of more people. *Each*: the rules that
look at one event at a time; *all*: every rule that ships and needs no file of places, with its look-back, as
far as there are days to look back on. *By hand*: the same rules' own statements over the view `audit_events`,
one after the other, which must count the same alerts. *Reading*: one statement that counts the events of the
rules' types in the window by type and actor, without a single rule. Each is a process of its own; its seconds
begin when the libraries are loaded, its CPU seconds before. Medians of {rounds}, in turn; the year once.
Built in {built:,.0f} s."""
_YEAR = "a year, all"
_PEOPLE = 1_500  # whom the tenant is asked for; more are copies of them
_NOON = time(12)


class _Asked(NamedTuple):
    """A question: how long a window, of which archive, which rules."""

    archive: str
    span: timedelta
    end: datetime
    kinds: str


def measure(*, smoke: bool) -> list[Table]:
    days, per_day, busy_per_day, rounds = (6, 2_000, 5_000, 1) if smoke else (365, 54_800, 1_000_000, 3)
    per_day = int(os.environ.get("LEDGERLINE_BENCH_EVENTS", days * per_day)) // days
    busy_days = 3 if smoke else 4  # FIRST is a Saturday: the fourth day is a Tuesday
    with tempfile.TemporaryDirectory(prefix="ledgerline-bench-") as folder:
        built = {
            "year": _build(Path(folder) / "year", days, per_day),
            "busy": _build(Path(folder) / "busy", busy_days, busy_per_day),
        }
        midday = _midnight(busy_days - 1) + timedelta(hours=_NOON.hour)
        asked = {
            "5 minutes, each": _Asked("busy", timedelta(minutes=5), midday, "each"),
            "5 minutes, all": _Asked("busy", timedelta(minutes=5), midday, "all"),
            "a busy day, all": _Asked("busy", timedelta(days=1), _midnight(busy_days), "all"),
            "a day, all": _Asked("year", timedelta(days=1), _midnight(days - 1), "all"),
            _YEAR: _Asked("year", timedelta(days=days), _midnight(days), "all"),
        }
        results = {
            name: in_turn(_contenders(Path(folder), one), 1 if name == _YEAR else rounds)
            for name, one in asked.items()
        }
    a_day = {"year": built["year"]["rows"] / days, "busy": built["busy"]["rows"] / busy_days}
    rows = [_row(name, a_day[asked[name].archive], runs) for name, runs in results.items()]
    by_name = {str(row[0]): row for row in rows}
    measures = _MEASURES.format(
        rows=int(built["year"]["rows"]),
        days=days,
        busy=int(built["busy"]["rows"]),
        busy_days=busy_days,
        mb=sum(one["bytes"] for one in built.values()) / 1e6,
        built=sum(one["seconds"] for one in built.values()),
        rounds=rounds,
    )
    return [
        Table(
            title="Detections over the archive",
            columns=_COLUMNS,
            rows=rows,
            measures=measures,
            aims=[
                _aim("rules that look at one event, five minutes", by_name["5 minutes, each"][4], 5, " s"),
                _aim("all rules over a day", by_name["a day, all"][4], 30, " s"),
                _aim("all rules over the year", by_name[_YEAR][4], 120, " s"),
                _aim("all rules over the year, memory", by_name[_YEAR][9], 4_000, " MB"),
            ],
        )
    ]


def _midnight(days: int) -> datetime:
    return datetime.combine(FIRST, datetime.min.time(), UTC) + timedelta(days=days)


def _build(folder: Path, days: int, per_day: int) -> dict[str, float]:
    """An archive, by as many processes as there are cores; its rows, its bytes and how long it took."""
    folder.mkdir()
    began = datetime.now(UTC)
    people = max(10, round(per_day / EVENTS_OF_A_PERSON))
    copies = -(-people // _PEOPLE)
    given = ["--folder", os.fspath(folder), "--people", str(people // copies), "--copies", str(copies)]
    sums = built_by_all_cores("detections_build", given, days)
    return sums | {"seconds": (datetime.now(UTC) - began).total_seconds()}


def _aim(name: str, value: object, target: float, unit: str) -> Aim:
    return Aim(name, float(str(value)), target, at_most=True, ratio=False, unit=unit)


def _row(name: str, a_day: float, runs: dict[str, list[Run]]) -> list[object]:
    first, by_hand = runs["ours"][0].said, runs["hand"][0].said
    if first["alerts"] != by_hand["alerts"]:
        differ = {
            rule: (count, by_hand["alerts"].get(rule))
            for rule, count in first["alerts"].items()
            if count != by_hand["alerts"].get(rule)
        }
        raise Failed(f"{name}: the engine and the statements by hand count other alerts: {differ}")
    ours, hand, reading = (
        middle(runs[who], lambda run: float(run.said["seconds"])) for who in ("ours", "hand", "reading")
    )
    peaks = [max(run.peak_mb for run in runs[who]) for who in ("ours", "hand")]
    alerts, cpu = sum(first["alerts"].values()), middle(runs["ours"], lambda run: run.cpu)
    return [name, round(a_day), first["rules"], alerts, ours, hand, hand / ours, reading, cpu, *peaks]


def _contenders(folder: Path, asked: _Asked) -> dict[str, Callable[[], Run]]:
    start = asked.end - asked.span
    given = ["--folder", os.fspath(folder / asked.archive), "--kinds", asked.kinds]
    given += ["--from", start.isoformat(), "--to", asked.end.isoformat()]
    return {
        "ours": partial(module, "detections_run", *given),
        "hand": partial(module, "detections_run", *given, "--how", "statements"),
        "reading": partial(module, "detections_run", *given, "--how", "reading"),
    }
