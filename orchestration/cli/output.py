"""Where words go: results to stdout (one JSON document with `--json`), everything else to stderr.

Promise: text from data reaches a terminal only through `plain`, with every control character as an escape.
"""

import base64
import json
import math
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, TextIO
from uuid import UUID

from orchestration.cli.table_widths import fitted
from warehouse.wire.shown import escaped
from warehouse.wire.times import rfc3339

if TYPE_CHECKING:
    from rich.console import Console

_MERELY_NEW = ("unknown_event", "unknown_field")
_EACH_TOLD = 2
_WIDE = 10_000  # columns where nobody's window sets a limit: nothing is wrapped or cut in a pipe


def plain(value: object) -> str:
    """A value as one line that can do nothing to a terminal: control characters become `\\x1b`, `\\n`, ..."""
    return escaped(value if isinstance(value, str) else str(value))


def jsonable(value: object) -> Any:
    """What JSON has no type for, as text: times in RFC 3339, decimals as written, bytes in base64."""
    if isinstance(value, datetime):
        return rfc3339(value) if value.tzinfo else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    if isinstance(value, Decimal):
        return f"{value:f}"  # money: 0.00000000, never 0E-8
    if isinstance(value, Path | UUID | timedelta):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def to_json(value: object, *, indent: int | None = 2) -> str:
    """JSON in ASCII (safe on any terminal); infinities and NaN, which JSON lacks, as text."""
    try:
        return json.dumps(value, default=jsonable, indent=indent, allow_nan=False)
    except (ValueError, TypeError):
        return json.dumps(_representable(value), default=jsonable, indent=indent, allow_nan=False)


def _representable(value: Any) -> Any:
    """The same value with what JSON cannot say (NaN, keys that are no text) as text."""
    if isinstance(value, dict):
        return {key if isinstance(key, str) else cell(key): _representable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_representable(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


class Output:
    """One command's way to speak. With `json`, stdout gets the document and nothing else."""

    def __init__(self, *, json: bool, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.json = json
        self.out = out or sys.stdout
        self.err = err or sys.stderr

    def document(self, value: object) -> None:
        """The one JSON document of a command; only for `--json`."""
        print(to_json(value), file=self.out)

    def line(self, text: str = "") -> None:
        """A line of the result for people. Not printed with `--json`."""
        if not self.json:
            print(plain(text), file=self.out)

    def aside(self, text: str) -> None:
        """A line beside the result, on stderr in every mode."""
        print(plain(text), file=self.err)

    def table(
        self, columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()
    ) -> None:
        """A table for people; `right` names the columns of numbers. Not printed with `--json`."""
        if self.json:
            return
        from rich.box import SIMPLE_HEAD  # noqa: PLC0415  (only where a table is drawn)
        from rich.console import Console  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        names, cells = [plain(column) for column in columns], [[cell(value) for value in row] for row in rows]
        terminal = self.out.isatty()
        console = Console(file=self.out, width=None if terminal else _WIDE, highlight=False, soft_wrap=False)
        widths, tight = fitted(list(zip(names, *cells, strict=True)), console.width) if terminal else (None, False)
        if terminal and cells and widths is None:
            self._records(names, cells, console)
            return
        drawn = Table(header_style="bold", box=SIMPLE_HEAD, show_edge=False, pad_edge=not tight)
        drawn.padding = (0, 1, 0, 0) if tight else (0, 1, 0, 1)
        for at, name in enumerate(names):
            drawn.add_column(
                Text(name),
                justify="right" if columns[at] in right else "left",
                overflow="fold",
                width=widths[at] if widths else None,
            )
        for row in cells:
            drawn.add_row(*map(Text, row))
        console.print(drawn)

    def _records(self, columns: Sequence[str], rows: Sequence[Sequence[str]], console: "Console") -> None:
        """Row after row, a line for each value: for tables that no window is wide enough for."""
        from rich.text import Text  # noqa: PLC0415

        width = max(map(len, columns))
        for number, row in enumerate(rows, 1):
            console.print(Text(f"{'' if number == 1 else chr(10)}-- {number} of {len(rows)}", style="dim"))
            for column, value in zip(columns, row, strict=True):
                name = Text(column.ljust(width), style="bold")
                console.print(Text.assemble(name, "  ", value), overflow="fold")

    def findings(self, findings: Sequence[dict[str, Any]]) -> None:
        """Findings for people: code and subject on one line, what to do below it. Kinds of record that are merely
        new come last and together, where they are many; the document has each."""
        for finding in _gathered(findings):
            self.line(f"  {finding['code']}  {finding['subject']}")
            self.prose(finding["detail"], indent=" " * 6)

    def prose(self, text: str, *, indent: str = "", further: str | None = None) -> None:
        """A sentence of the result: as wide as a terminal is, elsewhere in one line, which tools can read.
        `further`: the indent of its second line and those that follow, where it is another."""
        if not self.out.isatty():
            self.line(indent + text)
            return
        width = max(shutil.get_terminal_size().columns, 40)
        second = indent if further is None else further
        whole = wrap(plain(text), width, break_on_hyphens=False, initial_indent=indent, subsequent_indent=second)
        for line in whole:
            self.line(line)


def _gathered(findings: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    counts = Counter(finding["code"] for finding in findings)
    many = [code for code in _MERELY_NEW if counts[code] > _EACH_TOLD]
    told = [finding for finding in findings if finding["code"] not in many]
    for code in many:
        subjects = [finding["subject"] for finding in findings if finding["code"] == code]
        detail = f"{'; '.join(subjects)}: kept as it came, and tagged; --json tells of each when it was first seen"
        told.append({"code": code, "subject": f"{len(subjects)} that nobody has listed", "detail": detail})
    return told


def cell(value: object) -> str:
    """A value in a table for people: empty for null, times in RFC 3339, lists and structs as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list | tuple):
        return plain(to_json(value, indent=None))
    if isinstance(value, int | float):
        return str(value)
    return plain(jsonable(value))


def own_name() -> str:
    """What to type to call this program again: its name, or where it lies when it is not on the path."""
    called = Path(sys.argv[0])
    if called.name != "ledgerline" or shutil.which("ledgerline"):
        return "ledgerline"
    try:
        return os.fspath(called.absolute().relative_to(Path.cwd()))
    except ValueError:
        return os.fspath(called.absolute())


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: `1 window`, `2,048 windows`; `many` where an s does not do."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """Seconds as people read them, to two units: `45 s`, `3 min 20 s`, `5 h 12 min`, `3 d 4 h`."""
    whole = abs(round(seconds))
    amounts = (whole // 86_400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s")
    first = next((index for index, (amount, _) in enumerate(amounts) if amount), 3)
    shown = [f"{amount} {unit}" for amount, unit in amounts[first : first + 2] if amount]
    return ("-" if seconds <= -0.5 else "") + (" ".join(shown) or "0 s")


def size(count: int) -> str:
    """Bytes as people read them: `812 B`, `3.4 MB`."""
    if count < 1000:
        return f"{count} B"
    amount = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        amount /= 1000
        if amount < 1000 or unit == "TB":
            break
    return f"{amount:.1f} {unit}"
