"""The catalogue of rules in `docs/detections.md`, with the picture of ATT&CK and its layer for the Navigator, made
from the rules: `python -m warehouse.detections.page`. How often each fires on quiet days stands in `baseline.csv`;
with the name of a file, that is taken anew from what `ledgerline demo --drill --json` printed into it.

Promise: nothing in it is written by hand, and a test holds each file to the rules.
"""

import csv
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from warehouse.detections.attack import coverage, layer, picture, tactics_of, techniques
from warehouse.detections.computed import COMPUTED
from warehouse.detections.export import TARGETS, export
from warehouse.detections.levels import LEVELS
from warehouse.detections.rule import Rule
from warehouse.detections.rulebook import load
from warehouse.detections.tuning import numbers

BEGIN = "<!-- made by `python -m warehouse.detections.page`; do not edit below -->"
_ROOT = Path(__file__).parents[2]
BASELINE = Path(__file__).with_name("baseline.csv")
_PAGE = _ROOT / "docs" / "detections.md"
# What is drawn from the tags of the rules, by the file it is kept in.
DRAWN = {"docs/images/attack-coverage.svg": picture, "deploy/detections/attack-layer.json": layer}


def catalogue(rules: Iterable[Rule]) -> str:
    """The part of the page that is made: a list, what of ATT&CK is covered, then each rule."""
    chosen = sorted(rules, key=lambda rule: (LEVELS.index(rule.level), rule.path.stem))
    native = {target: set(export(chosen, target).files) for target in TARGETS}
    quiet = baseline()
    lines = ["## The rules", "", "| level | rule | sees | a quiet day | in |", "| --- | --- | --- | --: | --- |"]
    lines += [
        f"| {rule.level} | [`{rule.path.stem}`](#{rule.path.stem}) | {rule.title} | "
        f"{_rate(quiet[rule.path.stem])} | {_where(rule, native)} |"
        for rule in chosen
    ]
    lines += [
        "",
        f"{len(chosen)} rules. *A quiet day*: how many alerts the rule raised on an average one of the quiet days "
        "of the drill (a pretend company of 40 people). Ask your own past with `ledgerline detections backtest`. "
        "The last column says which SIEM has the rule in its own form too.",
        "",
    ]
    lines += _coverage(chosen)
    lines += _controls(chosen)
    for rule in chosen:
        lines += _whole(rule)
    return "\n".join(lines) + "\n"


def _rate(a_day: float) -> str:
    return f"{a_day:.2f}" if a_day else "0"


def baseline() -> dict[str, float]:
    """Alerts a day of each rule, by file name, on the quiet days of the drill."""
    with BASELINE.open(newline="", encoding="utf-8") as file:
        return {row["rule"]: int(row["alerts"]) / int(row["days"]) for row in csv.DictReader(file)}


def _take_baseline(printed: Path) -> None:
    drill = json.loads(printed.read_text(encoding="utf-8"))
    with BASELINE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("rule", "days", "alerts"))
        writer.writerows(
            (rule["name"], drill["days"], rule["quiet"])
            for rule in sorted(drill["rules"], key=lambda rule: str(rule["name"]))
        )


def _where(rule: Rule, native: dict[str, set[str]]) -> str:
    found = [name for name, files in native.items() if any(f.rpartition(".")[0] == rule.path.stem for f in files)]
    return ", ".join(found) or "the archive only"


def _coverage(rules: list[Rule]) -> list[str]:
    """ATT&CK by tactic: which techniques, and by how many rules."""
    lines = [
        "## What of MITRE ATT&CK is covered",
        "",
        "![Techniques of MITRE ATT&CK that the rules look for, by tactic](images/attack-coverage.svg)",
        "",
        "The same as a layer for the ATT&CK Navigator: `deploy/detections/attack-layer.json`. In words:",
        "",
        "| tactic | rules | techniques |",
        "| --- | --- | --- |",
    ]
    for tactic, techs in coverage(rules).items():
        named = ", ".join(f"{number} {techniques()[number].name}" for number in techs) or "none"
        number = sum(tactic in tactics_of(rule) for rule in rules)
        lines.append(f"| {tactic.replace('-', ' ')} | {number} | {named} |")
    return [*lines, ""]


# What the references stand for, in the words of the standards' own headings.
CONTROLS = {
    "SOC2 CC6.1": "SOC 2, CC6.1: logical access security",
    "SOC2 CC6.7": "SOC 2, CC6.7: transmission and movement of information",
    "SOC2 CC7.2": "SOC 2, CC7.2: monitoring for anomalies",
    "SOC2 CC8.1": "SOC 2, CC8.1: change management",
    "ISO27001 A.5.15": "ISO/IEC 27001:2022, A.5.15: access control",
    "ISO27001 A.5.17": "ISO/IEC 27001:2022, A.5.17: authentication information",
    "ISO27001 A.8.12": "ISO/IEC 27001:2022, A.8.12: data leakage prevention",
    "ISO27001 A.8.15": "ISO/IEC 27001:2022, A.8.15: logging",
    "ISO27001 A.8.16": "ISO/IEC 27001:2022, A.8.16: monitoring activities",
    "ISO27001 A.8.32": "ISO/IEC 27001:2022, A.8.32: change management",
}


def _controls(rules: list[Rule]) -> list[str]:
    """Which rules are evidence for which control. Raises KeyError for a reference that CONTROLS does not have."""
    lines = ["## Which controls the rules serve", "", "| control | rules |", "| --- | --- |"]
    for control in sorted({name for rule in rules for name in rule.controls}, key=list(CONTROLS).index):
        links = [f"[`{rule.path.stem}`](#{rule.path.stem})" for rule in rules if control in rule.controls]
        lines.append(f"| {CONTROLS[control]} | {', '.join(links)} |")
    return [*lines, "", "A rule helps to show that a control works; it does not replace one.", ""]


def _whole(rule: Rule) -> list[str]:
    lines = [f"### {rule.path.stem}", "", f"**{rule.title}** ({rule.level}). {rule.description} {rule.why}", ""]
    lines += [f"{number}. {step}" for number, step in enumerate(rule.runbook, start=1)]
    lines += ["", f"May also be: {'; '.join(rule.false_positives)}. Reads {_reads(rule)}.{_notes(rule)}"]
    technique = [tag.removeprefix("attack.") for tag in rule.tags]
    lines += [f"ATT&CK: {', '.join(technique)}. Controls: {', '.join(rule.controls)}. Id `{rule.id}`.", ""]
    return lines


def _reads(rule: Rule) -> str:
    types = rule.types()
    named = ", ".join(f"`{kind}`" for kind in sorted(types)) if types else "every type of event"
    if not rule.source.computed:
        return named
    own = f"{COMPUTED[rule.source.name].about} (log source `{rule.source.name}`)"
    return f"{own}, and {named}" if types else own


def _notes(rule: Rule) -> str:
    """Which numbers can be tuned, and what the rule needs."""
    said = ""
    held = numbers(rule)
    if held:
        said += f" Enough is: {', '.join(f'{name} {value}' for name, value in held.items())}."
    if rule.needs():
        said += f" Off without [places](#places): {', '.join(sorted(rule.needs()))}."
    if rule.hourly:
        said += " Takes its turn once an hour."
    return said


def written(page: str, rules: Iterable[Rule]) -> str:
    """The page with its made part made anew."""
    return page.partition(BEGIN)[0] + BEGIN + "\n\n" + catalogue(rules)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _take_baseline(Path(sys.argv[1]))
    rules = load()
    _PAGE.write_text(written(_PAGE.read_text(encoding="utf-8"), rules), encoding="utf-8")
    for name, draw in DRAWN.items():
        (_ROOT / name).write_text(draw(rules), encoding="utf-8")
