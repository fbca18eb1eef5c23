"""Errors of the evidence room.

EvidenceError
├── QuestionUnknown     no question of that name in the cookbook
├── ParameterWrong      a value that a question cannot take, or one that it needs and was not given
├── ControlUnknown      no control of that name
└── PlaceTaken          there is something where the pack or the certificate is to be written
"""

import difflib
from collections.abc import Iterable


class EvidenceError(Exception):
    """Root of the room's errors. `remedy` says what to do next."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class QuestionUnknown(EvidenceError):
    """There is no question of that name."""


class ParameterWrong(EvidenceError):
    """A parameter of a question is missing, unknown, or has a value of another kind."""


class ControlUnknown(EvidenceError):
    """There is no control of that name."""


class PlaceTaken(EvidenceError):
    """What is to be written would overwrite something."""


def near(name: str, names: Iterable[str]) -> str:
    """` Did you mean A or B?` with the nearest names, or nothing."""
    folded = {candidate.casefold(): candidate for candidate in names}
    found = difflib.get_close_matches(name.casefold(), list(folded), n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(folded[match] for match in found)}?" if found else ""
