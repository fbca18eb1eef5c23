"""What others say of the log, as a verifier reads it: cosignatures of witnesses, RFC 3161 timestamps.

Promise: a checkpoint that a known witness has cosigned cannot go unnoticed where the log no longer has it; what
strangers left is a note and no finding, since anybody may cosign. Nothing here depends on today's clock: ages are
told by the newest entry.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from warehouse.archive import keys
from warehouse.archive.cosignature import WitnessKey, cosigned_at
from warehouse.archive.findings import Verification
from warehouse.archive.note import NoteError, parse_note
from warehouse.archive.store import Store
from warehouse.archive.verify_inventory import get_or_none

# From an answer, and the bytes that it must be about: when it was made. Raises ValueError where it proves nothing.
TimestampCheck = Callable[[bytes, bytes], datetime]


def check_cosignatures(
    store: Store,
    witnesses: Sequence[WitnessKey],
    size: int,
    newest_at: datetime | None,
    result: Verification,
    start: int = 0,
) -> None:
    """Every cosignature below `log/witness/` against the checkpoint of its size; `size` is that of the log.

    `start`: look only at those of more entries.
    """
    known = {key.key_hash: key for key in witnesses}
    newest: dict[WitnessKey, tuple[int, datetime]] = {}
    strangers: set[str] = set()
    for info in store.list(keys.COSIGNATURES, _after(keys.COSIGNATURES, start)):
        place = keys.cosignature_place(info.key)
        if place is None:
            result.found("added", info.key, "stands among the cosignatures and nothing of ours has such a name")
            continue
        of, digest = place
        key = known.get(digest)
        data = get_or_none(store, info.key) or b""
        try:
            text, signatures = parse_note(data.decode())
            at = None if key is None else cosigned_at(text, signatures, key)
        except (NoteError, UnicodeDecodeError) as error:
            code = "signature" if key is not None else "added"
            no_text = isinstance(error, UnicodeDecodeError)
            result.found(code, info.key, "is no checkpoint: its bytes are no text" if no_text else str(error))
            continue
        if key is None:
            strangers |= {f"{one.name}+{one.key_hash.hex()}" for one in signatures if one.key_hash == digest}
        elif at is None:
            result.found("signature", info.key, f"is not cosigned by {key.name}, whose digest its name bears")
        elif _agrees(store, info.key, data, of, text, size, key, result):
            newest[key] = max(newest.get(key, (of, at)), (of, at))
    for key in witnesses:
        result.notes.append(_newest(key, newest.get(key), size, newest_at))
    if strangers:
        named = ", ".join(sorted(strangers))
        result.notes.append(
            f"not checked: cosignatures of witnesses that archive.witnesses does not name: {named}"
        )


def _agrees(
    store: Store, name: str, data: bytes, of: int, text: str, size: int, key: WitnessKey, result: Verification
) -> bool:
    """Whether what was cosigned is what the log has at that size, and nothing stands there beside it."""
    note = get_or_none(store, keys.checkpoint(of))
    if note is not None and note.startswith(f"{text}\n".encode()):
        if data.startswith(note) and data.count(b"\n", len(note)) == 1:
            return True
        result.found("altered", name, "is not the log's checkpoint with one line of the witness below it")
        return False
    said = text.split("\n")[:3]
    if len(said) == 3 and said[1] != str(of):
        result.found("renumbered", name, f"is over {said[1]} entries")
    elif note is None and of > size:
        result.found(
            "truncated", name, f"{key.name} has cosigned {of} entries, the log has {size}: entries were removed"
        )
    elif note is not None:
        result.found(
            "forked", name, f"{key.name} has cosigned another checkpoint of {of} entries than the one stored"
        )
    return False


def _newest(key: WitnessKey, newest: tuple[int, datetime] | None, size: int, newest_at: datetime | None) -> str:
    if newest is None:
        return f"no checkpoint is cosigned by {key.name} here"
    of, at = newest
    behind = "" if newest_at is None else f", {_age(newest_at - at)} the newest entry"
    return f"{key.name} has cosigned up to {of} entries, {size - of} fewer than the log has{behind}"


def _after(prefix: str, start: int) -> str:
    """After which key those of more than `start` entries are listed."""
    return f"{prefix}{start:012d}~" if start else ""


def _age(behind: timedelta) -> str:
    hours = behind.total_seconds() / 3600
    return f"{hours:.1f} hours before" if hours > 0 else "after"


def check_timestamps(store: Store, check: TimestampCheck | str, result: Verification, start: int = 0) -> None:
    """Every timestamp below `log/timestamp/` against the checkpoint of its size.

    Where `check` is a text, it says why they cannot be read; they are only counted then.
    """
    newest: tuple[int, datetime] | None = None
    unchecked = 0
    for info in store.list(keys.TIMESTAMPS, _after(keys.TIMESTAMPS, start)):
        size = keys.timestamp_size(info.key)
        if size is None:
            result.found("added", info.key, "stands among the timestamps and nothing of ours has such a name")
            continue
        note = get_or_none(store, keys.checkpoint(size))
        if isinstance(check, str):
            unchecked += 1
            continue
        if note is None:  # it is missing, which was found before
            continue
        try:
            at = check(get_or_none(store, info.key) or b"", note)
        except ValueError as error:
            result.found("timestamp", info.key, str(error))
        else:
            newest = max(newest or (size, at), (size, at))
    if newest is not None:
        result.notes.append(
            f"a timestamp authority saw the checkpoint of {newest[0]} entries at {newest[1]:%Y-%m-%dT%H:%M:%SZ}"
        )
    if unchecked:
        result.notes.append(f"{unchecked} timestamps were not checked: {check}")
