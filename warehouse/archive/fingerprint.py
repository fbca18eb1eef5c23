"""A checkpoint as sixty digits that two people compare over the telephone.

Promise: the same origin, size and root give the same digits, on every machine and in every release; digits that
were misheard, and digits or groups that changed places, are noticed in their group. They are 160 bits of SHA-256:
nobody finds two checkpoints with the same digits, not even the log's owner.
"""

import hashlib
from itertools import pairwise

from warehouse.archive.note import Checkpoint

GROUPS = 10
# The quasigroup of order ten that H. M. Damm gave in 2004: its diagonal is zero, and a swap of neighbours shows.
_DAMM = (
    "0317598642", "7092154863", "4206871359", "1750983426", "6123045978",
    "3674209581", "5869720134", "8945362017", "9438617205", "2581436790",
)  # fmt: skip


def fingerprint(checkpoint: Checkpoint) -> list[str]:
    """Ten groups of six digits.

    Each is 16 bits of SHA-256 over the checkpoint's three lines, as five digits, and a check digit (Damm) over the
    number of the group (0 to 9) and the five.
    """
    digest = hashlib.sha256(checkpoint.text.encode()).digest()[: 2 * GROUPS]
    groups = []
    for number, place in enumerate(range(0, len(digest), 2)):
        digits = f"{int.from_bytes(digest[place : place + 2], 'big'):05d}"
        groups.append(digits + check_digit(f"{number}{digits}"))
    return groups


def check_digit(digits: str) -> str:
    """The digit that makes the Damm sum of `digits` and itself zero."""
    interim = "0"
    for digit in digits:
        interim = _DAMM[int(interim)][int(digit)]
    return interim


def misheard(groups: list[str]) -> list[int]:
    """The groups (from 1) whose check digit does not fit: heard or written down wrong."""
    return [
        number + 1
        for number, group in enumerate(groups)
        if len(group) != 6 or not group.isascii() or not group.isdigit() or check_digit(f"{number}{group}") != "0"
    ]


def in_lines(groups: list[str]) -> list[str]:
    """Two lines of five groups, for reading aloud."""
    return [" ".join(groups[start:end]) for start, end in pairwise(range(0, len(groups) + 1, 5))]
