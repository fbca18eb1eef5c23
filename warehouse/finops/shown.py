"""A text of the data as a reader of statements may see it: nothing in it is hidden, and it is not too long."""

from warehouse.wire.shown import escaped

_LONGEST = 200


def shown(text: str) -> str:
    """The text with control and direction characters as escapes, and not longer than 200 letters."""
    return escaped(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
