"""What a cloud's refusals mean, as tables: the first row that fits an answer is told, in its words.

Promise: one way to read them for every cloud; the words and the codes are each cloud's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from warehouse.archive.errors import StoreError

RERUN = "Everything committed is safe; run the same command again and it goes on where it stopped."


@dataclass(frozen=True)
class Meaning:
    """An answer with one of these codes (parted by spaces), or of these statuses, is `error`, told as `text`.

    `text` may name what is passed to `told`, and `{rerun}`.
    """

    error: type[StoreError]
    codes: str
    statuses: range | tuple[int, ...]
    text: str


def told(meanings: Sequence[Meaning], code: str, status: int, /, **words: str) -> StoreError | None:
    """The archive's error for an answer, or None where no row fits. `status` is 0 where nothing answered."""
    for meaning in meanings:
        if code in meaning.codes.split() or status in meaning.statuses:
            return meaning.error(meaning.text.format(rerun=RERUN, **words))
    return None


def harmless(text: str) -> str:
    """What a server said, short and without characters that steer a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text[:200])
