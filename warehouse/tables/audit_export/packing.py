"""From the file as given to UTF-8 bytes of the export in it: ZIP opened, byte order mark and UTF-16 resolved.

Promise: nothing is ever written to disk or named by a path in the ZIP, and a bomb is refused before it goes off.
"""

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from warehouse.tables.audit_export.errors import AuditExportError, NotAnExport, PackingRefused
from warehouse.tables.audit_export.fields import EXPECTED

MAX_BYTES: Final = 1 << 30  # of the export once unpacked; 180 days of a big tenant are some 100 MB
MAX_RATIO: Final = 200  # unpacked : packed; real exports reach 10 to 40
_RATIO_FREE_BYTES: Final = 16 << 20  # below this size no ratio can hurt
_READABLE: Final = (".csv", ".json", ".jsonl", ".ndjson")
_CHUNK: Final = 1 << 20

_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_MARKS: Final = (  # longest first: the UTF-32 mark begins with the UTF-16 one
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)

_LOOKS: Final = (
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a gzip file; unpack it first"),
    (b"PAR1", "a Parquet file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file; ask the console for the CSV again"),
    (b"\x89PNG", "a picture"),
    (b"SQLite format 3", "a SQLite database"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file; unpack it first"),
    (b"<", "HTML or XML, perhaps the sign-in page that an expired link shows (a link lives 24 hours)"),
)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The export as UTF-8 (invalid bytes left as they are), where it was found and what it was encoded in."""

    data: bytes
    encoding: str
    member: str | None
    notes: tuple[str, ...]


def unpack(data: bytes, file_name: str) -> Unpacked:
    """Open `data`. Raises NotAnExport or PackingRefused, naming the file and what was found."""
    if not data:
        raise NotAnExport(f"{file_name}: the file is empty; {EXPECTED}")
    member: str | None = None
    passed_over: list[str] = []
    notes: list[str] = []
    if data.startswith(_ZIP):
        data, member, passed_over = _largest_member(data, file_name)
        if passed_over:
            notes.append(f"the ZIP also holds {', '.join(passed_over)}; only {member}, the largest, was read")
        if not data:
            raise NotAnExport(f"{file_name}: {member} in it is empty; {EXPECTED}")
    elif len(data) > MAX_BYTES:
        raise NotAnExport(
            f"{file_name}: {len(data):,} bytes, more than the {MAX_BYTES:,} that are read at once; "
            "export a shorter span or cut the file at line ends, each part with the header line"
        )
    where = file_name if member is None else f"{file_name} ({member})"
    for mark, look in _LOOKS:
        if data.startswith(mark):
            raise NotAnExport(f"{where}: found {look}; {EXPECTED}")
    text, encoding, damage = _as_utf8(data)
    if damage:
        notes.append(damage)
    if not text.strip():
        raise NotAnExport(f"{where}: found only white space; {EXPECTED}")
    return Unpacked(text, encoding, member, tuple(notes))


def members(data: bytes, file_name: str) -> list[str]:
    """The names of the files in a ZIP that may be exports; none where it is no ZIP. Raises PackingRefused."""
    if not data.startswith(_ZIP):
        return []
    with _told(file_name), zipfile.ZipFile(io.BytesIO(data)) as packed:
        return [info.filename for info in packed.infolist() if not info.is_dir() and _is_readable(info.filename)]


def member(data: bytes, name: str, file_name: str) -> bytes:
    """One file of a ZIP, as it is in it. Raises PackingRefused."""
    with _told(file_name), zipfile.ZipFile(io.BytesIO(data)) as packed:
        return _read(packed, packed.getinfo(name), file_name)


def _as_utf8(data: bytes) -> tuple[bytes, str, str | None]:
    for mark, encoding in _MARKS:
        if not data.startswith(mark):
            continue
        body = data[len(mark) :]
        if encoding == "utf-8":
            return body, encoding, None
        width = 2 if encoding.startswith("utf-16") else 4
        try:
            # lone surrogates pass through and become invalid UTF-8, which the row they stand in reports
            text = body[: len(body) - len(body) % width].decode(encoding, "surrogatepass")
        except UnicodeDecodeError:
            text = body.decode(encoding, "replace")
            return text.encode(), encoding, f"not all of the file is valid {encoding}: U+FFFD stands for the rest"
        damage = f"the file ends in the middle of a {encoding} character" if len(body) % width else None
        return text.encode("utf-8", "surrogatepass"), encoding, damage
    return data, "utf-8", None


def _largest_member(data: bytes, file_name: str) -> tuple[bytes, str, list[str]]:
    with _told(file_name), zipfile.ZipFile(io.BytesIO(data)) as packed:
        members = [info for info in packed.infolist() if not info.is_dir()]
        readable = [info for info in members if _is_readable(info.filename)]
        if not readable:
            raise NotAnExport(f"{file_name}: {_contents(members)}; {EXPECTED}")
        chosen = max(readable, key=lambda info: info.file_size)
        passed_over = [info.filename for info in readable if info is not chosen]
        return _read(packed, chosen, file_name), chosen.filename, passed_over


@contextmanager
def _told(file_name: str) -> Iterator[None]:
    """What a ZIP does wrong, as PackingRefused; the library's own words may quote what is in it."""
    try:
        yield
    except AuditExportError:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        struct.error,
        EOFError,
        OSError,
        ValueError,
    ) as error:
        raise PackingRefused(
            f"{file_name}: the ZIP is damaged; download the export again and import it as it came"
        ) from error
    except (RuntimeError, NotImplementedError) as error:  # a password, an exotic compression
        raise PackingRefused(
            f"{file_name}: the ZIP cannot be opened ({error}); unpack it yourself and import the CSV"
        ) from error


def _is_readable(name: str) -> bool:
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    # macOS adds `__MACOSX/._name.csv` beside each file: not a table, and sometimes the larger of the two
    return last.lower().endswith(_READABLE) and not last.startswith("._")


def _contents(members: list[zipfile.ZipInfo]) -> str:
    names = [info.filename for info in members]
    if "[Content_Types].xml" in names:
        return "found an Office document (a workbook?); import the CSV as the console gave it"
    if not names:
        return "found an empty ZIP"
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"found a ZIP without a .csv or .json in it, only {shown}"


def _read(packed: zipfile.ZipFile, info: zipfile.ZipInfo, file_name: str) -> bytes:
    limit = min(MAX_BYTES, max(_RATIO_FREE_BYTES, info.compress_size * MAX_RATIO))
    refused = PackingRefused(
        f"{file_name}: {info.filename} in it would unpack to more than {limit:,} bytes from "
        f"{info.compress_size:,} (limits: {MAX_BYTES:,} bytes and {MAX_RATIO} times its packed size); "
        "if the file is trusted, unpack it yourself and import the CSV"
    )
    if info.file_size > limit:
        raise refused
    parts: list[bytes] = []
    size = 0
    with packed.open(info) as member:  # the stated size may lie, so what really comes out is counted
        while part := member.read(_CHUNK):
            size += len(part)
            if size > limit:
                raise refused
            parts.append(part)
    return b"".join(parts)
