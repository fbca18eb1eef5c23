"""`ledgerline detections list`: the rules as they are here, with what is tuned, what is off, and why."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.options import CONFIG, DEBUG, JSON
from orchestration.cli.output import Output, counted
from warehouse.detections.levels import LEVELS
from warehouse.wire.times import system_clock

if TYPE_CHECKING:
    from warehouse.config.settings import Settings
    from warehouse.detections.rule import Rule
    from warehouse.detections.rulebook import Rulebook
    from warehouse.detections.selection import InUse

RULE = Annotated[
    str | None,
    typer.Argument(
        metavar="RULE", help="A rule's id, file name or title. Default: every rule.", show_default=False
    ),
]


def list_rules(rule: RULE = None, config: CONFIG = None, json: JSON = False, debug: DEBUG = False) -> int:
    """List the rules, or tell all about one: why it is there, what to do when it fires, what it looks for."""
    output = Output(json=json)
    settings = _settings(config)
    book = _book(settings)
    here = _here(settings, book)
    tuned = {one.id: one for one in here.tuned.rules}
    chosen = [tuned[one.id] for one in ([book.find(rule)] if rule else book.rules)]
    if json:
        output.document([_listed(one, here) for one in chosen])
    elif rule:
        _tell_all(chosen[0], here, output)
    else:
        output.table(
            ("level", "rule", "title", "status"),
            [(one.level, one.path.stem, one.title, _status(one, here)) for one in sorted(chosen, key=by_level)],
        )
        output.line(f"{counted(len(chosen), 'rule')}; all about one: ledgerline detections list RULE")
        show_off(here.off, output)
    for gone in here.tuned.expired:
        output.line(f"  a threshold holds no more: {gone.rule} ({gone.owner}, until {gone.until}); take it out")
    return 0


def show_off(off: "dict[str, str]", output: Output) -> None:
    """Name the rules that do not run here, by what they lack."""
    for why in sorted(set(off.values())):
        names = sorted(name for name, reason in off.items() if reason == why)
        output.line(f"  off: {why}: {', '.join(names)}")


def book_of(config: Path | None) -> "Rulebook":
    """The rules of the configuration where there is one; those that ship where there is none."""
    return _book(_settings(config))


def by_level(rule: "Rule") -> tuple[int, str]:
    return LEVELS.index(rule.level), rule.title


def _settings(config: Path | None) -> "Settings | None":
    from warehouse.config import load  # noqa: PLC0415
    from warehouse.config.errors import ConfigMissing  # noqa: PLC0415

    try:
        return load(config)
    except ConfigMissing:
        if config is not None:
            raise
        return None


def _book(settings: "Settings | None") -> "Rulebook":
    from warehouse.detections.rulebook import load as load_rules  # noqa: PLC0415

    return load_rules(settings.detections.rules if settings else ())


def _here(settings: "Settings | None", book: "Rulebook") -> "InUse":
    from orchestration.workshop import thresholds_of  # noqa: PLC0415
    from warehouse.detections.places import Places  # noqa: PLC0415
    from warehouse.detections.selection import in_use  # noqa: PLC0415

    with Places(settings.detections.geo if settings else ()) as places:
        thresholds = thresholds_of(settings) if settings else ()
        return in_use(book.rules, thresholds=thresholds, places=places.has, now=system_clock())


def _status(rule: "Rule", here: "InUse") -> str:
    if rule.path.stem in here.off:
        return "off: " + here.off[rule.path.stem].partition(":")[0]
    return f"{rule.status}, tuned" if rule.path.stem in here.tuned.by_rule else rule.status


def _listed(rule: "Rule", here: "InUse") -> dict[str, Any]:
    from warehouse.detections.tuning import numbers  # noqa: PLC0415

    return {
        "id": rule.id,
        "name": rule.path.stem,
        "title": rule.title,
        "status": rule.status,
        "level": rule.level,
        "tags": list(rule.tags),
        "runbook": list(rule.runbook),
        "source": rule.source.name,
        "enabled": rule.path.stem not in here.off,
        "off": here.off.get(rule.path.stem),
        "description": rule.description,
        "why": rule.why,
        "kind": rule.kind,
        "version": rule.version,
        "thresholds": numbers(rule),
        "tuned": here.tuned.evidence().get(rule.path.stem),
        "hourly": rule.hourly,
        "false_positives": list(rule.false_positives),
        "controls": list(rule.controls),
    }


def _tell_all(rule: "Rule", here: "InUse", output: Output) -> None:
    from warehouse.detections.tuning import numbers  # noqa: PLC0415

    output.line(f"{rule.title}  [{rule.level}, {rule.status}]")
    if rule.path.stem in here.off:
        output.line(f"  Off: {here.off[rule.path.stem]}")
    output.line(f"  {rule.description}")
    output.line(f"  Why it matters: {rule.why}")
    output.line("  When it fires:")
    for number, step in enumerate(rule.runbook, start=1):
        output.line(f"    {number}. {step}")
    if rule.false_positives:
        output.line(f"  May also be: {'; '.join(rule.false_positives)}")
    types = rule.types()
    output.line(f"  Reads {rule.source.table}: {', '.join(sorted(types)) if types else 'any type of event'}")
    held = numbers(rule)
    if held:
        output.line(f"  Enough is: {', '.join(f'{name} {value}' for name, value in held.items())}")
    decision = here.tuned.by_rule.get(rule.path.stem)
    if decision:
        output.line(f"  Tuned by {decision.owner} until {decision.until}: {decision.reason}")
    if rule.hourly:
        output.line("  Takes its turn once an hour, since it looks back over more than a month")
    output.line(f"  Id {rule.id}, version {rule.version}, {', '.join(rule.tags)}")
    output.line(f"  File {rule.path.name}")
