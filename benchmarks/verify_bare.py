"""The least that has to be done for `verify --deep`: each page read, decompressed and cut into its records, each
record hashed as a leaf, the leaves hashed into a root. Nothing is compared with anything. Prints one JSON line.
"""

import argparse
import hashlib
import json
from pathlib import Path

import msgspec
import zstandard


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    decode, sha256 = msgspec.json.Decoder(_Page).decode, hashlib.sha256
    decompress = zstandard.ZstdDecompressor().decompress
    records = 0
    for path in sorted(parser.parse_args().folder.rglob("*.zst")):
        level = [sha256(b"\0" + bytes(record)).digest() for record in decode(decompress(path.read_bytes())).data]
        records += len(level)
        while len(level) > 1:
            pairs = zip(level[::2], level[1::2], strict=False)
            level = [sha256(b"\1" + a + b).digest() for a, b in pairs] + level[len(level) // 2 * 2 :]
    print(json.dumps({"records": records}))


if __name__ == "__main__":
    main()
