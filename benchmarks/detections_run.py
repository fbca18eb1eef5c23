"""All rules over a window of an archive's past: by the engine, by their own statements one after the other, or the
one reading that neither can do without.

Prints what it found and how long it took after the libraries were loaded and the catalogue opened.
"""

import argparse
import json
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from assets.backtesting import look_back
from assets.detecting import of_days
from assets.workshop import Workshop
from warehouse.archive.archive import Archive
from warehouse.archive.store import open_store
from warehouse.detections.rule import Rule
from warehouse.detections.rulebook import load
from warehouse.detections.selection import why_off
from warehouse.detections.statement import statement
from warehouse.tables.catalog import connect
from warehouse.tables.masking import EVERY_TABLE
from warehouse.wire.windows import Window

_READING = """
select type, actor_id, count(*), count(distinct ip_address), min(created_at), max(created_at)
from ({events}) as held where created_at >= ? and created_at < ? and type in ({types})
group by type, actor_id"""
_INSIDE = """
select count(*) from ({statement}) as found where last_at >= ? and last_at < ?"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--from", dest="start", type=datetime.fromisoformat, required=True)
    parser.add_argument("--to", dest="end", type=datetime.fromisoformat, required=True)
    parser.add_argument("--how", choices=("engine", "statements", "reading"), default="engine")
    parser.add_argument("--kinds", choices=("all", "each"), default="all")
    options = parser.parse_args()
    rules = [
        rule for rule in load() if options.kinds == "all" or (rule.kind == "each" and not rule.source.computed)
    ]
    rules = [rule for rule in rules if why_off(rule, frozenset()) is None]
    window = Window(options.start, options.end)
    with Archive(open_store(f"file:{options.folder}/archive", writable=False)) as archive:
        print(json.dumps(_HOW[options.how](archive, rules, window)))


def _engine(archive: Archive, rules: list[Rule], window: Window) -> dict[str, Any]:
    archive.refresh()
    workshop = Workshop(archive=archive, feed=None, start=window.start.date(), marts=Path("none"))
    began = time.monotonic()
    tests = look_back(workshop, rules, window).tests
    seconds = time.monotonic() - began
    return {
        "seconds": seconds,
        "rules": len(rules),
        "events": sum(test.events for test in tests),
        "alerts": {test.rule.path.stem: test.alerts for test in tests if not test.rule.source.computed},
    }


def _statements(archive: Archive, rules: list[Rule], window: Window) -> dict[str, Any]:
    """Each rule's own statement over the view of the events, as somebody would run it by hand."""
    alerts = {}
    own = [rule for rule in rules if not rule.source.computed]
    with connect(archive, unmasked=EVERY_TABLE) as db:
        began = time.monotonic()
        for rule in own:
            since = window.start - timedelta(seconds=rule.look_back)
            until = window.end + timedelta(seconds=max(rule.timespan, rule.gap))
            held = f"({of_days(archive)(rule.source.table, since, until)}) as held"
            asked = statement(rule, since=since, until=until, relation=held)
            alerts[rule.path.stem] = _number(db, _INSIDE.format(statement=asked), [window.start, window.end])
        seconds = time.monotonic() - began
    return {"seconds": seconds, "rules": len(own), "alerts": alerts}


def _reading(archive: Archive, rules: list[Rule], window: Window) -> dict[str, Any]:
    types = sorted(set().union(*(rule.types() or () for rule in rules)))
    listed = ", ".join(f"'{kind}'" for kind in types)
    events = of_days(archive)("audit_events", window.start, window.end)
    with connect(archive, unmasked=EVERY_TABLE) as db:
        began = time.monotonic()
        asked = f"select count(*) from ({_READING.format(events=events, types=listed)}) as found"
        found = _number(db, asked, [window.start, window.end])
        return {"seconds": time.monotonic() - began, "rules": 0, "rows": found}


def _number(db: duckdb.DuckDBPyConnection, query: str, values: Iterable[Any]) -> int:
    row = db.execute(query, list(values)).fetchone()
    return int(row[0]) if row else 0


_HOW = {"engine": _engine, "statements": _statements, "reading": _reading}


if __name__ == "__main__":
    main()
