"""CSV bytes into records, each with the exact bytes it stood in.

Promise: every byte of the file is in exactly one record or is a line end; a quote that is never closed costs its
own line at most, and is reported. Rows differ from RFC 4180 in real files, so this reads what is there.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

UNBALANCED: Final = "a quote in this row is never closed or closes in the wrong place; it was read as one line"

# A quoted field: quotes inside are doubled, anything else may be in it.
_QUOTED: Final = rb'"((?:[^"]++|"")*+)"'
_open_quote = re.compile(rb'"(?:[^"]++|"")*+')
# Within one line: a quote closes only before a comma or the end; without such a quote it is an ordinary character.
_lenient_field = re.compile(rb'"((?:[^"]++|"(?!,|\Z))*+)"(?=,|\Z)|([^,]*+)')
_like_a_row = re.compile(rb'[\r\n]"?\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d')


@dataclass(frozen=True, slots=True)
class CsvRecord:
    """One record: where it stands (byte offset), its bytes without the line end, its unquoted fields."""

    offset: int
    raw: bytes
    fields: list[bytes]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Lines:
    """What ends a line. The first line tells: if it ends in LF or CRLF, a lone CR is text (some writers do not
    quote it, and a name must not be able to begin a row of its own); and the other way round."""

    end: re.Pattern[bytes]
    bare: bytes
    field: re.Pattern[bytes]

    def span(self, data: bytes, start: int) -> tuple[int, int]:
        """Start and end of the next line end; both the end of the data if there is none."""
        match = self.end.search(data, start)
        return match.span() if match else (len(data), len(data))

    def skip(self, data: bytes, position: int) -> int:
        match = self.end.match(data, position)
        return match.end() if match else position


def split_records(data: bytes, expected: int | None = None, start: int = 0) -> Iterator[CsvRecord]:
    """The records of `data` from byte `start`, blank lines left out; comma separated, LF, CRLF or CR.

    `expected` is the number of fields of a whole row (None for a header): a record with another number is
    reported in its `problems`, and decides between two readings where a quote is out of place.
    """
    lines = _lines(_first_line_ends_in_cr(data))
    whole = _whole_record(expected, lines.bare, lines.end.pattern) if expected else None
    position, size = start, len(data)
    # Looking for a closing quote may run to the end of the file; this bounds how often that can happen.
    patience = 8 * size + (1 << 20)
    while position < size:
        limit = size if patience > 0 else lines.span(data, position)[0]
        match = whole.match(data, position, limit) if whole else None
        if match is not None:
            raw = data[position : match.end()]
            if raw:
                groups = match.groups()
                fields = [
                    quoted.replace(b'""', b'"') if quoted is not None else bare
                    for quoted, bare in zip(groups[::2], groups[1::2], strict=True)
                ]
                yield CsvRecord(position, raw, fields, _swallowed(raw))
            position = lines.skip(data, match.end())
            continue
        record, position, reach = _odd_record(data, position, limit, expected, lines)
        patience -= max(0, reach - position)
        if record.raw:
            yield record


def _first_line_ends_in_cr(data: bytes) -> bool:
    quoted = False
    for match in re.finditer(rb'"|\r\n|\n|\r', data):
        if match[0] == b'"':
            quoted = not quoted
        elif not quoted:
            return match[0] == b"\r"
    return False


@cache
def _lines(ends_in_cr: bool) -> _Lines:
    end = rb"\r" if ends_in_cr else rb"\r?\n"
    # a field without quotes: not beginning with one, up to the next comma or line end
    bare = rb'((?:(?!")[^,\r]++)?+)' if ends_in_cr else rb'((?:(?!")(?:[^,\r\n]++|\r(?!\n))++)?+)'
    field = re.compile(rb"(?:" + _QUOTED + rb"|" + bare + rb")(?=,|" + end + rb"|\Z)")
    return _Lines(re.compile(end), bare, field)


@cache
def _whole_record(count: int, bare: bytes, end: bytes) -> re.Pattern[bytes]:
    field = rb"(?:" + _QUOTED + rb"|" + bare + rb")"
    return re.compile(rb",".join([field] * count) + rb"(?=" + end + rb"|\Z)")


def _odd_record(
    data: bytes, start: int, limit: int, expected: int | None, lines: _Lines
) -> tuple[CsvRecord, int, int]:
    """A record that is not simply `expected` fields, the position after it, and how far was looked."""
    line, after_line = lines.span(data, start)
    fields, end, reach = _strict_fields(data, start, limit, lines)
    if fields is not None and (end <= line or expected is None):
        record = CsvRecord(start, data[start:end], fields, _miscounted(fields, expected))
        return record, lines.skip(data, end), reach
    one_line = _lenient_fields(data[start:line], expected)
    if fields is not None and len(one_line) != expected:
        # Proper quoting over several lines, only the number of fields is wrong: the quoting is believed.
        raw = data[start:end]
        problems = (*_miscounted(fields, expected), *_swallowed(raw))
        return CsvRecord(start, raw, fields, problems), lines.skip(data, end), reach
    problems = (UNBALANCED, *_miscounted(one_line, expected))
    return CsvRecord(start, data[start:line], one_line, problems), after_line, reach


def _strict_fields(data: bytes, start: int, limit: int, lines: _Lines) -> tuple[list[bytes] | None, int, int]:
    fields: list[bytes] = []
    position = start
    while True:
        match = lines.field.match(data, position, limit)
        if match is None:
            opened = _open_quote.match(data, position, limit)
            return None, position, opened.end() if opened else position
        quoted, bare = match.groups()
        fields.append(quoted.replace(b'""', b'"') if quoted is not None else bare)
        position = match.end()
        if position >= limit or data[position : position + 1] != b",":
            return fields, position, position
        position += 1


def _lenient_fields(line: bytes, expected: int | None) -> list[bytes]:
    fields: list[bytes] = []
    position = 0
    while match := _lenient_field.match(line, position):
        quoted, bare = match.groups()
        fields.append(quoted.replace(b'""', b'"') if quoted is not None else bare)
        position = match.end() + 1
        if position > len(line):
            break
    plain = line.split(b",")
    return plain if len(fields) != expected and len(plain) == expected else fields


def _miscounted(fields: list[bytes], expected: int | None) -> tuple[str, ...]:
    if expected is None or len(fields) == expected:
        return ()
    return (f"the row has {len(fields)} fields where the header has {expected}; fields may be out of place",)


def _swallowed(raw: bytes) -> tuple[str, ...]:
    found = len(_like_a_row.findall(raw))
    if not found:
        return ()
    return (f"{found} line(s) inside a field of this row look like rows of their own",)
