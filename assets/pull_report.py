"""What a pull did, whatever the stream: counts, entries, and what somebody should look at. Knows no Dagster."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Protocol

_COUNTS = (
    "windows",
    "requests",
    "pages",
    "records",
    "first",
    "revised",
    "withdrawn",
    "unchanged",
    "bytes",
    "not_tried",
)


class Counted(Protocol):
    """What a fold counted."""

    records: int
    first: int
    revised: int
    withdrawn: int
    unchanged: int
    unknown_types: Counter[str]
    unknown_fields: Counter[str]


@dataclass
class PullReport:
    """What a pull did. `windows`, `requests`, `pages` and rows are counts; `seqs` are its entries in the log;
    `not_tried` windows were left out because the server could not be reached."""

    stream: str = "activities"
    windows: int = 0
    requests: int = 0
    pages: int = 0
    records: int = 0
    first: int = 0
    revised: int = 0
    withdrawn: int = 0
    unchanged: int = 0
    unknown_types: Counter[str] = field(default_factory=Counter)
    unknown_fields: Counter[str] = field(default_factory=Counter)
    seqs: list[int] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    findings: list[dict[str, str]] = field(default_factory=list)
    sealed: list[str] = field(default_factory=list)
    bytes: int = 0
    not_tried: int = 0
    seconds: float = 0.0

    def add_fold(self, folded: Counted) -> None:
        self.records += folded.records
        self.first += folded.first
        self.revised += folded.revised
        self.withdrawn += folded.withdrawn
        self.unchanged += folded.unchanged
        self.unknown_types += folded.unknown_types
        self.unknown_fields += folded.unknown_fields

    def merge(self, other: "PullReport") -> None:
        """Add another report's counts to this one."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.unknown_types += other.unknown_types
        self.unknown_fields += other.unknown_fields
        self.seqs += other.seqs
        self.failed += other.failed
        known = {(finding["code"], finding["subject"]) for finding in self.findings}
        self.findings += [new for new in other.findings if (new["code"], new["subject"]) not in known]

    def as_dict(self) -> dict[str, Any]:
        return {
            **{name: getattr(self, name) for name in self.__dataclass_fields__},
            "unknown_types": dict(self.unknown_types),
            "unknown_fields": dict(self.unknown_fields),
            "seconds": round(self.seconds, 3),
        }
