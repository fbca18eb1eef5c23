"""The log against checkpoints from elsewhere: is it still the one signed then, and does it have all of it?

Promise: what was cut off, rolled back or rewritten since a checkpoint was kept is named, with the checkpoint that
tells; a checkpoint that proves nothing (another key, another log) is a finding too, never a pass.
"""

from collections.abc import Sequence

from warehouse.archive import keys
from warehouse.archive.findings import Verification
from warehouse.archive.note import Checkpoint, NoteError, NoteUntrusted, Verifier, parse_note, signers_of
from warehouse.archive.pins import Pin
from warehouse.archive.store import Store
from warehouse.archive.verify_inventory import get_or_none
from warehouse.archive.verify_start import Position

KEPT = "the last verification on this machine"
_FOREIGN_PIN = "find out whose key signed this pin, and whether it was noted of this log; it proves nothing here"
UNPINNED = (
    "no pinned checkpoint was given (--pinned FILE): the tail is unpinned, entries removed from the end would "
    "not be seen"
)


def check_pins(
    pins: Sequence[Pin],
    origin: str | None,
    size: int,
    roots: dict[int, bytes],
    keys_of_log: list[Verifier],
    store: Store,
    result: Verification,
) -> None:
    """Compare each pin with a log of `size` entries, whose `roots` are known for some sizes."""
    for pin in pins:
        if _signed(pin, origin, keys_of_log, result):
            _compare(pin, size, roots, store, result)
    given = [pin for pin in pins if pin.source != KEPT]
    if not given:
        result.notes.append(UNPINNED)
        return
    furthest = max(pin.checkpoint.size for pin in given)
    if furthest < size:
        result.notes.append(
            f"the newest pinned checkpoint is over {furthest} of {size} entries: the tail after it is unpinned"
        )


def kept_pin(position: Position) -> Pin:
    """The position that this machine keeps, to be judged as a pin."""
    text, signatures = parse_note(position.note)
    return Pin(KEPT, Checkpoint.from_text(text), text, tuple(signatures))


def _signed(pin: Pin, origin: str | None, keys_of_log: list[Verifier], result: Verification) -> bool:
    try:
        signers_of(pin.text, list(pin.signatures), keys_of_log)
    except NoteUntrusted as error:
        if origin is not None and pin.checkpoint.origin != origin:
            result.found(
                "forked", pin.name, f"is of the log {pin.checkpoint.origin}, this is {origin}: another log"
            )
        else:
            result.found("foreign_key", pin.name, str(error), _FOREIGN_PIN)
        return False
    except NoteError as error:
        result.found("signature", pin.name, str(error))
        return False
    if origin is not None and pin.checkpoint.origin != origin:
        result.found("forked", pin.name, f"is of the log {pin.checkpoint.origin}, this is {origin}: another log")
        return False
    return True


def _compare(pin: Pin, size: int, roots: dict[int, bytes], store: Store, result: Verification) -> None:
    pinned = pin.checkpoint
    if pinned.size > size:
        if pin.source == KEPT:
            result.found("rolled_back", pin.name, f"had {pinned.size} entries, the log now has {size}")
        else:
            result.found("truncated", pin.name, f"was signed over {pinned.size} entries, the log has {size}")
        return
    root = roots.get(pinned.size) or _stored_root(store, pinned.size)
    if root is None:
        result.notes.append(f"{pin.name} could not be compared: the entries up to it are damaged")
    elif root != pinned.root:
        result.found("forked", pin.name, "was signed over other entries than the ones stored")
    elif pin.source != KEPT:
        result.agreed.append((pin.source, pinned.size))


def _stored_root(store: Store, size: int) -> bytes | None:
    """The root that the store's own checkpoint of a size names: for sizes that this run did not go over."""
    note = get_or_none(store, keys.checkpoint(size))
    try:
        return Checkpoint.from_text(parse_note((note or b"").decode())[0]).root
    except (NoteError, UnicodeDecodeError):
        return None
