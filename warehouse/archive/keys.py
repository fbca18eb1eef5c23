"""Where each object lives in the bucket. The layout is final: evidence written today is found in ten years.

Promise: names are made only from times, numbers, hashes and our own words, never from served text.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime

from warehouse.archive.merkle import TILE_WIDTH, tile_path
from warehouse.wire.times import key_time
from warehouse.wire.windows import Window

ENTRIES = "log/entry/"
CHECKPOINTS = "log/checkpoint/"
TILES = "log/tile/"
COSIGNATURES = "log/witness/"
TIMESTAMPS = "log/timestamp/"
# Everything below these prefixes must be explained by an entry of the log.
EXPLAINED = ("pages/", "tables/", "seals/", "periods/", "receipts/", "dead_letters/")
OURS = (*EXPLAINED, "log/")


def entry(seq: int) -> str:
    return f"{ENTRIES}{seq:012d}.json"


def entry_seq(key: str) -> int | None:
    """The number of an entry's key, or None when the key is not one."""
    match = re.fullmatch(r"log/entry/([0-9]{12})\.json", key)
    return int(match.group(1)) if match else None


def checkpoint(size: int) -> str:
    return f"{CHECKPOINTS}{size:012d}"


def checkpoint_size(key: str) -> int | None:
    match = re.fullmatch(r"log/checkpoint/([0-9]{12})", key)
    return int(match.group(1)) if match else None


def covering(first: int, last: int, prefix: str) -> Iterator[str]:
    """Beginnings of keys (of 12-digit numbers below `prefix`) that cover the numbers from `first` to `last`, and
    few others: what can be listed without listing all."""
    digits = 12
    while first <= last:
        width = 1
        while first % (width * 10) == 0 and first + width * 10 - 1 <= last:
            width *= 10
        shown = f"{first:0{digits}d}"
        yield prefix + shown[: digits - (len(str(width)) - 1)]
        first += width


def tiles_between(first: int, last: int) -> Iterator[str]:
    """Beginnings of the keys of all tiles that the logs of `first` to `last` entries widened."""
    level, low, high = 0, max(first - 1, 0), max(last - 1, 0)
    while True:
        for index in range(low // TILE_WIDTH, high // TILE_WIDTH + 1):
            yield f"{TILES}{tile_path(level, index, TILE_WIDTH)}"
        if high < TILE_WIDTH:
            return
        level, low, high = level + 1, low // TILE_WIDTH, high // TILE_WIDTH


def tile(level: int, index: int, width: int) -> str:
    return f"{TILES}{tile_path(level, index, width)}"


def tile_size(key: str) -> int | None:
    """The smallest log that has the tile of this key, or None when the key is not that of a tile."""
    match = re.fullmatch(r"log/tile/([0-9]|[1-5][0-9]|6[0-3])/([x0-9/]+?)(?:\.p/([0-9]{1,3}))?", key)
    if match is None:
        return None
    level, index = int(match.group(1)), int("".join(c for c in match.group(2) if c.isdigit()) or "0")
    width = int(match.group(3)) if match.group(3) else TILE_WIDTH
    if not 1 <= width <= TILE_WIDTH or tile(level, index, width) != key:
        return None
    return (index * TILE_WIDTH + width) << (8 * level)


def cosignature(size: int, key_hash: bytes) -> str:
    """The checkpoint of a size, cosigned by the witness whose key has this digest (4 bytes)."""
    return f"{COSIGNATURES}{size:012d}/{key_hash.hex()}"


def cosignature_place(key: str) -> tuple[int, bytes] | None:
    """Size and digest of a cosignature's key, or None when the key is not one."""
    match = re.fullmatch(r"log/witness/([0-9]{12})/([0-9a-f]{8})", key)
    return (int(match.group(1)), bytes.fromhex(match.group(2))) if match else None


def timestamp(size: int, sha256: str) -> str:
    """An RFC 3161 answer about the checkpoint of a size; `sha256` is that of the answer."""
    return f"{TIMESTAMPS}{size:012d}/{sha256[:16]}.tsr"


def timestamp_size(key: str) -> int | None:
    """The size that a timestamp is about, or None when the key is not that of one."""
    match = re.fullmatch(r"log/timestamp/([0-9]{12})/[0-9a-f]{16}\.tsr", key)
    return int(match.group(1)) if match else None


def page(stream: str, pulled_at: datetime, window: Window, index: int, sha256: str) -> str:
    """`index` counts pages from 1; `sha256` is that of the stored (compressed) object."""
    day = pulled_at.astimezone(UTC).date().isoformat()
    return f"pages/{stream}/dt={day}/{window.key}/{index:04d}-{sha256[:16]}.json.zst"


def pages_of_day(stream: str, day: date) -> str:
    return f"pages/{stream}/dt={day.isoformat()}/"


def recent(table: str, day: date, seq: int, sha256: str) -> str:
    return f"tables/recent/{table}/dt={day.isoformat()}/{seq:012d}-{sha256[:16]}.parquet"


def sealed(table: str, day: date, part: int, sha256: str) -> str:
    return f"tables/sealed/{table}/dt={day.isoformat()}/part-{part:04d}-{sha256[:16]}.parquet"


def seal_marker(table: str, day: date, part: int, sha256: str) -> str:
    """`sha256` is that of the sealed part which the marker makes visible."""
    return f"seals/{table}/dt={day.isoformat()}/part-{part:04d}-{sha256[:16]}.parquet"


def seal_markers(table: str) -> str:
    return f"seals/{table}/"


def imported(stream: str, at: datetime, sha256: str) -> str:
    """A file that somebody handed in, whole; `sha256` is that of the stored (compressed) object."""
    return f"pages/{stream}/dt={at.astimezone(UTC).date().isoformat()}/file/0001-{sha256[:16]}.zst"


def payer_file(at: datetime, name: str, sha256: str) -> str:
    """A file of who pays as it was at a moment; `name` is one of our own words with its ending, `mapping.csv`."""
    word, _, ending = name.partition(".")
    return f"periods/payers/{key_time(at)}-{word}-{sha256[:16]}.{ending}"


def period_file(period: str, number: int, name: str, sha256: str) -> str:
    """A file of the close of a month. `name` is one of our own words with its ending, `statement.json`; `number`
    counts the statements of that month from 1."""
    word, _, ending = name.partition(".")
    return f"periods/{period}/{number:04d}-{word}-{sha256[:16]}.{ending}"
