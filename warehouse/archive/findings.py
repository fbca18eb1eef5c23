"""What a verification found: findings by code, notes, and how much was looked at.

Promise: a flood of one kind (a whole log signed with a foreign key) stays readable and in bounds: the first of
a code are named one by one, the rest are counted.
"""

from collections import Counter
from dataclasses import dataclass, field

NAMED_PER_CODE = 200


@dataclass(frozen=True)
class Finding:
    """One difference: `code` (design 5.4), the object or window it concerns, and what was seen."""

    code: str
    subject: str
    detail: str


@dataclass
class Verification:
    """`checked` counts entries, objects, bytes and records; `notes` say what the result does not rest on."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=lambda: {"entries": 0, "objects": 0, "bytes": 0, "records": 0})
    per_code: Counter[str] = field(default_factory=Counter)

    @property
    def ok(self) -> bool:
        return not self.findings

    def found(self, code: str, subject: str, detail: str) -> None:
        self.per_code[code] += 1
        if self.per_code[code] <= NAMED_PER_CODE:
            self.findings.append(Finding(code, subject, detail))

    def count_the_rest(self) -> None:
        """Say how many findings of a code were not named. To be called once, at the end."""
        for code, count in sorted(self.per_code.items()):
            if count > NAMED_PER_CODE:
                rest = count - NAMED_PER_CODE
                self.findings.append(Finding(code, "(more)", f"and {rest} more findings of this kind"))
