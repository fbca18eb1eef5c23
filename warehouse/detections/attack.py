"""Which techniques of MITRE ATT&CK the rules look for: a picture, and a layer for the ATT&CK Navigator.

Promise: both follow from the tags of the rules alone, byte for byte. A technique stands under those of its tactics
that the rule names; a tactic without any rule is shown empty, not left out. Techniques and tactics are those of
ATT&CK 17; the table `attack_techniques.csv` has what the rules use.
"""

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

from warehouse.detections.rule import Rule

TACTICS = (
    "reconnaissance",
    "resource-development",
    "initial-access",
    "execution",
    "persistence",
    "privilege-escalation",
    "defense-evasion",
    "credential-access",
    "discovery",
    "lateral-movement",
    "collection",
    "command-and-control",
    "exfiltration",
    "impact",
)
_VERSIONS = {"attack": "17", "navigator": "5.1.0", "layer": "4.5"}
_TABLE = Path(__file__).with_name("attack_techniques.csv")

# Shades by number of rules, light to dark; black text stands out from each of them.
_SHADES = ((7, "#5fb3a1"), (4, "#93d0c1"), (2, "#c3e6dc"), (1, "#e6f5f0"))
_LEFT, _CHIP, _HIGH, _GAP, _ACROSS = 176, 254, 40, 8, 3
_TOP = 58
_WIDTH = _LEFT + _ACROSS * (_CHIP + _GAP) + 12
_FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif"


@dataclass(frozen=True)
class Technique:
    """A technique or sub-technique: its number, its name, the tactics it serves."""

    id: str
    name: str
    tactics: tuple[str, ...]


@cache
def techniques() -> Mapping[str, Technique]:
    """Those that rules may be tagged with, by number."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return {
            row["id"]: Technique(row["id"], row["name"], tuple(row["tactics"].split()))
            for row in csv.DictReader(file)
        }


def techniques_of(rule: Rule) -> list[str]:
    """The numbers that a rule is tagged with, in the table or not."""
    tags = [tag.removeprefix("attack.") for tag in rule.tags if tag.startswith("attack.")]
    return [tag.upper() for tag in tags if tag[:1] == "t" and tag[1:2].isdigit()]


def tactics_of(rule: Rule) -> list[str]:
    """The tactics that a rule is tagged with."""
    return [name for name in TACTICS if f"attack.{name}" in rule.tags]


def coverage(rules: Iterable[Rule]) -> dict[str, dict[str, list[Rule]]]:
    """By tactic, in order, and technique: the rules that look for it. Tactics without rules are in it, empty."""
    found: dict[str, dict[str, list[Rule]]] = {name: defaultdict(list) for name in TACTICS}
    for rule in sorted(rules, key=lambda one: one.path.stem):
        for number in techniques_of(rule):
            for tactic in tactics_of(rule):
                if number in techniques() and tactic in techniques()[number].tactics:
                    found[tactic][number].append(rule)
    return {name: dict(sorted(held.items())) for name, held in found.items()}


def layer(rules: Iterable[Rule]) -> str:
    """The same as a layer of the ATT&CK Navigator (JSON)."""
    held = coverage(rules)
    most = max((len(found) for techs in held.values() for found in techs.values()), default=1)
    document = {
        "name": "Ledgerline detections",
        "versions": _VERSIONS,
        "domain": "enterprise-attack",
        "description": "Techniques that the rules of Ledgerline look for; the score is the number of rules.",
        "sorting": 3,
        "hideDisabled": False,
        "techniques": [
            {
                "techniqueID": number,
                "tactic": tactic,
                "score": len(found),
                "comment": ", ".join(rule.path.stem for rule in found),
                "enabled": True,
                "showSubtechniques": "." in number,
            }
            for tactic, techs in held.items()
            for number, found in techs.items()
        ],
        "gradient": {"colors": [_SHADES[-1][1], _SHADES[0][1]], "minValue": 1, "maxValue": most},
    }
    return json.dumps(document, indent=2) + "\n"


def picture(rules: Iterable[Rule]) -> str:
    """SVG without script or network: a row for each tactic, a box for each technique, darker with more rules."""
    chosen = list(rules)
    held = coverage(chosen)
    boxes: list[str] = []
    top = _TOP
    for tactic, techs in held.items():
        high = max(1, -(-len(techs) // _ACROSS)) * (_HIGH + _GAP)
        boxes += _row(tactic, techs, top, sum(tactic in tactics_of(rule) for rule in chosen))
        top += high + _GAP
        boxes.append(f'<line x1="12" x2="{_WIDTH - 12}" y1="{top - _GAP}" y2="{top - _GAP}" stroke="#d7dce2"/>')
    number = len({number for techs in held.values() for number in techs})
    reached = sum(bool(techs) for techs in held.values())
    title = (
        f"{len(chosen)} rules look for {number} techniques of {reached} of {len(TACTICS)} tactics of MITRE ATT&CK"
    )
    told = "; ".join(f"{_words(tactic)}: {', '.join(techs) or 'none'}" for tactic, techs in held.items())
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top + 4}" width="{_WIDTH}" '
        f'height="{top + 4}" role="img" aria-labelledby="title told" font-family="{escape(_FONT)}">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="told">{escape(told)}</desc>',
        f'<rect width="{_WIDTH}" height="{top + 4}" fill="#ffffff"/>',
        _text(12, 24, title, 15, weight=600),
        *_legend(),
    ]
    return "\n".join([*head, *boxes, "</svg>"]) + "\n"


def _legend() -> list[str]:
    """What the shades mean, from few rules to many."""
    made, left = [], _LEFT
    for (least, colour), name in zip(reversed(_SHADES), ("1 rule", "2 or 3", "4 to 6", "7 or more"), strict=True):
        made += [
            f'<rect x="{left}" y="34" width="14" height="14" rx="3" fill="{colour}" stroke="#7d8894" '
            f'data-least="{least}"/>',
            _text(left + 20, 46, name, 12),
        ]
        left += 100
    return made


def _row(tactic: str, techs: Mapping[str, list[Rule]], top: int, rules: int) -> list[str]:
    made = [
        _text(12, top + 17, _words(tactic).capitalize(), 13, weight=600),
        _text(12, top + 33, f"{rules} rule{'s' * (rules != 1)}" if rules else "no rule", 12, colour="#4a5560"),
    ]
    for at, (number, found) in enumerate(techs.items()):
        x, y = _LEFT + at % _ACROSS * (_CHIP + _GAP), top + at // _ACROSS * (_HIGH + _GAP)
        shade = next(colour for least, colour in _SHADES if len(found) >= least)
        made += [
            f'<rect x="{x}" y="{y}" width="{_CHIP}" height="{_HIGH}" rx="4" fill="{shade}" stroke="#7d8894"/>',
            _text(x + 8, y + 16, number, 12, weight=600),
            _text(x + _CHIP - 8, y + 16, str(len(found)), 12, weight=600, anchor="end"),
            _text(x + 8, y + 32, techniques()[number].name, 12),
        ]
    return made


def _words(tactic: str) -> str:
    return tactic.replace("-", " ")


def _text(
    x: int, y: int, text: str, size: int, *, weight: int = 400, colour: str = "#1b232b", anchor: str = "start"
) -> str:
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" fill="{colour}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )
