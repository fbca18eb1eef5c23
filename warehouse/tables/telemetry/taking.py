"""One telemetry file on its way in: read to its end, content out, held aside until all of it is known to be good.

Promise: nothing of a file that turns out bad reaches the archive. What is held aside, lines and rows, holds no
content; it is in memory first and then in an unnamed file, so that memory does not grow with the file.
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
_IN_MEMORY: Final = 32 << 20  # of compressed parts and rows
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
    """A file that was read and may enter. `batches` are its rows, by table: where they are held aside."""

    name: str
    sha256: str
    size: int
    version: str | None
    aside: "SpooledTemporaryFile[bytes]"
    parts: list[Part] = field(default_factory=list)
    batches: list[tuple[str, int, int]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    messages: int = 0
    removed: Counter[str] = field(default_factory=Counter)

    def packed(self) -> Iterator[tuple[Part, Packed]]:
        """The parts, ready to be stored."""
        for part in self.parts:
            self.aside.seek(part.at)
            yield part, Packed(self.aside.read(part.size), part.body_sha256, part.body_bytes)

    def rows(self) -> Iterator[tuple[str, pa.Table]]:
        """The rows, by table, in batches and in order."""
        for name, at, size in self.batches:
            self.aside.seek(at)
            with pa.ipc.open_stream(self.aside.read(size)) as stream:
                yield name, stream.read_all()

    def put(self, data: bytes) -> int:
        """Hold something aside; where it is."""
        at = self.aside.seek(0, io.SEEK_END)
        self.aside.write(data)
        return at

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


def rows_of(messages: Iterator[Message]) -> Iterator[tuple[str, pa.Table]]:
    """The rows of messages one after the other, by table, in batches."""
    maker = RowMaker()
    for message in messages:
        maker.add(message)
        if maker.waiting >= FLUSH_ROWS:
            yield from maker.flush().items()
    yield from maker.flush().items()


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
    at = taken.put(packed.data)
    taken.parts.append(Part(at, len(packed.data), packed.body_sha256, packed.body_bytes, maker.waiting))
    for name, rows in maker.flush().items():
        encoded = _encoded(rows)
        taken.batches.append((name, taken.put(encoded), len(encoded)))


def _encoded(rows: pa.Table) -> bytes:
    """Rows as Arrow has them, compressed a little: what is read back soon, and once."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as stream:
        stream.write_table(rows)
    data: bytes = sink.getvalue().to_pybytes()
    return data


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
