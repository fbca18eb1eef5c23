"""What the archive holds, read without the pipeline's own readers: a witness that shares no code with it.

Pages are decompressed by zstandard alone and cut at brackets and quotes, byte by byte, so that invalid UTF-8,
integers beyond 64 bits and repeated keys cannot trouble it.
"""

import json
import re
from collections import Counter
from pathlib import Path

import zstandard

_MARKS = re.compile(rb'["\\{}\[\]]')


def cut(body: bytes) -> list[bytes]:
    """The verbatim elements of the array that follows `"data":` in a body."""
    begin = body.index(b'{"data":[') + len(b'{"data":[')
    records: list[bytes] = []
    depth, quoted, position, first = 0, False, begin, begin
    while True:
        mark = _MARKS.search(body, position)
        assert mark is not None, "the array has no end"
        sign, at = mark.group(), mark.start()
        position = at + (2 if sign == b"\\" else 1)
        if sign == b'"':
            quoted = not quoted
        elif quoted or sign == b"\\":
            continue
        elif sign in b"{[":
            if depth == 0:
                first = at
            depth += 1
        elif depth == 0:
            return records
        else:
            depth -= 1
            if depth == 0:
                records.append(body[first : at + 1])


def bodies(root: Path) -> list[bytes]:
    """Every page in the folder of an archive, as it was served."""
    return [
        zstandard.ZstdDecompressor().decompress(path.read_bytes())
        for path in sorted((root / "pages" / "activities").rglob("*.json.zst"))
    ]


def committed_pages(root: Path) -> list[bytes]:
    """The pages that pull entries name, in order of the log, as they were served."""
    found = []
    for path in sorted((root / "log" / "entry").iterdir()):
        entry = json.loads(path.read_bytes())
        if entry["kind"] == "pull" and entry["stream"] == "activities":
            for page in entry["objects"]:
                found.append(zstandard.ZstdDecompressor().decompress((root / page["key"]).read_bytes()))
    return found


def archived_records(root: Path) -> Counter[bytes]:
    """Verbatim records of all committed pages, with how often each was served."""
    return Counter(record for body in committed_pages(root) for record in cut(body))
