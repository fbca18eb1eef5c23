"""`ledgerline detections`: the rules, their samples, and the alerts they raise over the archive."""

from pathlib import Path
from typing import Annotated, Any

import typer

from orchestration.cli.detections_backtest import backtest
from orchestration.cli.detections_rules import RULE, book_of, by_level, list_rules, show_off
from orchestration.cli.names import known
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output, counted, duration


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
        for alert in sorted(done.alerts, key=lambda alert: (by_level(alert.find.rule), alert.find.first_at))
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
    if done.hourly or done.resting:
        took = f"{counted(len(done.hourly), 'hourly rule')} took their turn" if done.hourly else ""
        rest = f"{counted(len(done.resting), 'hourly rule')} rest until theirs" if done.resting else ""
        output.line(f"  {took or rest}")
    show_off(done.off, output)
    for name, one in done.thresholds.items():
        output.line(f"  tuned  {name}: {_tuning(one)}")
    for name, number in done.suppressed.items():
        output.line(f"  suppressed  {name}: {counted(number, 'alert')}")
    for text in done.expired:
        output.line(f"  a suppression holds no more: {text}; take it out, or decide anew")
    for text in done.thresholds_expired:
        output.line(f"  a threshold holds no more: {text}; take it out, or decide anew")
    return 0


def try_rules(rule: RULE = None, config: CONFIG = None, json: JSON = False, debug: DEBUG = False) -> int:
    """Try rules on their own samples. Exit code 1 when one fires or is silent where it should not."""
    from warehouse.detections.checks import doubts  # noqa: PLC0415
    from warehouse.detections.trial import bench, try_out  # noqa: PLC0415

    output = Output(json=json)
    book = book_of(config)
    chosen = [book.find(rule)] if rule else list(book.rules)
    with bench() as db:
        outcomes = [outcome for one in chosen for outcome in try_out(db, one)]
    failed = [outcome for outcome in outcomes if not outcome.passed]
    doubtful = {one.path.stem: found for one in chosen if (found := doubts(one))}
    if json:
        output.document(
            {
                "rules": len(chosen),
                "samples": len(outcomes),
                "failed": [
                    {"rule": one.rule.path.stem, "sample": one.number, "should_fire": one.should_fire}
                    for one in failed
                ],
                "doubts": doubtful,
            }
        )
    for one in failed:
        what = (
            "is silent on a sample that should raise an alert"
            if one.should_fire
            else "fires on one that should not"
        )
        output.line(f"  {one.rule.path.name}, sample {one.number}: {what}")
    for name, found in sorted(doubtful.items()):
        for doubt in found:
            output.line(f"  note  {name} {doubt}")
    output.line(
        f"{counted(len(chosen), 'rule')}, {counted(len(outcomes), 'sample')}: "
        + (f"{len(failed)} failed" if failed else "all as they should be" if outcomes else "nothing was tried")
    )
    return 1 if failed else 0


def export(
    target: Annotated[str, typer.Option("--target", help="splunk, elasticsearch or kusto (Microsoft Sentinel).")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder for the files; made if missing.")],
    rule: RULE = None,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Write rules in the form of a SIEM, a file each, switched off; and name those it cannot express, and why."""
    from warehouse.detections.export import TARGETS  # noqa: PLC0415
    from warehouse.detections.export import export as export_rules  # noqa: PLC0415

    output = Output(json=json)
    chosen = known("target", target, list(TARGETS))
    book = book_of(config)
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


def _who(group: Any) -> str:
    return ", ".join(str(value) for value in group.values() if value) or "the organisation"


def _tuning(decision: dict[str, Any]) -> str:
    said = ", ".join(f"{name} {value}" for name, value in decision.items() if name not in _DECIDED)
    return f"{said} ({decision['owner']}, until {decision['until']})"


_DECIDED = ("reason", "owner", "until")
