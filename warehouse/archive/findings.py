"""What a verification found: findings by code, notes, what could not be read, and how much was looked at.

Promise: each finding names its code, the object it concerns and the next step; a flood of one kind (a hundred
thousand strangers) stays readable and in bounds: the first are named one by one, the rest are counted by folder.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

from warehouse.archive.errors import TableUnreadable

NAMED_PER_CODE = 200
_FOLDERS = 20  # in which unnamed findings of a code are counted
_COMMITS = 5  # named in a note
_ADVICE = re.compile(r"[;.,]\s+run `ledgerline verify`[^;]*$", re.IGNORECASE)  # which is what is running

_RESTORE = "restore it from its earlier version (S3) or from a copy, and find out who changed it"
NEXT_STEPS = {
    "altered": _RESTORE,
    "missing": _RESTORE,
    "added": "find out who put it there; what a killed run of ours left is signed in by the next pull",
    "delete_marker": "remove the marker, never a version",
    "reordered": "restore the entries from a copy",
    "renumbered": "restore the entries from a copy",
    "truncated": "restore the entries, checkpoints and tiles from a copy",
    "rolled_back": "somebody put an older state in place: restore the newer one from a copy",
    "forked": "two histories were signed: compare with every checkpoint kept elsewhere, and restore the right one",
    "signature": _RESTORE,
    "foreign_key": "compare the trusted key (--key, archive.public_key, else archive.signing_key) with the one "
    "that `ledgerline key show` prints where the log is written; if it is right, somebody else signed",
    "timestamp": "check archive.timestamp_certificates; if they are right, restore the timestamp from a copy",
    "unreadable": "install the newest release; then restore it from a copy",
    "gap": "run `ledgerline pull` for it",
    "unlocked": "lock it (S3: put-object-retention; folder: chmod a-w), and find out who lifted the lock",
    "lock_too_short": "extend its retention, or correct archive.retention_days",
    "rederivation_mismatch": "keep the pages and the file, and find out who or which release wrote it",
}


@dataclass(frozen=True)
class Finding:
    """One difference: `code` (design 5.4), the object or window it concerns, and what was seen."""

    code: str
    subject: str
    detail: str
    step: str | None = None  # where it is another than the code's

    @property
    def next_step(self) -> str:
        """What to do about it."""
        return self.step or NEXT_STEPS.get(self.code, "see docs/operations.md")


@dataclass(frozen=True)
class Unread:
    """An object that the store would not hand out, and its reason: nothing is known of it, good or bad."""

    subject: str
    reason: str


@dataclass(frozen=True)
class Head:
    """The newest checkpoint: log, entries, root (base64), and the public key that signed it (vkey)."""

    origin: str
    size: int
    root: str
    signed_by: str
    vouched: bool  # whether that key is a trusted one, or joined to one by changes of the key; True without one


@dataclass
class Verification:
    """`checked` counts entries, objects, bytes and records; `notes` say what the result does not rest on.

    `unread` are objects that the store refused: with any of those the archive is not verified. `reached` is the
    signed checkpoint (as a note) up to which all is verified; None where something is wrong or was left out.
    """

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    reached: str | None = None
    head: Head | None = None  # the newest checkpoint, where one of the log's keys signed it
    agreed: list[tuple[str, int]] = field(default_factory=list)  # pins (where from, size) that the log continues
    objects_since: str | None = None  # from when on objects were looked at, in words; None for all
    unsigned: int = 0  # objects that no entry names yet; too young to be a finding
    checked: dict[str, int] = field(default_factory=lambda: {"entries": 0, "objects": 0, "bytes": 0, "records": 0})
    per_code: Counter[str] = field(default_factory=Counter)
    _unnamed: dict[str, Counter[str]] = field(default_factory=dict)
    # commits, by the reason they have in common and whether it is a finding
    _not_made: dict[tuple[str, bool], list[str]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.findings and not self.unread

    def found(self, code: str, subject: str, detail: str, step: str | None = None) -> None:
        """`step`: what to do, where that is another than for most findings of the code."""
        self.per_code[code] += 1
        if self.per_code[code] <= NAMED_PER_CODE:
            self.findings.append(Finding(code, subject, detail, step))
        else:
            folders = self._unnamed.setdefault(code, Counter())
            folder = subject.rpartition("/")[0]
            folders[folder if folder in folders or len(folders) < _FOLDERS else ""] += 1

    def not_rederived(self, subject: str, detail: str) -> None:
        """A table file whose rows do not follow from the pages (found by `warehouse.tables.rederive`)."""
        self.found("rederivation_mismatch", subject, detail)

    def not_made_again(self, commit: str, error: Exception) -> None:
        """A commit's rows (of `pull 7`) could not be made again or read. The damage behind it has a finding, but
        for a table file that was damaged before its entry was written: that is one itself."""
        reason = _ADVICE.sub("", str(error))
        self._not_made.setdefault((reason, isinstance(error, TableUnreadable)), []).append(commit)

    def count_the_rest(self) -> None:
        """Say how many findings of a code were not named, and where they are; and what could not be made again.
        To be called once, at the end."""
        for (reason, found), commits in self._not_made.items():
            more = f" and {len(commits) - _COMMITS} more" if len(commits) > _COMMITS else ""
            rows = f"the rows of {', '.join(commits[:_COMMITS])}{more}"
            if found:
                self.not_rederived(rows, f"could not be read: {reason}")
            else:
                self.notes.append(f"{rows} could not be made again or read: {reason}")
        self._not_made.clear()
        for code, folders in sorted(self._unnamed.items()):
            where = [f"{count} in {folder or 'other places'}" for folder, count in folders.most_common()]
            self.findings.append(
                Finding(code, "(more)", f"and {folders.total()} more findings of this kind: {', '.join(where)}")
            )
        self._unnamed.clear()
