"""CSV bytes into records, each with the exact bytes it stood in.

Promise: every byte of the file is in exactly one record or is a line end; a quote that is never closed costs its
own line at most, and is reported. Rows differ from RFC 4180 in real files, so this reads what is there.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

# A field: quoted (quotes doubled, anything inside), or bare (no comma, no line end, not starting with a quote).
_QUOTED: Final = rb'"((?:[^"]++|"")*+)"'
_BARE: Final = rb'((?:[^",\r\n][^,\r\n]*+)?)'
_END: Final = rb"(?:\r\n|\n|\r|\Z)"

_strict_field = re.compile(rb"(?:" + _QUOTED + rb"|" + _BARE + rb")(?=[,\r\n]|\Z)")
_open_quote = re.compile(rb'"(?:[^"]++|"")*+')
_line_end = re.compile(rb"\r\n|\n|\r")
# Within one line: a quote closes only before a comma or the end; without such a quote it is an ordinary character.
_lenient_field = re.compile(rb'"((?:[^"]++|"(?!,|\Z))*+)"(?=,|\Z)|([^,]*+)')
_like_a_row = re.compile(rb'[\r\n]"?\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d')

UNBALANCED: Final = "a quote in this row is never closed or closes in the wrong place; it was read as one line"


@dataclass(frozen=True, slots=True)
class CsvRecord:
    """One record: where it stands (byte offset), its bytes without the line end, its unquoted fields."""

    offset: int
    raw: bytes
    fields: list[bytes]
    problems: tuple[str, ...] = ()


def split_records(data: bytes, expected: int | None = None, start: int = 0) -> Iterator[CsvRecord]:
    """The records of `data` from byte `start`, blank lines left out; comma separated, any line end.

    `expected` is the number of fields of a whole row (None for a header): a record with another number is
    reported in its `problems`, and decides between two readings where a quote is out of place.
    """
    whole = _whole_record(expected) if expected else None
    position, size = start, len(data)
    # Looking for a closing quote may run to the end of the file; this bounds how often that can happen.
    patience = 8 * size + (1 << 20)
    while position < size:
        limit = size if patience > 0 else _end_of_line(data, position)[0]
        match = whole.match(data, position, limit) if whole else None
        if match is not None:
            after = match.end()
            raw = data[position : _without_line_end(data, position, after)]
            if patience <= 0:
                after = _end_of_line(data, position)[1]
            if raw:
                groups = match.groups()
                fields = [
                    quoted.replace(b'""', b'"') if quoted is not None else bare
                    for quoted, bare in zip(groups[::2], groups[1::2], strict=True)
                ]
                yield CsvRecord(position, raw, fields, _swallowed(raw))
            position = after
            continue
        record, after, reach = _odd_record(data, position, limit, expected)
        patience -= max(0, reach - after)
        if record.raw:
            yield record
        position = after


@cache
def _whole_record(count: int) -> re.Pattern[bytes]:
    field = rb"(?:" + _QUOTED + rb"|" + _BARE + rb")"
    return re.compile(rb",".join([field] * count) + _END)


def _odd_record(data: bytes, start: int, limit: int, expected: int | None) -> tuple[CsvRecord, int, int]:
    """A record that is not simply `expected` fields, the position after it, and how far was looked."""
    line, after_line = _end_of_line(data, start)
    fields, end, reach = _strict_fields(data, start, limit)
    if fields is not None and (end <= line or expected is None):
        raw = data[start:end]
        return CsvRecord(start, raw, fields, _miscounted(fields, expected)), _skip_end(data, end), reach
    raw = data[start:line]
    one_line = _lenient_fields(raw, expected)
    if fields is not None and len(one_line) != expected:
        # Proper quoting over several lines, only the number of fields is wrong: the quoting is believed.
        raw = data[start:end]
        problems = (*_miscounted(fields, expected), *_swallowed(raw))
        return CsvRecord(start, raw, fields, problems), _skip_end(data, end), reach
    problems = (UNBALANCED, *_miscounted(one_line, expected))
    return CsvRecord(start, raw, one_line, problems), after_line, reach


def _strict_fields(data: bytes, start: int, limit: int) -> tuple[list[bytes] | None, int, int]:
    fields: list[bytes] = []
    position = start
    while True:
        match = _strict_field.match(data, position, limit)
        if match is None:
            opened = _open_quote.match(data, position, limit)
            return None, position, opened.end() if opened else position
        quoted, bare = match.groups()
        fields.append(quoted.replace(b'""', b'"') if quoted is not None else bare)
        position = match.end()
        if data[position : position + 1] != b"," or position >= limit:
            return fields, position, position
        position += 1


def _lenient_fields(line: bytes, expected: int | None) -> list[bytes]:
    fields: list[bytes] = []
    position = 0
    while True:
        match = _lenient_field.match(line, position)
        if match is None:  # cannot be: the second alternative takes anything
            break
        quoted, bare = match.groups()
        fields.append(quoted.replace(b'""', b'"') if quoted is not None else bare)
        position = match.end()
        if position >= len(line):
            break
        position += 1
        if position == len(line):
            fields.append(b"")
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
    return (f"{found} line(s) inside a quoted field of this row look like rows of their own",)


def _end_of_line(data: bytes, start: int) -> tuple[int, int]:
    match = _line_end.search(data, start)
    return match.span() if match else (len(data), len(data))


def _skip_end(data: bytes, position: int) -> int:
    match = _line_end.match(data, position)
    return match.end() if match else position


def _without_line_end(data: bytes, start: int, end: int) -> int:
    if data[end - 2 : end] == b"\r\n" and end - 2 >= start:
        return end - 2
    return end - 1 if end > start and data[end - 1 : end] in (b"\n", b"\r") else end
