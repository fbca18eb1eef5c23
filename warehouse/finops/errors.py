"""What can go wrong with money, and what to do about it.

    FinopsError
    ├── AmountRefused        a text that is no exact amount of money
    ├── InputRefused         rows that this room cannot take: floats, another currency, a day outside the period
    ├── FileRefused          a file that people maintain has mistakes; it carries all of them
    ├── ConservationBroken   an amount would have been lost or doubled; nothing was written
    ├── PeriodRefused        a step that the state of the period does not allow
    │   └── TooEarly         the period may still change; it says until when
    ├── CurrencyRefused      money in a currency that is not the statement's
    └── PdfRefused           a PDF cannot be made: what it needs is not installed

Each message says what happened, to what, and what to do next.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date


class FinopsError(Exception):
    """The root of the room: catch this to catch all of it."""


class AmountRefused(FinopsError, ValueError):
    """The text is not a plain decimal number."""


class InputRefused(FinopsError, ValueError):
    """Rows without the form that `inputs.py` describes."""


class ConservationBroken(FinopsError):
    """The sum of what came out is not the sum of what went in. A fault of ours: it is never shown as a result."""


class CurrencyRefused(FinopsError):
    """Two currencies would meet in one total."""


class PdfRefused(FinopsError):
    """WeasyPrint or Pango is missing, or a page asked for something outside itself."""


class PeriodRefused(FinopsError):
    """The period is not in a state in which this may be done."""


class TooEarly(PeriodRefused):
    """The period may still be restated, or is not whole. `until` is the first day on which it can be closed,
    or None where that depends on days that have not been pulled yet."""

    def __init__(self, message: str, until: date | None) -> None:
        super().__init__(message)
        self.until = until


@dataclass(frozen=True, order=True)
class Mistake:
    """One thing wrong in a file. `row` is the line in the file, 1 for the header, 0 for the file as a whole."""

    file: str
    row: int
    rule: str
    what: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.file}, row {self.row}" if self.row else self.file
        return f"{place}: {self.what} [{self.rule}]. Right: {self.remedy}"


class FileRefused(FinopsError):
    """A file with mistakes, all of them in `mistakes`, in the order of its rows. Nothing was taken from it."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes))
        count = len(self.mistakes)
        head = f"{self.mistakes[0].file} has {count} mistake{'s' if count > 1 else ''}; nothing was changed"
        super().__init__("\n".join([head, *(f"  {mistake}" for mistake in self.mistakes)]))
