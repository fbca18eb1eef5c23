"""One thing that `ledgerline doctor` looked at, and how it stands."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. `unused`: not set up, and nothing of what is pulled today needs it."""

    check: str
    subject: str
    state: Literal["ok", "failed", "unused"]
    detail: str
    remedy: str = ""
