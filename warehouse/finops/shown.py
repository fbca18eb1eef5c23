"""A text of the data as a reader may see it: nothing in it is hidden, and nothing turns the text around."""

import unicodedata

# Cc control, Cf invisible and direction marks, Cs lone surrogates, Zl and Zp line ends.
_UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_LONGEST = 200


def shown(text: str) -> str:
    """The text with control and direction characters as escapes, and not longer than 200 letters."""
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return "".join(
        letter.encode("unicode_escape").decode() if unicodedata.category(letter) in _UNSAFE else letter
        for letter in cut
    )
