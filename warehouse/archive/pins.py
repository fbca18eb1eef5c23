"""Pinned checkpoints: signed tree heads that somebody kept where no writer of the archive could reach them.

Promise: found wherever they were kept (a note as it is stored, several in one file, a field of a SIEM's receipt
in JSON or NDJSON, the end of a proof file); what looks like one and cannot be read is refused, never passed over.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from warehouse.archive.errors import PinUnusable
from warehouse.archive.note import Checkpoint, NoteError, Signature, parse_note

_DASH = "\u2014"
_NOTE = re.compile(rf"(?:^|(?<=\n))(?:[^\n]+\n)+\n(?:{_DASH} [^\n]+\n)+")
_DEEPEST = 50  # levels of a JSON document that are looked into


@dataclass(frozen=True)
class Pin:
    """One pinned checkpoint. `source` says where it was found; signatures are not checked yet."""

    source: str
    checkpoint: Checkpoint
    text: str
    signatures: tuple[Signature, ...]

    @property
    def name(self) -> str:
        """How findings call it."""
        return f"{self.source} (checkpoint over {self.checkpoint.size} entries)"


def read_pins(data: bytes, source: str) -> list[Pin]:
    """The checkpoints in a file, in order, each once. Raises PinUnusable when there is none, or one is damaged."""
    try:
        content = data.decode().replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise PinUnusable(
            f"{source} is not text in UTF-8; give a checkpoint, a proof, or receipts as JSON"
        ) from None
    pins = {}
    for note in _notes(content):
        pin = _pin(note, source)
        pins[pin.text, pin.signatures] = pin
    if not pins:
        raise PinUnusable(
            f"{source} holds no checkpoint: expected a signed note (origin, size, root, an empty line, signatures "
            f"that begin with {_DASH!r}), or JSON with such a note in a field"
        )
    return list(pins.values())


def _notes(content: str) -> Iterator[str]:
    """Every stretch of a file that is meant as a signed note."""
    stripped = content.lstrip()
    if stripped[:1] in ("{", "[", '"'):
        documents = _documents(stripped)
        if documents is not None:
            for document in documents:
                yield from _notes_in(document, 0)
            return
    text = content if content.endswith("\n") else f"{content}\n"
    found = False
    for match in _NOTE.finditer(text):
        found = True
        yield match.group()
    if not found and f"{_DASH} " in text:
        yield text  # a note with a bad line: to be refused with the reason


def _documents(content: str) -> list[Any] | None:
    """One JSON document, or one on each line; None where it is neither."""
    try:
        return [json.loads(content)]
    except (ValueError, RecursionError):
        pass
    try:
        return [json.loads(line) for line in content.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        return None


def _notes_in(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        if f"\n{_DASH} " in value:
            yield value if value.endswith("\n") else f"{value}\n"
        elif value[:1] == "{" and f"\\n{_DASH} " in value.replace("\\u2014", _DASH):
            for document in _documents(value) or ():  # an event that a SIEM kept as text
                yield from _notes_in(document, depth + 1)
    elif depth < _DEEPEST and isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _notes_in(inner, depth + 1)


def _pin(note: str, source: str) -> Pin:
    try:
        text, signatures = parse_note(note)
        return Pin(source, Checkpoint.from_text(text), text, tuple(signatures))
    except NoteError as error:
        raise PinUnusable(f"{source} holds a checkpoint that cannot be read: {error}") from error
