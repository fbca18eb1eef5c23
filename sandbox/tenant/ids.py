"""Ids that look like the vendor's: a prefix, `01`, and 22 characters without 0, O, I and l.

An activity id carries its record's time, scrambled, so that a cursor finds its place without an index and
yet the order of ids says nothing about the order of records.
"""

from __future__ import annotations

import re
import uuid
from random import Random

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
PAIRS = [a + b for a in ALPHABET for b in ALPHABET]
_PAIR_VALUE = {pair: value for value, pair in enumerate(PAIRS)}
_BASE = len(PAIRS)

_BITS = 54
_MASK = (1 << _BITS) - 1
_SCRAMBLE = 0x2F5A_91C3_7B4D_65 | 1
_UNSCRAMBLE = pow(_SCRAMBLE, -1, 1 << _BITS)

ACTIVITY_PREFIX = "activity_01"
ACTIVITY_LENGTH = len(ACTIVITY_PREFIX) + 22
_ACTIVITY = re.compile(rf"activity_01[{ALPHABET}]{{22}}")


def activity_id(us: int, salt: int) -> str:
    """The id of a record created at `us` microseconds since 1970; `salt` (70 bits) tells ties apart."""
    code = us * _SCRAMBLE & _MASK
    base, pairs = _BASE, PAIRS
    code, a = divmod(code, base)
    code, b = divmod(code, base)
    code, c = divmod(code, base)
    e, d = divmod(code, base)
    salt, f = divmod(salt, base)
    salt, g = divmod(salt, base)
    salt, h = divmod(salt, base)
    salt, i = divmod(salt, base)
    k, j = divmod(salt, base)
    return (
        f"activity_01{pairs[a]}{pairs[b]}{pairs[c]}{pairs[d]}{pairs[e]}"
        f"{pairs[f]}{pairs[g]}{pairs[h]}{pairs[i]}{pairs[j]}{pairs[k % base]}"
    )


def activity_time(identifier: str) -> int | None:
    """The time hidden in a well-formed activity id, or None where the text is not one.

    A well-formed id that this tenant never issued still gives some time: the feed takes it as a cursor.
    """
    if not _ACTIVITY.fullmatch(identifier):
        return None
    code = 0
    for at in range(19, 9, -2):
        code = code * _BASE + _PAIR_VALUE[identifier[at : at + 2]]
    return code * _UNSCRAMBLE & _MASK


def tagged(prefix: str, rng: Random) -> str:
    """An id like `user_01...` with 22 random characters after the `01`."""
    return f"{prefix}_01{text22(rng)}"


def text22(rng: Random) -> str:
    """22 random characters of the id alphabet."""
    return "".join([PAIRS[rng.randrange(_BASE)] for _ in range(11)])


def uuid4(rng: Random) -> str:
    """A version 4 UUID as text, drawn from `rng`."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))
