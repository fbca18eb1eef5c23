"""The controls that evidence is made for: data, in our own words, with the questions that evidence each.

Promise: a control says what the vendor's log proves for it and what it leaves open; always the same two things are
left open by any such log, and they are said with each.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from warehouse.evidence.errors import ControlUnknown, near

CONTROLS: Final = Path(__file__).with_name("controls.toml")

ALWAYS_OPEN: Final = (
    "What was said or written: no content of conversations or files is in the vendor's log or in this pack.",
    "Networks: a record has one address and the name of a program, as the vendor saw them, and nothing else.",
)


@dataclass(frozen=True)
class Control:
    """One control. `population`: SQL over audit_events as e and event_types as t; `questions`: of the cookbook."""

    id: str
    framework: str
    title: str
    asks: str
    population: str
    questions: tuple[str, ...]
    proves: tuple[str, ...]
    leaves_open: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """As `--json` and a pack carry it."""
        return {
            "id": self.id,
            "framework": self.framework,
            "title": self.title,
            "asks": self.asks,
            "population": self.population,
            "questions": list(self.questions),
            "proves": list(self.proves),
            "leaves_open": list(self.leaves_open),
        }


@cache
def controls() -> dict[str, Control]:
    """Every control by its id, in the order of the file."""
    with CONTROLS.open("rb") as file:
        rows = tomllib.load(file)["control"]
    return {row["id"]: _control(row) for row in rows}


def control(name: str) -> Control:
    """The control of an id, case and blanks apart. Raises ControlUnknown with the nearest ids."""
    known = {_plain(candidate): found for candidate, found in controls().items()}
    found = known.get(_plain(name))
    if found is None:
        raise ControlUnknown(
            f"there is no control {name!r}.{near(name, controls())}",
            remedy=f"the controls are: {', '.join(controls())}",
        )
    return found


def _plain(name: str) -> str:
    return "".join(name.split()).casefold()


def _control(row: dict[str, Any]) -> Control:
    return Control(
        id=row["id"],
        framework=row["framework"],
        title=row["title"],
        asks=row["asks"],
        population=row["population"],
        questions=tuple(row["questions"]),
        proves=tuple(row["proves"]),
        leaves_open=(*row["leaves_open"], *ALWAYS_OPEN),
    )
