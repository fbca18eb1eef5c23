"""The one error of this room.

PricesRefused   a file of prices lacks something, has too much, or holds what is no amount
"""


class PricesRefused(Exception):
    """A file of prices cannot be used; `remedy` says what to do."""

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy
