"""A telemetry file into the encoded export requests in it: gzip, Zstandard or plain; one, a line each, or framed.

Promise: one request is in memory at a time, and none larger than MAX_MESSAGE; a bomb is refused; a file that
ends in the middle is told from one that is no telemetry. The forms are those of the Collector's `file` and `awss3`
exporters.
"""

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Final, Literal

import zstandard

from warehouse.telemetry.errors import CutShort, NotTelemetry, TooLarge
from warehouse.telemetry.model import Signal

MAX_MESSAGE: Final = 256 << 20  # bytes of one request, unpacked
MAX_RATIO: Final = 200  # unpacked : packed; real files reach some 30
_RATIO_FREE_BYTES: Final = 16 << 20  # below this size no ratio can hurt
_BUFFER: Final = 1 << 17
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_WHITE: Final = b" \t\r\n"
_SIGNAL: Final = re.compile(r"(?<![a-z])(metrics?|logs?|traces?)(?![a-z])", re.IGNORECASE)
_SIGNALS: Final[dict[str, Signal]] = {"m": "metrics", "l": "logs", "t": "traces"}


@dataclass(frozen=True)
class Encoded:
    """One export request. `where` names it for people."""

    encoding: Literal["json", "protobuf"]
    data: bytes
    where: str


def signal_of(name: str) -> Signal | None:
    """The signal that a path names: the last folder or file that says metrics, logs or traces."""
    for part in reversed(re.split(r"[/\\]", name)):
        found = _SIGNAL.findall(part)
        if found:
            return _SIGNALS[found[-1][0].lower()]
    return None


def requests(file: IO[bytes], name: str) -> Iterator[Encoded]:
    """The requests of a file, in order. Raises NotTelemetry with the reason; an empty file is none either."""
    file = io.BufferedReader(file) if not hasattr(file, "peek") else file  # type: ignore[type-var]
    try:
        yield from _unpacked(file, name)
    except EOFError:
        raise CutShort(f"{name} ends in the middle of its compressed data; send it again whole") from None
    except (zlib.error, gzip.BadGzipFile, zstandard.ZstdError):
        raise NotTelemetry(f"{name} does not decompress: it is damaged, or cut off") from None


def _unpacked(file: "IO[bytes]", name: str) -> Iterator[Encoded]:
    head = _peek(file, 4)
    packed = _Packed(file)
    if head[:2] == _GZIP:
        unpacked: IO[bytes] = gzip.GzipFile(fileobj=packed)  # type: ignore[call-overload]
    elif head[:4] == _ZSTD:
        unpacked = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)  # type: ignore[arg-type]
    else:
        yield from _plain(file, name)
        return
    yield from _plain(io.BufferedReader(_Bounded(unpacked, packed, name), _BUFFER), name)


class _Packed:
    """What a decompressor reads from; `taken` is how many bytes it took."""

    def __init__(self, file: "IO[bytes]") -> None:
        self._file, self.taken = file, 0

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.taken += len(data)
        return data


class _Bounded(io.RawIOBase):
    """What comes out of a decompressor. Raises TooLarge once that is out of all proportion to what went in."""

    def __init__(self, unpacked: "IO[bytes]", packed: _Packed, name: str) -> None:
        self._unpacked, self._packed, self._name, self._size = unpacked, packed, name, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._unpacked.read(len(buffer))
        self._size += len(data)
        if self._size > max(_RATIO_FREE_BYTES, self._packed.taken * MAX_RATIO):
            raise TooLarge(
                f"{self._name} unpacks to more than {MAX_RATIO} times its size, as no telemetry does; if it is "
                f"trusted, unpack it first"
            )
        buffer[: len(data)] = data
        return len(data)


def _plain(file: "IO[bytes]", name: str) -> Iterator[Encoded]:
    head = _peek(file, 5)
    if not head:
        raise NotTelemetry(f"{name} is empty")
    if head[:3] == b"\xef\xbb\xbf":  # a byte order mark
        file.read(3)
        head = _peek(file, 5)
    if head[:1] == b"{" or head[:1] in [bytes([one]) for one in _WHITE if one != 0x0A]:
        yield from _json(file, name)
    elif head[:1] == b"\n":
        yield from _protobuf_or_lines(file, name)
    elif _is_frame(head):
        yield from _framed(file, name)
    else:
        raise NotTelemetry(f"{name} is neither JSON nor protobuf of OTLP")


def _protobuf_or_lines(file: "IO[bytes]", name: str) -> Iterator[Encoded]:
    """A line break is also the first byte of a request in protobuf."""
    data = _whole(file, name)
    if data.lstrip()[:1] == b"{" and name.lower().rstrip(".gzst").endswith((".json", ".jsonl")):
        yield from _json(io.BytesIO(data), name)
    else:
        yield Encoded("protobuf", data, name)


def _json(file: "IO[bytes]", name: str) -> Iterator[Encoded]:
    number = 0
    while line := file.readline(MAX_MESSAGE + 1):
        if len(line) > MAX_MESSAGE:
            raise TooLarge(_too_large(name))
        if not line.strip(_WHITE):
            continue
        number += 1
        if number == 1 and not line.rstrip(_WHITE).endswith(b"}"):
            rest = _whole(file, name)  # one document over several lines
            yield Encoded("json", line + rest, name)
            return
        if number == 1 and line.strip(_WHITE) in (b"{}", b"{"):
            yield Encoded("json", line + _whole(file, name), name)
            return
        yield Encoded("json", line, f"line {number} of {name}")
    if not number:
        raise NotTelemetry(f"{name} has only empty lines")


def _is_frame(head: bytes) -> bool:
    """Four bytes of length, most significant first; a request in protobuf never begins with them."""
    return len(head) == 5 and int.from_bytes(head[:4], "big") <= MAX_MESSAGE


def _framed(file: "IO[bytes]", name: str) -> Iterator[Encoded]:
    """As the `file` exporter writes protobuf, and anything with Zstandard: a length before each request."""
    number = 0
    while length := file.read(4):
        number += 1
        where = f"request {number} of {name}"
        size = int.from_bytes(length, "big")
        if len(length) < 4 or size > MAX_MESSAGE:
            raise CutShort(f"{where} is cut off or no request; send the file again whole")
        data = file.read(size)
        if len(data) < size:
            raise CutShort(f"{where} is cut off: {size} bytes were announced; send the file again whole")
        if data[:4] == _ZSTD:
            data = _inflated(data, where)
        is_json = data.lstrip(_WHITE)[:1] == b"{" and data[:1] != b"\n"
        yield Encoded("json" if is_json else "protobuf", data, where)


def _inflated(data: bytes, where: str) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(data) as reader:
        plain: bytes = reader.read(MAX_MESSAGE + 1)
    if len(plain) > MAX_MESSAGE:
        raise TooLarge(_too_large(where))
    return plain


def _whole(file: "IO[bytes]", name: str) -> bytes:
    data = file.read(MAX_MESSAGE + 1)
    if len(data) > MAX_MESSAGE:
        raise TooLarge(_too_large(name))
    return data


def _too_large(where: str) -> str:
    return (
        f"{where} is one request of more than {MAX_MESSAGE >> 20} MB; let the collector write smaller batches "
        f"(`send_batch_max_size`)"
    )


def _peek(file: "IO[bytes]", size: int) -> bytes:
    return bytes(file.peek(size)[:size])  # type: ignore[attr-defined]
