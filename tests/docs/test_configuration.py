"""Settings: each one is described with its default, and nothing is described that is no setting."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import names_in, page, tables
from warehouse.config import parse
from warehouse.config.destinations import TYPES, Destination
from warehouse.config.settings import Settings
from warehouse.config.values import Section

PAGE = page("docs/configuration.md")
FILE = Path("/nowhere/ledgerline.toml")
HEADER = ["setting", "default", "meaning"]


def documented(text: str) -> dict[str, str]:
    """Setting to default, as the tables of a text say."""
    return {
        names_in(row[0])[0]: row[1].strip("`") for header, rows in tables(text) if header == HEADER for row in rows
    }


def settings(model: type[Section], prefix: str = "") -> list[str]:
    """The dotted names of all settings but the destinations'."""
    found: list[str] = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Section):
            found += settings(inner, f"{prefix}{name}.")
        elif name != "destinations":
            found.append(f"{prefix}{name}")
    return found


def general() -> dict[str, str]:
    return {name: default for name, default in documented(PAGE.text).items() if "." in name}


def test_every_setting_is_described_and_every_described_one_is_a_setting() -> None:
    assert sorted(general()) == sorted(settings(Settings))


def test_a_file_with_every_documented_default_means_the_same_as_an_empty_one() -> None:
    written = "\n".join(f"{name} = {default}" for name, default in general().items())
    assert parse(written, FILE, {}) == parse("", FILE, {})


def default_of(model: type[Destination], name: str) -> Any:
    field = model.model_fields[name]
    if field.is_required():
        return "required"
    return field.get_default(call_default_factory=True)


def literal(text: str) -> Any:
    if text in ("required", "none", "the type's own"):
        return None if text != "required" else text
    value = tomllib.loads(f"x = {text}")["x"]
    return tuple(value) if isinstance(value, list) else value


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_every_setting_of_a_destination_is_described_with_its_default(kind: str) -> None:
    model = TYPES[kind]
    own = {name: default_of(model, name) for name in model.model_fields if name not in Destination.model_fields}
    assert {name: literal(text) for name, text in documented(PAGE.section(kind)).items()} == own


def test_what_every_destination_has_is_described_with_its_default() -> None:
    section = PAGE.section("[[destinations]]").partition("\n### ")[0]
    shared = {name: default_of(Destination, name) for name in Destination.model_fields}
    assert {name: literal(text) for name, text in documented(section).items()} == shared


def test_no_destination_is_described_that_does_not_exist() -> None:
    described = [line[4:] for line in PAGE.section("[[destinations]]").split("\n") if line.startswith("### ")]
    assert sorted(described) == sorted(TYPES)
