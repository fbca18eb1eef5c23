"""All detections: those that come with Ledgerline, and the customer's own folders.

Promise: every mistake in every file is found at once, an id stands for one rule, and a name that is not there is
answered with the nearest ones.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

import duckdb

from warehouse.detections.checks import check_breadth, check_runs, check_samples
from warehouse.detections.errors import RuleInvalid, RuleUnknown
from warehouse.detections.rule import Rule, read
from warehouse.detections.trial import bench

OWN_RULES = Path(__file__).with_name("rules")


@dataclass(frozen=True)
class Rulebook:
    """Rules in order of title. Iterate over it for all that are in use (not deprecated, not unsupported)."""

    rules: tuple[Rule, ...]

    def __iter__(self) -> Iterator[Rule]:
        return (rule for rule in self.rules if rule.status not in ("deprecated", "unsupported"))

    def find(self, name: str) -> Rule:
        """A rule by id, by the beginning of one (8 characters or more), by file name or by title.

        Raises RuleUnknown with the nearest names.
        """
        wanted = name.strip().lower()
        for rule in self.rules:
            if wanted in (rule.id, rule.path.stem, rule.title.lower()) or (
                len(wanted) >= 8 and rule.id.startswith(wanted)
            ):
                return rule
        names = [rule.path.stem for rule in self.rules]
        near = get_close_matches(wanted, names, n=3, cutoff=0.4) or [name for name in names if wanted in name][:3]
        raise RuleUnknown(
            f"no detection is called {name!r}",
            remedy=f"did you mean {', '.join(near)}?" if near else "see `ledgerline detections list`",
        )


def load(folders: Iterable[Path] = ()) -> Rulebook:
    """The rules of the package and of `folders` with those below.

    Raises RuleInvalid, naming every mistake of every file.
    """
    own, mistakes = _of_folders(folders)
    shipped = _shipped()
    rules = [*shipped, *own]
    held: dict[str, Rule] = {}
    for rule in rules:
        other = held.setdefault(rule.id, rule)
        if other is not rule:
            mistakes.append(
                RuleInvalid(
                    f"{rule.path.name} and {other.path.name} have the same id {rule.id}",
                    remedy="give yours a new id; a rule that ships is not replaced but tuned or suppressed"
                    if other in shipped
                    else "give one a new id",
                )
            )
    named: dict[str, Rule] = {}
    for rule in held.values():
        other = named.setdefault(rule.path.stem, rule)
        if other is not rule:
            mistakes.append(
                RuleInvalid(f"two rules are called {rule.path.stem}", remedy="give your file another name")
            )
    if mistakes:
        kind = type(mistakes[0]) if len(mistakes) == 1 else RuleInvalid
        raise kind(
            "\n".join(f"{mistake}; {mistake.remedy}" if mistake.remedy else str(mistake) for mistake in mistakes)
        )
    return Rulebook(tuple(sorted(rules, key=lambda rule: rule.title)))


def _of_folders(folders: Iterable[Path]) -> tuple[list[Rule], list[RuleInvalid]]:
    """The rules of some folders, and what is wrong with the others there."""
    paths: list[Path] = []
    rules: list[Rule] = []
    mistakes: list[RuleInvalid] = []
    for folder in folders:
        if not folder.is_dir():
            mistakes.append(RuleInvalid(f"{folder} is no folder", remedy="correct [detections] rules"))
        paths += sorted([*folder.rglob("*.yml"), *folder.rglob("*.yaml")])
    if not paths:
        return rules, mistakes
    with bench() as db:
        for path in dict.fromkeys(paths):  # a folder may be below another
            try:
                rules.append(_checked(db, path))
            except RuleInvalid as problem:
                mistakes.append(problem)
    return rules, mistakes


def _checked(db: duckdb.DuckDBPyConnection, path: Path) -> Rule:
    """A rule of the customer's own, with its samples; those that ship are checked by a test instead."""
    rule = read(path)
    try:
        check_samples(rule)
        check_breadth(rule)
        check_runs(db, rule)
    except RuleInvalid as problem:
        raise type(problem)(f"{path.name}: {problem}", remedy=problem.remedy) from problem
    return rule


@cache
def _shipped() -> tuple[Rule, ...]:
    return tuple(read(path) for path in sorted(OWN_RULES.glob("*.yml")))
