"""`ledgerline detections backtest`: how often rules would have fired in the past of this archive."""

import errno
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.detections_rules import RULE, book_of, show_off
from orchestration.cli.failures import CannotRun
from orchestration.cli.moments import past_moment
from orchestration.cli.options import CONFIG, DEBUG, JSON
from orchestration.cli.output import Output, counted, duration, size
from warehouse.wire.times import rfc3339, system_clock
from warehouse.wire.windows import Window

if TYPE_CHECKING:
    from warehouse.detections.backtest import BackTest


def backtest(
    rule: RULE = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="Default: 30 days before --to.", show_default=False),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Default: now.", show_default=False)
    ] = None,
    chart: Annotated[
        Path | None,
        typer.Option(
            "--chart", metavar="FILE", help="Also draw alerts by rule and day, as SVG.", show_default=False
        ),
    ] = None,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Count the alerts that rules would have raised in the past of this archive. Nothing is written to it.

    The volume is what the alerts with their events would add to a SIEM, uncompressed: an estimate.
    """
    from assets.backtesting import look_back  # noqa: PLC0415
    from orchestration.workshop import open_workshop  # noqa: PLC0415
    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)
    output = Output(json=json)
    end = past_moment(to, "--to") or system_clock()
    start = past_moment(from_, "--from") or end - timedelta(days=30)
    if start >= end:
        raise CannotRun("--from is not before --to", remedy="a window is [from, to): swap them, or leave one out")
    if chart is not None:
        _ready(chart)
    book = book_of(config)
    only = book.find(rule) if rule else None
    window = Window(start, end)
    began = time.monotonic()
    with open_workshop(settings, for_writing=False) as workshop:
        past = look_back(workshop, book, window, only=only)
    tests = past.tests
    seconds = time.monotonic() - began
    if chart is not None:
        from warehouse.detections.backtest_chart import chart as drawn  # noqa: PLC0415

        chart.write_text(drawn(tests, window), encoding="utf-8")
    if json:
        output.document(
            {
                "window": [rfc3339(start), rfc3339(end)],
                "events_of": [rfc3339(past.held.start), rfc3339(past.held.end)] if past.held else None,
                "rules": [_tested(one) for one in tests],
                "off": past.off,
                "thresholds": past.thresholds,
            }
        )
    loud = [one for one in tests if one.alerts]
    _show_tests(loud, output)
    output.line(
        f"{counted(len(tests), 'rule')} over {rfc3339(start)[:10]} to {rfc3339(end)[:10]} in {duration(seconds)}: "
        f"{counted(sum(one.alerts for one in tests), 'alert')}; {len(tests) - len(loud)} silent"
    )
    if past.held is None:
        output.line("  the archive has no events of this time: silence says nothing; see `ledgerline status`")
    elif past.held.start - start >= timedelta(days=1) or end - past.held.end >= timedelta(days=1):
        output.line(
            f"  the archive has events of {rfc3339(past.held.start)[:10]} to {rfc3339(past.held.end)[:10]} only: "
            f"'a day' is counted over those days"
        )
    show_off(past.off, output)
    for name in past.thresholds:
        output.line(f"  tuned  {name}: counted with the thresholds of the configuration")
    if chart is not None:
        output.line(f"  drawn: {chart}")
    return 0


def _ready(chart: Path) -> None:
    """Refuse a place where no picture can be, before the long work and not after it. Raises CannotRun, OSError."""
    if chart.suffix.lower() != ".svg":
        raise CannotRun(f"--chart {chart}: the picture is an SVG", remedy=f"name it {chart.stem or 'alerts'}.svg")
    if chart.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(chart))
    chart.parent.mkdir(parents=True, exist_ok=True)


def _show_tests(loud: "list[BackTest]", output: Output) -> None:
    numbers = ("alerts", "a day", "worst day", "about", "events", "volume a day", "time")
    rows = [
        (
            one.rule.level,
            one.rule.path.stem,
            str(one.alerts),
            f"{one.per_day:.2f}",
            str(one.worst_day),
            str(one.entities),
            str(one.events),
            size(one.bytes_per_day),
            f"{one.seconds:.2f} s",
        )
        for one in loud
    ]
    if rows:
        output.table(("level", "rule", *numbers), rows, right=numbers)


def _tested(one: "BackTest") -> dict[str, Any]:
    return {
        "id": one.rule.id,
        "name": one.rule.path.stem,
        "level": one.rule.level,
        "version": one.rule.version,
        "alerts": one.alerts,
        "per_day": round(one.per_day, 4),
        "worst_day": one.worst_day,
        "entities": one.entities,
        "events": one.events,
        "bytes_per_day": one.bytes_per_day,
        "days": {day.isoformat(): count for day, count in one.days.items()},
        "sample": list(one.sample.event_ids[:20]) if one.sample else [],
        "seconds": round(one.seconds, 3),
    }
