"""CSV files that people maintain: read strictly, every mistake collected, and written so that no cell can act.

Promise: a cell is data. Control characters are refused on the way in; a text that a spreadsheet would take for a
formula comes out with an apostrophe before it.
"""

import csv
import io
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TypeVar

from warehouse.finops.errors import AmountRefused, FileRefused, Mistake
from warehouse.finops.money import parse_amount

T = TypeVar("T")

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # full-width ones too: OWASP
_CONTROL = {"Cc", "Cs", "Zl", "Zp"}
_SHOWN = 60


@dataclass
class Findings:
    """The mistakes of one file, collected while its rows are read; `notes` are remarks that stop nothing."""

    file: str
    mistakes: list[Mistake] = field(default_factory=list)
    notes: list[Mistake] = field(default_factory=list)

    def add(self, row: int, rule: str, what: str, remedy: str) -> None:
        self.mistakes.append(Mistake(self.file, row, rule, what, remedy))

    def note(self, row: int, rule: str, what: str, remedy: str) -> None:
        self.notes.append(Mistake(self.file, row, rule, what, remedy))

    def raise_if_any(self) -> None:
        """Raises FileRefused with everything that was found."""
        if self.mistakes:
            raise FileRefused(self.mistakes)


@dataclass(frozen=True)
class Row:
    """One row: its first line in the file, and its cells by column, stripped of surrounding spaces."""

    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


def read_rows(body: bytes, found: Findings, *, required: Sequence[str], optional: Sequence[str] = ()) -> list[Row]:
    """The rows of a CSV file in UTF-8, with a header. Empty rows are skipped. Mistakes go to `found`."""
    text = _decoded(body, found)
    if text is None:
        return []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    rows: list[Row] = []
    begins = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            found.add(
                reader.line_num, "csv", f"it is not CSV from here on: {error}", "close the quotes of every cell"
            )
            break
        line, begins = begins, reader.line_num + 1
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            header = _header(cells, line, found, required, optional)
            if header is None:
                return []
        elif row := _row(cells, line, header, found):
            rows.append(row)
    if header is None:
        found.add(1, "header", "it has no header", ",".join([*required, *optional]))
    return rows


def _decoded(body: bytes, found: Findings) -> str | None:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        found.add(line, "encoding", "it is not UTF-8 here", 'save it as "CSV UTF-8"')
        return None


def _header(
    cells: list[str], line: int, found: Findings, required: Sequence[str], optional: Sequence[str]
) -> list[str] | None:
    names = [cell.strip().casefold() for cell in cells]
    right = f"the header {','.join(required)}" + (f", and optionally {','.join(optional)}" if optional else "")
    before = len(found.mistakes)
    for name in required:
        if name not in names:
            found.add(line, "header", f"the column {name} is missing", right)
    for name in sorted({name for name in names if name not in (*required, *optional)}):
        found.add(line, "header", f"there is no column {shown(name)} here", right)
    for name in sorted({name for name in names if names.count(name) > 1}):
        found.add(line, "header", f"the column {shown(name)} is there twice", right)
    return names if len(found.mistakes) == before else None


def _row(cells: list[str], line: int, header: list[str], found: Findings) -> Row | None:
    if len(cells) != len(header):
        found.add(
            line, "columns", f"it has {len(cells)} cells and the header has {len(header)}",
            "as many cells as columns; put a cell that has a comma in it into quotes",
        )  # fmt: skip
        return None
    bad = False
    for name, cell in zip(header, cells, strict=True):
        if any(unicodedata.category(letter) in _CONTROL for letter in cell):
            found.add(line, "control_character", f"{name} has a control character: {shown(cell)}", "plain text")
            bad = True
    return None if bad else Row(line, {name: cell.strip() for name, cell in zip(header, cells, strict=True)})


def day_cell(row: Row, column: str, found: Findings) -> date | None:
    """A day as YYYY-MM-DD; None where the cell is empty, or wrong (and then it is in `found`)."""
    cell = row[column]
    if not cell:
        return None
    try:
        if len(cell) != len("2026-01-01"):
            raise ValueError
        return date.fromisoformat(cell)
    except ValueError:
        found.add(
            row.line, "date", f"{column} {shown(cell)} is not a day", "a day as YYYY-MM-DD, such as 2026-10-01"
        )
        return None


def amount_cell(row: Row, column: str, found: Findings) -> Decimal | None:
    """A plain decimal number; None where it is not one (and then it is in `found`)."""
    return _parsed(row, column, found, parse_amount)


def _parsed(row: Row, column: str, found: Findings, parse: Callable[[str], T]) -> T | None:
    try:
        return parse(row[column])
    except AmountRefused as error:
        found.add(row.line, "amount", f"{column}: {error}", "a plain number, such as 1234.56")
        return None


def note_formulas(row: Row, columns: Sequence[str], found: Findings) -> None:
    """Remark on cells that a spreadsheet would run; they are kept as they are and guarded where they come out."""
    for column in columns:
        if row[column].startswith(_FORMULA):
            found.note(
                row.line, "formula_text", f"{column} {shown(row[column])} begins like a formula",
                "a name that begins with a letter or a digit; it is kept, and written out with ' before it",
            )  # fmt: skip


def shown(text: str) -> str:
    """A cell in a message: quoted, control characters as escapes, not too long."""
    cut = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return repr(cut)


def guarded(text: str) -> str:
    """A text cell that no spreadsheet runs as a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence["str | Decimal | int | date | None"]]) -> bytes:
    """A CSV file: UTF-8, `\\n`, columns in this order, None as empty. Texts are guarded, numbers are not.

    Decimals must have been given their form already (`money.text`), as a `Number`; a bare Decimal is written
    plainly.
    """
    lines = [",".join(_quoted(name) for name in header)]
    lines += [",".join(_quoted(_cell(value)) for value in row) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def _quoted(cell: str) -> str:
    # not the csv module's writer: with line ends of `\n` it leaves a carriage return in a cell bare
    return '"' + cell.replace('"', '""') + '"' if any(mark in cell for mark in ',"\r\n') else cell


class Number(str):
    """A number that already has its written form, so that its minus sign is not taken for a formula's."""

    __slots__ = ()


def _cell(value: "str | Decimal | int | date | None") -> str:
    if value is None:
        return ""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return guarded(value)
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
