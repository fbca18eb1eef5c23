"""The cookbook: questions that auditors ask, each one SQL file that runs as it stands on DuckDB and on Athena.

Promise: a parameter is a literal with its name in a comment behind it, so that a file is whole without any value
put in, and a value put in can be nothing but a literal of the same kind.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

from warehouse.evidence.errors import ParameterWrong, QuestionUnknown, near
from warehouse.tables.sql_literal import literal
from warehouse.wire.times import parse_rfc3339

FOLDER: Final = Path(__file__).with_name("cookbook")

# `timestamp '2026-11-01 00:00:00' /*from*/`, `'x' /*person*/`, `20 /*at_least*/`
_LITERAL = re.compile(r"(timestamp )?('(?:[^']|'')*'|\d+) /\*(\w+)\*/")
_HEADER = re.compile(r"^-- (title|about|param|needs):? (.*)$", re.MULTILINE)
_SHARED = {"from": "the period begins (UTC)", "to": "the period ends; this moment is not part of it (UTC)"}
_LARGEST = 10**12

Value = str | int | datetime


@dataclass(frozen=True)
class Parameter:
    """What can be put into a question. `kind` is `moment`, `text` or `number`; `default` is the literal's text."""

    name: str
    kind: str
    default: str
    about: str
    needed: bool


@dataclass(frozen=True)
class Question:
    """One question: its name (that of the file), the question in words, a paragraph about it, its SQL."""

    name: str
    title: str
    about: str
    sql: str
    parameters: tuple[Parameter, ...]

    def document(self) -> dict[str, object]:
        """As `--json` lists it."""
        return {
            "name": self.name,
            "title": self.title,
            "about": self.about,
            "parameters": [
                {"name": p.name, "kind": p.kind, "default": p.default, "about": p.about, "needed": p.needed}
                for p in self.parameters
            ],
        }


@cache
def cookbook() -> dict[str, Question]:
    """Every question by its name, in the order of the names."""
    return {path.stem: _read(path) for path in sorted(FOLDER.glob("*.sql"))}


def question(name: str) -> Question:
    """The question of a name. Raises QuestionUnknown with the nearest names."""
    found = cookbook().get(name.strip().casefold())
    if found is None:
        raise QuestionUnknown(
            f"there is no question {name!r} in the cookbook.{near(name, cookbook())}",
            remedy="`ledgerline sql --cookbook` lists them",
        )
    return found


def filled(asked: Question, values: Mapping[str, Value]) -> str:
    """The question's SQL with these values in the place of its literals; texts are read as the parameter's kind.

    Raises ParameterWrong for a name the question does not have, a value of another kind, or a missing value.
    """
    known = {parameter.name: parameter for parameter in asked.parameters}
    for name in values:
        if name not in known:
            raise ParameterWrong(
                f"{asked.name} has no parameter {name!r}.{near(name, known)}",
                remedy=f"it has: {', '.join(known) or 'none'}",
            )
    missing = [name for name, parameter in known.items() if parameter.needed and name not in values]
    if missing:
        raise ParameterWrong(
            f"{asked.name} needs a value for {', '.join(missing)}",
            remedy="; ".join(f"--param {name}=... ({known[name].about})" for name in missing),
        )
    literals = {name: _literal(known[name], value) for name, value in values.items()}
    return _LITERAL.sub(
        lambda match: f"{literals[match[3]]} /*{match[3]}*/" if match[3] in literals else match[0], asked.sql
    )


def _literal(parameter: Parameter, value: Value) -> str:
    if parameter.kind == "moment":
        return f"timestamp '{_moment(parameter, value):%Y-%m-%d %H:%M:%S.%f}'".replace(".000000'", "'")
    if parameter.kind == "number":
        text = str(value).strip()
        if not (text.isascii() and text.isdigit() and int(text) <= _LARGEST):
            raise ParameterWrong(f"{parameter.name} is a whole number from 0 on, not {value!r}")
        return str(int(text))
    text = str(value)
    if "\0" in text:
        raise ParameterWrong(f"{parameter.name} is a text without null characters")
    return literal(text)


def _moment(parameter: Parameter, value: Value) -> datetime:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    text = str(value).strip()
    try:
        return parse_rfc3339(f"{text}T00:00:00Z" if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else text)
    except ValueError:
        raise ParameterWrong(
            f"{parameter.name} is a time, not {value!r}",
            remedy="write it as 2026-11-22T10:00:00Z, or as 2026-11-22 (midnight UTC)",
        ) from None


def _read(path: Path) -> Question:
    text = path.read_text(encoding="utf-8")
    headers: dict[str, list[str]] = {"title": [], "about": [], "param": [], "needs": []}
    for name, value in _HEADER.findall(text):
        headers[name].append(value)
    about = {**_SHARED, **dict(line.split(": ", 1) for line in headers["param"])}
    needed = {name for line in headers["needs"] for name in line.split()}
    parameters: dict[str, Parameter] = {}
    for timestamp, value, name in _LITERAL.findall(text):
        kind = "moment" if timestamp else "text" if value.startswith("'") else "number"
        default = value.strip("'").replace("''", "'")
        parameters.setdefault(name, Parameter(name, kind, default, about[name], name in needed))
    return Question(
        name=path.stem,
        title=" ".join(headers["title"]),
        about=" ".join(headers["about"]),
        sql=_HEADER.sub("", text).strip() + "\n",
        parameters=tuple(parameters.values()),
    )
