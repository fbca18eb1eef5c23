"""Reads the mapping tables: one row for each listed type, and one for each verb, for types nobody has listed.

Promise: a look-up never fails. A severity that no scale knows (an alert's, from a rule of the customer's own)
counts as `high`: seen too early rather than not at all.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final, Generic, TypeVar

from warehouse.taxonomy import VERBS, load

HERE: Final = Path(__file__).parent
UNLISTED: Final = "unlisted:"  # before a verb: the row of every type that is not listed and has this verb
# The tables with a row per event type, one for each schema.
SCHEMA_TABLES: Final = ("cim", "ecs", "asim", "ocsf", "datadog", "udm")

Row = TypeVar("Row")


class TypeTable(dict[str, Row], Generic[Row]):
    """Event type -> what `make` made of its row. Types nobody has listed get the row of their verb."""

    def __init__(self, name: str, make: Callable[[dict[str, str]], Row]) -> None:
        with (HERE / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            super().__init__((row.pop("type"), make(row)) for row in csv.DictReader(file))
        missing = [verb for verb in VERBS if f"{UNLISTED}{verb}" not in self]
        if missing:
            raise ValueError(f"{name}.csv has no row for unlisted types with the verbs {missing}; add them")

    def __missing__(self, type: str) -> Row:
        return self[f"{UNLISTED}{load().get(type).verb}"]


@cache
def severities(scale: str) -> dict[str, str]:
    """The taxonomy's severity -> the word or number (a text) of `scale`, a column of `severities.csv`."""
    return _Severities(_column("severities.csv", "severity", scale))


@cache
def outcomes(scale: str) -> dict[str, str]:
    """The taxonomy's outcome -> the word of `scale`, a column of `outcomes.csv`; empty: nothing is said."""
    return _column("outcomes.csv", "outcome", scale)


class _Severities(dict[str, str]):
    def __missing__(self, severity: str) -> str:
        return self.get(severity.lower()) or self["high"]


def _column(file_name: str, key: str, value: str) -> dict[str, str]:
    with (HERE / file_name).open(newline="", encoding="utf-8") as file:
        return {row[key]: row[value] for row in csv.DictReader(file)}
