"""`ledgerline demo --drill`: does every rule fire on its case, and are the loud ones silent on quiet days?"""

import tempfile
from dataclasses import replace
from pathlib import Path

from orchestration.cli.output import Output, counted, duration
from warehouse.detections.levels import LEVELS

DAYS, PEOPLE = 50, 40


def show_drill(output: Output) -> int:
    """Run the drill in a folder that is removed afterwards, and show it; returns the exit code."""
    from orchestration.demo_tenant import make_folder, serve_tenant  # noqa: PLC0415
    from orchestration.drill import LIVED, run_drill  # noqa: PLC0415
    from orchestration.drill_telemetry import DrillTelemetry  # noqa: PLC0415
    from orchestration.drill_tenant import DrillClock  # noqa: PLC0415
    from orchestration.workshop import open_workshop  # noqa: PLC0415
    from warehouse.config import load  # noqa: PLC0415
    from warehouse.detections.places import SAMPLE_FILE  # noqa: PLC0415
    from warehouse.detections.rulebook import load as load_rules  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="ledgerline-drill-") as scratch:
        folder = make_folder(Path(scratch) / "drill", days=DAYS + LIVED.days, users=PEOPLE, seed=11)
        with serve_tenant(folder, quiet=True) as tenant:
            output.line(f"{DAYS} quiet days of {PEOPLE} people; then each rule's own case among them.")
            clock = DrillClock()
            with open_workshop(load(folder.config), for_writing=True, clock=clock) as opened:
                workshop = replace(opened, geo=[SAMPLE_FILE])  # invented places of the documentation's networks
                drill = run_drill(
                    workshop,
                    tenant["url"],
                    load_rules(),
                    machines=DrillTelemetry(folder),
                    clock=clock,
                    days=DAYS,
                    people=PEOPLE,
                )
    rows = [
        (
            rule.level,
            rule.path.stem,
            f"{drill.quiet.get(rule.id, 0) / DAYS:.2f}",
            str(drill.fired.get(rule.id, 0)),
            "fired" if drill.fired.get(rule.id) else "SILENT",
        )
        for rule in sorted(drill.rules, key=lambda rule: (LEVELS.index(rule.level), rule.path.stem))
    ]
    output.table(("level", "rule", "a quiet day", "in the drill", ""), rows, right=("a quiet day", "in the drill"))
    output.line(
        f"{counted(len(drill.rules), 'rule')}, {counted(drill.sessions, 'quiet Claude Code session')}, "
        f"{counted(drill.injected, 'record')} put in, "
        f"{duration(drill.seconds)}: {len(drill.silent)} silent, {len(drill.nervous)} loud on quiet days"
    )
    for rule in drill.nervous:
        output.line(f"  {rule.path.stem} ({rule.level}) fired {drill.quiet[rule.id]} times on quiet days")
    if output.json:
        output.document(
            {
                "ok": not drill.silent and not drill.nervous,
                "days": DAYS,
                "people": PEOPLE,
                "rules": [
                    {
                        "name": rule.path.stem,
                        "level": rule.level,
                        "quiet": drill.quiet.get(rule.id, 0),
                        "fired": drill.fired.get(rule.id, 0),
                    }
                    for rule in drill.rules
                ],
            }
        )
    return 1 if drill.silent or drill.nervous else 0
