"""From what pydantic found to what a person needs: line, key, what is wrong, what would be right.

Values are only ever repeated through `shown`, and those of secret settings not at all.
"""

import difflib
from collections.abc import Iterable, Iterator
from typing import Any, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from warehouse.config.destinations import TYPES
from warehouse.config.errors import Problem
from warehouse.config.positions import Path
from warehouse.config.secrets import looks_secret
from warehouse.config.settings import Settings
from warehouse.config.values import Section, shown

_BOUNDS = {"greater_than_equal", "less_than_equal", "greater_than", "less_than"}


def nearest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The known names most like a mistyped one, best first; empty where none is near."""
    folded = {candidate.casefold(): candidate for candidate in known}
    found = difflib.get_close_matches(name.casefold(), list(folded), n=count, cutoff=0.6)
    return [folded[match] for match in found]


def line_of(lines: dict[Path, int], path: Path) -> int | None:
    """The line of a key, or of the nearest table around it; None where even that is not in the file."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None


def dotted(path: Path) -> str:
    """A path as the file would say it: `destinations[0].url`, counted from 1 as people count tables."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            name = "(hidden: looks like a secret)" if looks_secret(part) else part
            text += f".{name}" if text else name
    return text


def problems_of(
    error: ValidationError, model: type[Section], at: Path, lines: dict[Path, int]
) -> Iterator[Problem]:
    """One Problem for each finding of a validation of `model` at the path `at`."""
    for detail in error.errors(include_url=False):
        path = at + tuple(detail["loc"])
        yield _problem(detail, model, path, lines)


def unknown_key(name: str, model: type[Section], path: Path, lines: dict[Path, int]) -> Problem:
    """An unknown key, with its nearest names, or the table that it belongs to."""
    known = [field for field in model.model_fields]
    homes = [home for home in _homes(name) if home != ".".join(str(part) for part in path[:-1])]
    near = nearest(name, known)
    if near:
        right = " or ".join(near)
    elif homes:
        right = f"it belongs in [{homes[0]}]"
    else:
        right = f"one of {', '.join(sorted(known))}"
    return Problem(line_of(lines, path), dotted(path), "there is no such key", right)


def _homes(name: str) -> Iterator[str]:
    """The tables in which a key of this name would be right."""
    for section, field in Settings.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Section) and name in inner.model_fields:
            yield section


def _problem(detail: ErrorDetails, model: type[Section], path: Path, lines: dict[Path, int]) -> Problem:
    kind, owner, field = detail["type"], *_field(model, detail["loc"])
    line = line_of(lines, path)
    if kind == "extra_forbidden":
        return unknown_key(str(path[-1]), owner, path, lines)
    right = (field.description or "") if field else ""
    if kind == "missing":
        return Problem(line, dotted(path), "is missing", right)
    if kind == "value_error":
        what = str(detail.get("ctx", {}).get("error", detail["msg"]))
        return Problem(line, dotted(path), what, right)
    return Problem(line, dotted(path), _what(kind, detail["input"]), _with_nearest(detail, right))


def _what(kind: str, value: Any) -> str:
    if kind in _BOUNDS:
        return f"{shown(value)} is out of range"
    if kind == "literal_error":
        return f"{shown(value)} is not known here"
    if kind == "too_long":
        return "has too many entries"
    return f"{shown(value)} is not usable here"


def _with_nearest(detail: ErrorDetails, right: str) -> str:
    if detail["type"] != "literal_error" or not isinstance(detail["input"], str):
        return right
    expected = str(detail.get("ctx", {}).get("expected", "")).replace(" or ", ", ").replace("'", "").split(", ")
    near = nearest(detail["input"], expected, count=1)
    return f'{right} (nearest: "{near[0]}")' if near else right


def _field(model: type[Section], loc: Path) -> tuple[type[Section], FieldInfo | None]:
    """The innermost model that a location runs through, and the field of it that it names."""
    owner, field = model, None
    for part in loc:
        found = owner.model_fields.get(str(part)) if isinstance(part, str) else None
        if found is None:
            continue
        field = found
        inner = next(iter(get_args(found.annotation)), found.annotation)  # of a list of tables one such table
        if isinstance(inner, type) and issubclass(inner, Section) and part != loc[-1]:
            owner = inner
    return owner, field


def unknown_type(value: object, path: Path, lines: dict[Path, int]) -> Problem:
    """A destination whose type is missing or not one of ours."""
    right = f"one of {', '.join(TYPES)}"
    if value is None:
        return Problem(line_of(lines, path), dotted(path), "is missing", right)
    near = nearest(value, TYPES) if isinstance(value, str) else []
    right = " or ".join(f'"{name}"' for name in near) or right
    return Problem(line_of(lines, path), dotted(path), f"{shown(value)} is not a type of destination", right)


def repeated_names(tables: list[dict[str, Any]], at: Path, lines: dict[Path, int]) -> Iterator[Problem]:
    """A Problem for each destination whose name an earlier one has."""
    first: dict[str, Path] = {}
    for index, table in enumerate(tables):
        name, path = table.get("name"), (*at, index, "name")
        if not isinstance(name, str):
            continue
        earlier = first.setdefault(name, path)
        if earlier != path:
            yield Problem(
                line_of(lines, path),
                dotted(path),
                f"{shown(name)} is taken by the destination in line {line_of(lines, earlier)}",
                "a name of its own for each destination",
            )
