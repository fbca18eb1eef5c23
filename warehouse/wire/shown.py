"""A text of the data as a reader may see it: nothing in it is hidden, and nothing turns the text around.

Promise: pages, charts and terminals show a control or direction character as the same escape.
"""

import unicodedata

# Cc control, Cf invisible and direction marks, Cs lone surrogates, Zl and Zp line ends.
_UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def escaped(text: str) -> str:
    """The text with control and direction characters as escapes: `\\x1b`, `\\n`, `\\u202e`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(letter) if unicodedata.category(letter) in _UNSAFE else letter for letter in text)


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
