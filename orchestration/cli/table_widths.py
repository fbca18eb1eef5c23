"""How wide the columns of a table are in a window: each as wide as its values where all of it fits.

Promise: where it does not, words stay whole as long as they can, the longest values are broken first, and no
column becomes a sliver.
"""

from collections.abc import Sequence

_ROOMY, _TIGHT = 3, 2  # between two columns; the roomy table has one more at each edge
_READABLE = 20  # what a column has at least, if its values are as long
_WORD = 50  # up to here a word, as the name of something, stays whole if that can be


def fitted(columns: Sequence[Sequence[str]], window: int) -> tuple[list[int] | None, bool]:
    """The width of each column (its name first, then its values), and whether they stand close together; no widths
    where the window is too narrow for a table."""
    from rich.cells import cell_len  # noqa: PLC0415 - only where a table is drawn

    whole = [max(map(cell_len, texts)) for texts in columns]
    gaps = len(columns) - 1
    if sum(whole) + _ROOMY * gaps + 2 <= window:
        return whole, False
    room = window - _TIGHT * gaps
    words = [max((cell_len(word) for text in texts for word in text.split()), default=0) for texts in columns]
    for longest in (_WORD, _READABLE):
        least = [max(min(width, _READABLE), min(word, longest)) for width, word in zip(whole, words, strict=True)]
        if sum(least) <= room:
            return _shared(least, whole, room), True
    return None, True


def _shared(least: Sequence[int], whole: Sequence[int], room: int) -> list[int]:
    """What is left of the room goes to those that need least to be whole; the others share the rest."""
    widths, left = list(least), room - sum(least)
    for behind, at in enumerate(sorted(range(len(whole)), key=lambda at: whole[at] - least[at])):
        lacking = whole[at] - widths[at]
        given = lacking if lacking <= left else left // (len(whole) - behind)
        widths[at] += given
        left -= given
    return widths
