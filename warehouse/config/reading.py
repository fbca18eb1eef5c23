"""From the path of a `ledgerline.toml` to Settings, or to every mistake in it at once.

Only LEDGERLINE_CONFIG and the variables that secret references name are read from the environment: what
runs is what the file says.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from warehouse.config.destinations import TYPES, Destination
from warehouse.config.errors import ConfigInvalid, ConfigMissing, Problem
from warehouse.config.mistakes import problems_of, repeated_names, unknown_key, unknown_type
from warehouse.config.positions import lines_of
from warehouse.config.secrets import looks_secret
from warehouse.config.settings import Settings

CONFIG_VARIABLE = "LEDGERLINE_CONFIG"
DEFAULT_NAME = "ledgerline.toml"

_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_MOST_SYNTAX_ERRORS = 20


def config_path(path: Path | None = None, env: Mapping[str, str] | None = None) -> Path:
    """Where the configuration is: the given path, else $LEDGERLINE_CONFIG, else ./ledgerline.toml; absolute."""
    named = (os.environ if env is None else env).get(CONFIG_VARIABLE)
    return (path or Path(named or DEFAULT_NAME)).expanduser().absolute()


def load(path: Path | None = None, env: Mapping[str, str] | None = None) -> Settings:
    """Read and validate the configuration.

    `env` replaces the process environment, for finding the file and for `env:` references. Raises
    ConfigMissing (no file, or not readable) or ConfigInvalid (every mistake, each with its line).
    Secrets are not fetched here: a command that needs none runs without them.
    """
    file = config_path(path, env)
    return parse(_text(file), file, env)


def parse(text: str, path: Path, env: Mapping[str, str] | None = None) -> Settings:
    """Validate the text of a configuration that stands at `path`. Raises ConfigInvalid."""
    problems: list[Problem] = []
    tables = _tables(text, problems)
    settings = None
    if tables is not None:
        known_text, raw = tables
        settings = _settings(raw, known_text, {"folder": path.parent, "env": env}, problems)
    if problems or settings is None:
        # A line that could not be read may hold what now seems to be missing: say only what is certain.
        if tables is not None and tables[0] != text.removeprefix("\ufeff"):
            problems = [problem for problem in problems if problem.what != "is missing"]
        raise ConfigInvalid(path, sorted(problems, key=lambda problem: problem.line or 0))
    settings._path = path
    return settings


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ConfigMissing(
            path,
            f"there is no configuration at {path}",
            remedy=f"run `ledgerline init` to make one, or name one by --config or ${CONFIG_VARIABLE}",
        ) from None
    except IsADirectoryError:
        raise ConfigMissing(
            path, f"{path} is a folder", remedy=f"name the file in it: {path / DEFAULT_NAME}"
        ) from None
    except OSError as error:
        raise ConfigMissing(
            path, f"{path} cannot be read ({error.strerror})", remedy="let this user read the file"
        ) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigInvalid(path, [Problem(line, "", "is not UTF-8 text", "save the file as UTF-8")]) from None


def _tables(text: str, problems: list[Problem]) -> tuple[str, dict[str, Any]] | None:
    """The parsed file, and the text that was parsed: lines with a syntax error are reported and left out, so
    that the mistakes after them are reported too. None where the rest would make no sense without them.
    """
    text = text.removeprefix("\ufeff")
    lines = text.split("\n")
    seen: set[int] = set()
    while True:
        try:
            return "\n".join(lines), tomllib.loads("\n".join(lines))
        except tomllib.TOMLDecodeError as error:
            place = _PLACE.search(str(error))
            number = int(place.group(1)) if place and place.group(1) else len(lines)
            broken = lines[number - 1] if number <= len(lines) else ""
            problems.append(_syntax_problem(_PLACE.sub("", str(error)), number, broken))
            seen.add(number)
            unclear = broken.lstrip().startswith("[") or not broken.strip() or {number - 1, number - 2} <= seen
            if unclear or len(seen) >= _MOST_SYNTAX_ERRORS:
                return None
            lines[number - 1] = ""


def _syntax_problem(message: str, line: int, broken: str) -> Problem:
    key = broken.partition("=")[0].strip() if "=" in broken else ""
    key = key if re.fullmatch(r"[\w.\"'-]{1,60}", key) and not looks_secret(key) else ""
    if message.startswith(("Cannot overwrite", "Cannot declare", "Cannot mutate", "Duplicate")):
        return Problem(line, key, "is in the file twice", "each key and each table once")
    if message == "Invalid value":
        return Problem(line, key, "has a value that TOML cannot read", "text in double quotes")
    return Problem(line, key, f"is not TOML ({message[:1].lower()}{message[1:]})", 'lines such as: key = "value"')


def _settings(raw: dict[str, Any], text: str, context: dict[str, Any], problems: list[Problem]) -> Settings | None:
    lines = lines_of(text)
    raw = dict(raw)
    destinations = _destinations(raw.pop("destinations", []), lines, context, problems)
    for name in [name for name in raw if name not in Settings.model_fields]:
        del raw[name]
        problems.append(unknown_key(name, Settings, (name,), lines))
    try:
        settings = Settings.model_validate(raw, context=context)
    except ValidationError as error:
        problems.extend(problems_of(error, Settings, (), lines))
        return None
    return settings.model_copy(update={"destinations": destinations})


def _destinations(
    raw: Any, lines: dict[tuple[str | int, ...], int], context: dict[str, Any], problems: list[Problem]
) -> tuple[Destination, ...]:
    path: tuple[str | int, ...] = ("destinations",)
    if not isinstance(raw, list) or not all(isinstance(table, dict) for table in raw):
        problems.append(
            Problem(lines.get(path), "destinations", "is not a list of tables", "[[destinations]] before each one")
        )
        return ()
    made: list[Destination] = []
    for index, table in enumerate(raw):
        kind, fields = table.get("type"), table
        model = TYPES.get(kind) if isinstance(kind, str) else None
        if model is None:
            problems.append(unknown_type(kind, (*path, index, "type"), lines))
            model = Destination
            # Without a known type only what every destination has can be judged.
            fields = {key: value for key, value in table.items() if key in Destination.model_fields}
            fields["type"] = ""
        try:
            made.append(model.model_validate(fields, context=context))
        except ValidationError as error:
            problems.extend(problems_of(error, model, (*path, index), lines))
    problems.extend(repeated_names(raw, path, lines))
    return tuple(made)
