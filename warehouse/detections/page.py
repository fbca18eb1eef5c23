"""The catalogue of rules in `docs/detections.md`, made from the rules: `python -m warehouse.detections.page`.

Promise: nothing in it is written by hand, and a test holds the page to the rules.
"""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from warehouse.detections.export import TARGETS, export
from warehouse.detections.rule import Rule
from warehouse.detections.rulebook import load

BEGIN = "<!-- made by `python -m warehouse.detections.page`; do not edit below -->"
_LEVELS = ("critical", "high", "medium", "low", "informational")
_PAGE = Path(__file__).parents[2] / "docs" / "detections.md"


def catalogue(rules: Iterable[Rule]) -> str:
    """The part of the page that is made: a list, what of ATT&CK is covered, then each rule."""
    chosen = sorted(rules, key=lambda rule: (_LEVELS.index(rule.level), rule.path.stem))
    native = {target: set(export(chosen, target).files) for target in TARGETS}
    lines = ["## The rules", "", "| level | rule | sees | in |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {rule.level} | [`{rule.path.stem}`](#{rule.path.stem}) | {rule.title} | {_places(rule, native)} |"
        for rule in chosen
    ]
    lines += ["", f"{len(chosen)} rules. The last column says which SIEM has the rule in its own form too.", ""]
    lines += _coverage(chosen)
    for rule in chosen:
        lines += _whole(rule)
    return "\n".join(lines) + "\n"


def _places(rule: Rule, native: dict[str, set[str]]) -> str:
    found = [name for name, files in native.items() if any(f.rpartition(".")[0] == rule.path.stem for f in files)]
    return ", ".join(found) or "the archive only"


def _coverage(rules: list[Rule]) -> list[str]:
    """ATT&CK by tactic: which techniques, and by how many rules."""
    tactics: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules:
        for tag in rule.tags:
            if tag.startswith("attack.") and tag[7:8] != "t":
                tactics[tag.removeprefix("attack.")].append(rule)
    lines = ["## What of MITRE ATT&CK is covered", "", "| tactic | rules | techniques |", "| --- | --- | --- |"]
    for tactic, found in sorted(tactics.items()):
        techniques = sorted(
            {tag[7:].upper() for rule in found for tag in rule.tags if tag[7:9].strip("t").isdigit()}
        )
        lines.append(f"| {tactic.replace('-', ' ')} | {len(found)} | {', '.join(techniques)} |")
    return [*lines, ""]


def _whole(rule: Rule) -> list[str]:
    types = rule.types()
    reads = ", ".join(f"`{kind}`" for kind in sorted(types)) if types else "every type of event"
    lines = [f"### {rule.path.stem}", "", f"**{rule.title}** ({rule.level}). {rule.description} {rule.why}", ""]
    lines += [f"{number}. {step}" for number, step in enumerate(rule.runbook, start=1)]
    lines += ["", f"May also be: {'; '.join(rule.false_positives)}. Reads {reads}."]
    technique = [tag.removeprefix("attack.") for tag in rule.tags]
    lines += [f"ATT&CK: {', '.join(technique)}. Controls: {', '.join(rule.controls)}. Id `{rule.id}`.", ""]
    return lines


def written(page: str, rules: Iterable[Rule]) -> str:
    """The page with its made part made anew."""
    return page.partition(BEGIN)[0] + BEGIN + "\n\n" + catalogue(rules)


if __name__ == "__main__":
    _PAGE.write_text(written(_PAGE.read_text(encoding="utf-8"), load()), encoding="utf-8")
