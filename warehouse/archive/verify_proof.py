#!/usr/bin/env python3
"""Checks a Ledgerline proof file with nothing but Python 3.9 or newer: no network, no archive, no other package.

    python3 -I -S verify_proof.py FILE [--key PUBLIC_KEY]

Promise: exit code 0 only where every hash and signature fits (1: they do not, 2: no usable proof file), and plain
words for what is proven and what is not. Format: docs/proofs.md. Sources: RFC 6962, RFC 8032, C2SP tlog-proof.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

FORMAT, ENTRY_FORMAT = "ledgerline-proof/1", "ledgerline-entry/1"

# The whole grammar of a proof file: blocks of lines with one empty line between two of them.
_NUMBER, _DATA, _HASHES = "(0|[1-9][0-9]{0,18})", "((?:[A-Za-z0-9+/=]+\n)+)", "((?:[A-Za-z0-9+/]{43}=\n)*)"
_KEYS, _SIGNATURES = "\n((?:key [^\n]+\n)+)\n", "((?:\u2014 [^ \n]+ [A-Za-z0-9+/=]+\n)+)"
_NOTE = f"(([^\n]+)\n{_NUMBER}\n([A-Za-z0-9+/]{{43}}=)\n(?:[^\n]+\n)*)\n{_SIGNATURES}"
_EVENT = re.compile(
    f"{FORMAT} event{_KEYS}record {_NUMBER} {_NUMBER}\n{_DATA}\npath\n{_HASHES}\nentry\n{_DATA}\n"
    f"(?:later {_NUMBER}\n{_DATA}\nlater-path\n{_HASHES}\n)?"
    f"c2sp\\.org/tlog-proof@v1\nindex {_NUMBER}\n{_HASHES}\n{_NOTE}"
)
_CONSISTENCY = re.compile(f"{FORMAT} consistency{_KEYS}path\n{_HASHES}\n{_NOTE}\n{_NOTE}")

WHOSE_KEY = "Whose key it is: it was read in this file. Compare it with the one you know, or name that with --key."
NO_OTHER_LOG = "That this key has no other log: compare the checkpoint with one that you have from elsewhere."
NOT_OF_AN_EVENT = (
    "That the vendor served these bytes: the vendor signs nothing. They are what the archive recorded.",
    "The times: they are of the clocks of the pulling machine and, inside the record, of the vendor.",
    "That this is the newest version of the record, or that no other record is missing.",
)


class NotProven(Exception):
    """A proof file whose parts do not fit together; the text says which."""


class Unusable(NotProven):
    """Not a proof file, or a key that is none; the text says why."""


class Checkpoint(NamedTuple):
    """A tree head; `base64` is its root as written, `signed` has name and bytes of each signature of `text`."""

    origin: str
    size: int
    root: bytes
    base64: str
    text: bytes
    signed: list[tuple[str, bytes]]


class Proof(NamedTuple):
    """What a file proves. A consistency proof has two checkpoints (old, new), and neither record nor entry."""

    kind: str
    record: bytes
    entry: dict[str, Any]
    checkpoints: list[Checkpoint]
    proven: list[str]
    not_proven: list[str]


def check(data: bytes, keys: Sequence[str] = ()) -> Proof:
    """Check a whole proof file. Raises NotProven or Unusable. `keys` are C2SP vkeys from elsewhere than the file:
    all must have signed an event, one each of two checkpoints. What else a checkpoint says is proven as said."""
    text = data.decode("utf-8", "replace")
    found = _EVENT.fullmatch(text) or _CONSISTENCY.fullmatch(text)
    if not found or text.encode() != data:
        raise Unusable(f"this is not a whole {FORMAT} file as it was written (its line ends are LF)")
    named, *parts = found.groups()
    proof = _event(*parts) if found.re is _EVENT else _consistency(*parts)
    for whose, vkeys in ("that the file names", re.findall("key ([^\n]+)\n", named)), ("that you gave", keys):
        for head in proof.checkpoints if vkeys else ():
            by = [vkey for vkey in vkeys if _signed(head, *read_key(vkey))]
            if not by or (len(proof.checkpoints) == 1 and len(by) < len(vkeys)):
                raise NotProven(f"the checkpoint of size {head.size} is not signed by the key {whose}")
            proof.proven.append(f"The checkpoint of size {head.size} is signed by the key {whose}: {' '.join(by)}")
    more = [line for head in proof.checkpoints for line in head.text.decode().split("\n")[3:-1]]
    proof.proven.extend(f"Signed with it: {line}" for line in more)
    proof.not_proven.extend([NO_OTHER_LOG] if keys else [WHOSE_KEY, NO_OTHER_LOG])
    return proof


def _event(*parts: str) -> Proof:
    page_at, at, record_lines, path, data, later, later_data, later_path, index, log_path, *note = parts
    page, place, seq, record, head = int(page_at), int(at), int(index), _bytes(record_lines), _checkpoint(*note)
    entry = _entry(_bytes(data), seq, log_path, head)
    pages = entry["objects"]
    ref = pages[page - 1] if 0 < page <= len(pages) else {}
    count: Any = ref.get("records") if type(ref.get("records")) is int else 0
    if _root(_hash(b"\0", record), place, count, path.split()).hex() != ref.get("records_root"):
        raise NotProven(f"the record is not the one at position {place} on page {page} of entry {seq}")
    proven = [
        f"The record below ({len(record)} bytes, SHA-256 {hashlib.sha256(record).hexdigest()}) is, byte for byte, "
        f"record {place + 1} of {count} on page {page} of {len(pages)} of entry {seq}.",
        f"{_says(entry)}; this page was asked for at {ref.get('requested_at')} (request {ref.get('request_id')}, "
        f"HTTP {ref.get('status')}).",
        f"Entry {seq} is one of the {head.size} entries of the log {head.origin}, root {head.base64}.",
    ]
    proof = Proof("event", record, entry, [head], proven, [*NOT_OF_AN_EVENT])
    if later:
        _withdrawal(proof, _entry(_bytes(later_data), int(later), later_path, head))
    return proof


def _says(entry: dict[str, Any]) -> str:
    whole, window = "a " if entry.get("complete") is True else "an in", " to ".join(map(str, entry["window"]))
    pull = f"{whole}complete pull of stream {entry['stream']}, window {window}"
    return f"Entry {entry['seq']} says: {pull}, committed at {entry.get('committed_at')}"


def _withdrawal(proof: Proof, gone: dict[str, Any]) -> None:
    """A withdrawal rests on a later, complete pull that would have had the record in its answer."""
    at, seq = str(_json(proof.record, "the record").get("created_at")), gone["seq"]
    texts = " ".join(map(str, [*gone["window"][:1], at, *gone["window"][1:]]))
    times = re.fullmatch(" ".join(["([0-9-]{10}T[0-9:]{8}[.0-9]*)Z"] * 3), texts)  # texts that sort as times do
    again = gone["stream"] == proof.entry["stream"] and seq > proof.entry["seq"] and gone.get("complete") is True
    if not again or not times or not times[1] <= times[2] < times[3]:
        raise NotProven(f"entry {seq} is no later, complete pull of a window with the record's time {at}")
    proof.proven.append(f"{_says(gone)}, in the same log. The record's created_at, {at}, lies in that window.")
    served = ", ".join(f"{ref.get('key')} (SHA-256 {ref.get('sha256')})" for ref in gone["objects"]) or "no page"
    proof.not_proven.insert(0, f"That the record is absent from the pages of entry {seq}; look there: {served}.")


def _consistency(path: str, *notes: str) -> Proof:
    old, new = _checkpoint(*notes[:5]), _checkpoint(*notes[5:])
    hashes = [_bytes(line) for line in path.split()]
    if old.origin != new.origin or not consistent(*old[1:3], *new[1:3], hashes):
        raise NotProven(f"the log of {old.size} entries is not the beginning of the log of {new.size}")
    proven = (
        f"The log {old.origin} of {old.size} entries (root {old.base64}) is the beginning of the same log of "
        f"{new.size} (root {new.base64}): of the {old.size} none was altered, removed or moved since."
    )
    return Proof("consistency", b"", {}, [old, new], [proven], ["What the entries say."])


def _entry(data: bytes, seq: int, path: str, head: Checkpoint) -> dict[str, Any]:
    """The entry, if it is under the checkpoint at its number and is a pull. Raises NotProven."""
    if _root(_hash(b"\0", data), seq, head.size, path.split()) != head.root:
        raise NotProven(f"the entry is not entry {seq} of the {head.size} under the checkpoint")
    entry = _json(data, f"entry {seq}")
    if [entry.get(name) for name in ("format", "seq", "kind")] != [ENTRY_FORMAT, seq, "pull"]:
        raise NotProven(f"entry {seq} does not say that it is a pull with this number, in {ENTRY_FORMAT}")
    kinds = [type(entry.get(name)) for name in ("stream", "window", "objects")]
    if kinds != [str, list, list] or not all(type(ref) is dict for ref in entry["objects"]):
        raise NotProven(f"entry {seq} names no stream, no window or no pages")
    return entry


def _json(data: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(data.decode("utf-8", "replace"), parse_float=str)
        return {**value}
    except (ValueError, TypeError, RecursionError):
        raise NotProven(f"{what} is not a JSON object") from None


def _checkpoint(text: str, origin: str, size: str, root: str, signatures: str) -> Checkpoint:
    signed = [(name, _bytes(blob)) for name, blob in re.findall("\u2014 ([^ \n]+) ([^\n]+)\n", signatures)]
    return Checkpoint(origin, int(size), _bytes(root), root, text.encode(), signed)


def _bytes(text: str) -> bytes:
    """What base64 holds, in the one spelling that is allowed: whole lines of 76 characters, or what is no line."""
    try:
        data = base64.b64decode(text)
    except ValueError:
        data = b""
    if not data or text.encode() not in (base64.encodebytes(data), base64.b64encode(data)):
        raise Unusable(f"this is not base64 in its one allowed form: {text[:100]}")
    return data


def _hash(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def _root(leaf: bytes, index: int, size: int, path: list[str]) -> bytes:
    """The root that a leaf and its path lead to, as RFC 6962 2.1.1 splits the tree. Raises NotProven."""
    if not path or len(path) > 64 or size < 2 or index >= size:
        if path or size != 1 or index:
            raise NotProven("a path has not the length that the size of its tree demands")
        return leaf
    left = 1 << (size - 1).bit_length() - 1  # leaves on the left side: the largest power of two below the size
    below = _root(leaf, index % left, left if index < left else size - left, path[:-1])
    return _hash(b"\1", below, _bytes(path[-1])) if index < left else _hash(b"\1", _bytes(path[-1]), below)


def consistent(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the tree of `old` leaves is the beginning of that of `new` leaves (RFC 6962 section 2.1.2)."""
    turns, count, size = [], old, new  # from the root down to where the old tree ends: is it on the right side?
    while 0 < count < size:
        left = 1 << (size - 1).bit_length() - 1
        turns.append(count > left)
        count, size = (count - left, size - left) if count > left else (count, left)
    hashes = [*path] if any(turns) else [old_root, *path]
    if count != size or old < 1 or len(hashes) != len(turns) + 1:
        return False
    first = second = hashes[0]
    for other in hashes[1:]:
        right = turns.pop()
        first = _hash(b"\1", other, first) if right else first
        second = _hash(b"\1", other, second) if right else _hash(b"\1", second, other)
    return first == old_root and second == new_root


def read_key(vkey: str) -> tuple[str, bytes, bytes]:
    """Name, digest and bytes of a key from its text; the first byte is its kind. Raises Unusable."""
    name, _, rest = vkey.partition("+")
    digest, _, encoded = rest.partition("+")
    blob = _bytes(encoded) if len(encoded) == 44 else b" "
    if blob[0] not in (1, 4) or not name or _hash(name.encode(), b"\n", blob)[:4].hex() != digest:
        raise Unusable(f"this is no public key of the form name+digest+key, or one that was altered: {vkey}")
    return name, bytes.fromhex(digest), blob


def _signed(head: Checkpoint, name: str, digest: bytes, key: bytes) -> bool:
    """Whether the key signed. A line with its name and digest that does not verify raises NotProven."""
    blobs = [blob[4:] for signer, blob in head.signed if (signer, blob[:4]) == (name, digest)]
    for blob in blobs:  # kind 4 is a witness, which signs a time as well
        time = b"cosignature/v1\ntime %d\n" % int.from_bytes(blob[:8], "big") if key[0] == 4 else b""
        if not ed25519_verify(key[1:], time + head.text, blob[8:] if time else blob):
            raise NotProven(f"the signature of {name} on the checkpoint does not verify")
        if not time and name != head.origin:
            raise NotProven(f"the key {name} is not that of the log {head.origin}")
    return bool(blobs)


P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def ed25519_verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether an Ed25519 signature verifies (RFC 8032 section 5.1.7; the equation without the cofactor)."""
    point, base, scalar = _point(public), _point(b"\x58" + b"\x66" * 31), int.from_bytes(signature[32:], "little")
    if point is None or base is None or len(signature) != 64 or scalar >= ORDER:
        return False
    digest = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    negative, total = (P - point[0], point[1], 1, P - point[3]), (0, 1, 1, 0)
    for bit in range(ORDER.bit_length(), -1, -1):
        total = _add(total, total)
        total = _add(total, base) if scalar >> bit & 1 else total
        total = _add(total, negative) if digest >> bit & 1 else total
    inverse = pow(total[2], P - 2, P)
    return (total[1] * inverse % P | (total[0] * inverse % P & 1) << 255).to_bytes(32, "little") == signature[:32]


def _point(encoded: bytes) -> tuple[int, int, int, int] | None:  # X, Y, Z, T with x = X/Z, y = Y/Z, xy = T/Z
    y, sign = int.from_bytes(encoded, "little") & (1 << 255) - 1, encoded[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if (x * x - square) % P == 0 else x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        return None
    x = x if x & 1 == sign else P - x
    return x, y, 1, x * y % P


def _add(p: tuple[int, ...], q: tuple[int, ...]) -> tuple[int, int, int, int]:
    a, b = (p[1] - p[0]) * (q[1] - q[0]), (p[1] + p[0]) * (q[1] + q[0])
    c, d = 2 * p[3] * q[3] * D, 2 * p[2] * q[2]
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def main(arguments: Sequence[str]) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Exit code 0: proven, 1: not proven, 2: unusable.")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--key", action="append", default=[], metavar="PUBLIC_KEY", help="that must have signed")
    options = parser.parse_args(arguments)
    try:
        with open(options.file, "rb") as file:
            proof = check(file.read(), options.key)
    except (OSError, NotProven) as error:
        code = 1 if type(error) is NotProven else 2
        lines = [("NOT PROVEN: ", "UNUSABLE: ")[code - 1] + str(error)]
    else:
        code, lines = 0, ["PROVEN by this file" + ("" if options.key else ", if the key is the one you know")]
        lines += ["  - " + line for line in proof.proven]
        lines += ["NOT proven by this file", *("  - " + line for line in proof.not_proven)]
        lines += ["The record", proof.record.decode("utf-8", "backslashreplace")] if proof.record else []
    for line in lines:  # in ASCII that does nothing to a terminal
        print("".join(c if " " <= c <= "~" else ascii(c)[1:-1] for c in line))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
