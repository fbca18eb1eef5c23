"""One telemetry file on its way in: read to its end, content out, held aside until all of it is known to be good.

Promise: nothing of a file that turns out bad reaches the archive. What is held aside holds no content, in memory
first and then in an unnamed file; rows are held too, unless there are so many that they are better made again.
"""

import hashlib
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final

import pyarrow as pa

from warehouse.archive.archive import Packed
from warehouse.tables.telemetry.rows import FLUSH_ROWS, RowMaker
from warehouse.telemetry import Message, NotTelemetry, Reader, write_line

_PART_BYTES: Final = 8 << 20  # of lines, before compression
_IN_MEMORY: Final = 32 << 20  # of compressed parts
_ROWS_KEPT: Final = 2 * FLUSH_ROWS
_COUNTED_NAMES: Final = 200  # names of removed attributes told one by one; the others are counted together
OTHERS: Final = "(other names)"


@dataclass(frozen=True)
class Part:
    """A stretch of a file's lines as they will be archived; `at` is where they are held aside."""

    at: int
    size: int
    body_sha256: str
    body_bytes: int
    rows: int


@dataclass
class Taken:
    """A file that was read and may enter. `rows` is None where there are too many to be kept."""

    name: str
    sha256: str
    size: int
    version: str | None
    aside: "SpooledTemporaryFile[bytes]"
    parts: list[Part] = field(default_factory=list)
    rows: list[dict[str, pa.Table]] | None = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    messages: int = 0
    removed: Counter[str] = field(default_factory=Counter)

    def packed(self) -> Iterator[tuple[Part, Packed]]:
        """The parts, ready to be stored."""
        for part in self.parts:
            self.aside.seek(part.at)
            yield part, Packed(self.aside.read(part.size), part.body_sha256, part.body_bytes)

    def facts(self) -> dict[str, Any]:
        """What the entry says of the file."""
        return {
            "name": self.name,
            "sha256": self.sha256,
            "bytes": self.size,
            "version": self.version,
            "parts": len(self.parts),
            "messages": self.messages,
            "removed": dict(sorted(self.removed.items())),
        }


def take(
    reader: Reader, file: IO[bytes], name: str, *, told: str, sha256: str, size: int, version: str | None
) -> Taken:
    """Read a file to its end. `told` is its whole path, `sha256` and `size` those of its bytes as they were seen
    before. Raises NotTelemetry; then nothing of it is kept."""
    aside: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - landed later
    taken = Taken(name, sha256, size, version, aside)
    hashing = _Hashing(file)
    try:
        _read(reader, io.BufferedReader(hashing, 1 << 20), told, taken)
        if hashing.hexdigest() != sha256:
            raise NotTelemetry(f"{name} was still being written while it was read; it is taken when it is whole")
    except BaseException:
        aside.close()
        raise
    return taken


def rows_of(messages: Iterator[Message], taken: "Taken | None" = None) -> Iterator[dict[str, pa.Table]]:
    """Batches of rows, by table, of messages one after the other."""
    maker = RowMaker()
    for message in messages:
        maker.add(message)
        if maker.waiting >= FLUSH_ROWS:
            yield maker.flush()
    if maker.waiting:
        yield maker.flush()


def _read(reader: Reader, file: IO[bytes], told: str, taken: Taken) -> None:
    maker = RowMaker()
    lines: list[bytes] = []
    held = 0
    for message in reader.read(file, taken.name, told=told):
        line = write_line(message)
        taken.messages += 1
        _count(taken.removed, message.removed)
        maker.add(message)
        lines.append(line)
        held += len(line)
        if held >= _PART_BYTES or maker.waiting >= FLUSH_ROWS:
            _part(taken, lines, maker)
            lines, held = [], 0
    if lines:
        _part(taken, lines, maker)
    taken.counts = maker.counts


def _part(taken: Taken, lines: list[bytes], maker: RowMaker) -> None:
    packed = Packed.of(b"".join(lines))
    at = taken.parts[-1].at + taken.parts[-1].size if taken.parts else 0
    taken.aside.seek(at)
    taken.aside.write(packed.data)
    taken.parts.append(Part(at, len(packed.data), packed.body_sha256, packed.body_bytes, maker.waiting))
    tables = maker.flush()
    if taken.rows is not None:
        taken.rows.append(tables)
        if sum(maker.counts.values()) > _ROWS_KEPT:
            taken.rows = None


def _count(total: Counter[str], more: Counter[str]) -> None:
    for name, count in more.items():
        total[name if name in total or len(total) < _COUNTED_NAMES else OTHERS] += count


class _Hashing(io.RawIOBase):
    """A file that is hashed as it is read: what was decoded is what was hashed before, or it is refused."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        self._digest.update(data)
        buffer[: len(data)] = data
        return len(data)

    def hexdigest(self) -> str:
        """Of the whole file, also of what nobody wanted to read."""
        while self.read(1 << 20):
            pass
        return self._digest.hexdigest()
