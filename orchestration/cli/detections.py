"""`ledgerline detections`: the rules, their samples, and the alerts they raise over the archive."""

import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.failures import CannotRun
from orchestration.cli.moments import past_moment
from orchestration.cli.names import known
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output, counted, duration, size
from warehouse.wire.times import rfc3339, system_clock
from warehouse.wire.windows import Window

if TYPE_CHECKING:
    from warehouse.detections.backtest import BackTest
    from warehouse.detections.rule import Rule
    from warehouse.detections.rulebook import Rulebook

_RULE = Annotated[
    str | None,
    typer.Argument(
        metavar="RULE", help="A rule's id, file name or title. Default: every rule.", show_default=False
    ),
]


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        name="detections",
        help="Sigma rules over the archive: what they see, whether they work, what they find.",
        no_args_is_help=True,
    )
    add_command(
        group,
        "list",
        list_rules,
        {
            "ledgerline detections list": "every rule, with its level",
            "ledgerline detections list single_sign_on_switched_off": "one rule: why, runbook, what it reads",
        },
    )
    add_command(
        group,
        "run",
        run,
        {"ledgerline detections run": "look at every commit that no run has looked at yet, and raise alerts"},
    )
    add_command(
        group,
        "test",
        try_rules,
        {
            "ledgerline detections test": "every rule on its own samples",
            "ledgerline detections test many_files_exported": "one rule",
        },
    )

    add_command(
        group,
        "backtest",
        backtest,
        {
            "ledgerline detections backtest": "how often each rule would have fired in the last 30 days",
            "ledgerline detections backtest many_files_exported --from 2026-01-01": "one rule since a day",
        },
    )
    add_command(
        group,
        "export",
        export,
        {
            "ledgerline detections export --target splunk --out ./searches": "a saved search for each rule",
            "ledgerline detections export --target kusto --out ./rules": "analytic rules for Microsoft Sentinel",
        },
    )

    @group.callback()
    def _detections() -> None:
        pass

    app.add_typer(group)


def list_rules(rule: _RULE = None, config: CONFIG = None, json: JSON = False, debug: DEBUG = False) -> int:
    """List the rules, or tell all about one: why it is there, what to do when it fires, what it looks for."""
    output = Output(json=json)
    book = _book(config)
    chosen = [book.find(rule)] if rule else list(book.rules)
    if json:
        output.document([_listed(one) for one in chosen])
    elif rule:
        _tell_all(chosen[0], output)
    else:
        output.table(
            ("level", "rule", "title", "status"),
            [(one.level, one.path.stem, one.title, one.status) for one in sorted(chosen, key=_by_level)],
        )
        output.line(f"{counted(len(chosen), 'rule')}; all about one: ledgerline detections list RULE")
    return 0


def run(config: CONFIG = None, json: JSON = False, debug: DEBUG = False) -> int:
    """Look at every commit that no run has looked at yet, with every rule, and commit the alerts.

    The five-minute job does this by itself. Exit code 0 whether or not something was found.
    """
    from assets.detecting import detect  # noqa: PLC0415
    from orchestration.workshop import open_workshop  # noqa: PLC0415
    from warehouse.config import load  # noqa: PLC0415
    from warehouse.detections.rulebook import load as load_rules  # noqa: PLC0415

    settings = load(config)
    output = Output(json=json)
    rules = load_rules(settings.detections.rules)
    with open_workshop(settings, for_writing=True) as workshop:
        done = detect(workshop, rules)
    if json:
        output.document(done.as_dict())
    shown = [
        (
            alert.find.rule.level,
            f"{alert.find.first_at:%Y-%m-%d %H:%M}",
            alert.find.rule.title,
            _who(alert.find.group),
            str(len(alert.find.event_ids)),
            alert.alert_id[:12],
        )
        for alert in sorted(done.alerts, key=lambda alert: (_by_level(alert.find.rule), alert.find.first_at))
    ]
    if shown:
        output.table(("level", "first at", "title", "about", "events", "alert"), shown, right=("events",))
    if done.events or done.alerts:
        output.line(
            f"{counted(done.raised, 'alert')} raised, {done.joined} joined by further events: "
            f"{counted(done.rules, 'rule')} over {counted(done.events, 'event')} in {duration(done.seconds)}"
        )
    else:
        output.line("Nothing new to look at: every commit was looked at before.")
    for name, number in done.suppressed.items():
        output.line(f"  suppressed  {name}: {counted(number, 'alert')}")
    for text in done.expired:
        output.line(f"  a suppression holds no more: {text}; take it out, or decide anew")
    return 0


def try_rules(rule: _RULE = None, config: CONFIG = None, json: JSON = False, debug: DEBUG = False) -> int:
    """Try rules on their own samples. Exit code 1 when one fires or is silent where it should not."""
    from warehouse.detections.trial import bench, try_out  # noqa: PLC0415

    output = Output(json=json)
    book = _book(config)
    chosen = [book.find(rule)] if rule else list(book.rules)
    with bench() as db:
        outcomes = [outcome for one in chosen for outcome in try_out(db, one)]
    failed = [outcome for outcome in outcomes if not outcome.passed]
    if json:
        output.document(
            {
                "rules": len(chosen),
                "samples": len(outcomes),
                "failed": [
                    {"rule": one.rule.path.stem, "sample": one.number, "should_fire": one.should_fire}
                    for one in failed
                ],
            }
        )
    for one in failed:
        what = (
            "is silent on a sample that should raise an alert"
            if one.should_fire
            else "fires on one that should not"
        )
        output.line(f"  {one.rule.path.name}, sample {one.number}: {what}")
    output.line(
        f"{counted(len(chosen), 'rule')}, {counted(len(outcomes), 'sample')}: "
        + (f"{len(failed)} failed" if failed else "all as they should be")
    )
    return 1 if failed else 0


def backtest(
    rule: _RULE = None,
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
    from assets.detecting import look_back  # noqa: PLC0415
    from orchestration.workshop import open_workshop  # noqa: PLC0415
    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)
    output = Output(json=json)
    end = past_moment(to, "--to") or system_clock()
    start = past_moment(from_, "--from") or end - timedelta(days=30)
    if start >= end:
        raise CannotRun("--from is not before --to", remedy="a window is [from, to): swap them, or leave one out")
    book = _book(config)
    chosen = [book.find(rule)] if rule else list(book)
    window = Window(start, end)
    began = time.monotonic()
    with open_workshop(settings, for_writing=False) as workshop:
        tests = look_back(workshop, chosen, window)
    seconds = time.monotonic() - began
    if chart is not None:
        from warehouse.detections.backtest_chart import chart as drawn  # noqa: PLC0415

        chart.parent.mkdir(parents=True, exist_ok=True)
        chart.write_text(drawn(tests, window), encoding="utf-8")
    if json:
        output.document({"window": [rfc3339(start), rfc3339(end)], "rules": [_tested(one) for one in tests]})
    loud = [one for one in tests if one.alerts]
    _show_tests(loud, output)
    output.line(
        f"{counted(len(tests), 'rule')} over {rfc3339(start)[:10]} to {rfc3339(end)[:10]} in {duration(seconds)}: "
        f"{counted(sum(one.alerts for one in tests), 'alert')}; {len(tests) - len(loud)} silent"
    )
    if chart is not None:
        output.line(f"  drawn: {chart}")
    return 0


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


def export(
    target: Annotated[str, typer.Option("--target", help="splunk, elasticsearch or kusto (Microsoft Sentinel).")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder for the files; made if missing.")],
    rule: _RULE = None,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Write rules in the form of a SIEM, a file each, switched off; and name those it cannot express, and why."""
    from warehouse.detections.export import TARGETS  # noqa: PLC0415
    from warehouse.detections.export import export as export_rules  # noqa: PLC0415

    output = Output(json=json)
    chosen = known("target", target, list(TARGETS))
    book = _book(config)
    done = export_rules([book.find(rule)] if rule else book, chosen)
    out.mkdir(parents=True, exist_ok=True)
    for name, text in done.files.items():
        (out / name).write_text(text, encoding="utf-8")
    if json:
        output.document(
            {
                "target": chosen,
                "out": str(out),
                "files": sorted(done.files),
                "refused": dict(sorted(done.refused.items())),
            }
        )
    for name, reason in sorted(done.refused.items()):
        output.line(f"  left out {name}: {reason}")
    output.line(f"{counted(len(done.files), 'rule')} for {chosen} in {out}; {len(done.refused)} left out")
    return 0


def _book(config: Any) -> "Rulebook":
    """The rules of the configuration where there is one; those that ship where there is none."""
    from warehouse.config import load  # noqa: PLC0415
    from warehouse.config.errors import ConfigMissing  # noqa: PLC0415
    from warehouse.detections.rulebook import load as load_rules  # noqa: PLC0415

    try:
        folders = load(config).detections.rules
    except ConfigMissing:
        if config is not None:
            raise
        folders = ()
    return load_rules(folders)


_LEVELS = ("critical", "high", "medium", "low", "informational")


def _by_level(rule: "Rule") -> tuple[int, str]:
    return _LEVELS.index(rule.level), rule.title


def _who(group: Any) -> str:
    return ", ".join(str(value) for value in group.values() if value) or "the organisation"


def _listed(rule: "Rule") -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.path.stem,
        "title": rule.title,
        "status": rule.status,
        "level": rule.level,
        "tags": list(rule.tags),
        "runbook": list(rule.runbook),
        "source": rule.source.name,
        "enabled": rule.status not in ("deprecated", "unsupported"),
        "description": rule.description,
        "why": rule.why,
        "kind": rule.kind,
        "version": rule.version,
        "false_positives": list(rule.false_positives),
        "controls": list(rule.controls),
    }


def _tell_all(rule: "Rule", output: Output) -> None:
    output.line(f"{rule.title}  [{rule.level}, {rule.status}]")
    output.line(f"  {rule.description}")
    output.line(f"  Why it matters: {rule.why}")
    output.line("  When it fires:")
    for number, step in enumerate(rule.runbook, start=1):
        output.line(f"    {number}. {step}")
    if rule.false_positives:
        output.line(f"  May also be: {'; '.join(rule.false_positives)}")
    types = rule.types()
    output.line(f"  Reads {rule.source.table}: {', '.join(sorted(types)) if types else 'any type of event'}")
    output.line(f"  Id {rule.id}, version {rule.version}, {', '.join(rule.tags)}")
    output.line(f"  File {rule.path.name}")
