"""What a fold did, in records: the counts that a table entry carries and that people are told."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Folded:
    """What the fold of one pull (entry `seq`) did. `unchanged` counts records that were held already with the same
    content; `bytes` is the size of what was written."""

    seq: int
    records: int = 0
    first: int = 0
    revised: int = 0
    withdrawn: int = 0
    unchanged: int = 0
    unknown_types: Counter[str] = field(default_factory=Counter)
    unknown_fields: Counter[str] = field(default_factory=Counter)
    bytes: int = 0

    def counts(self) -> dict[str, Any]:
        """As a table entry carries them."""
        names = ("records", "first", "revised", "withdrawn", "unchanged")
        named = {"unknown_types": dict(self.unknown_types), "unknown_fields": dict(self.unknown_fields)}
        return {**{name: getattr(self, name) for name in names}, **named}
