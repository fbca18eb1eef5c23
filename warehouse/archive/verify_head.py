"""What a verification rests on, for the record: the checkpoint at the log's head, and whose signature it bears."""

from warehouse.archive import keys
from warehouse.archive.findings import Head
from warehouse.archive.note import Checkpoint, NoteError, Verifier, parse_note, signers_of
from warehouse.archive.store import Store
from warehouse.archive.verify_inventory import get_or_none


def head_of(
    store: Store, size: int, keys_of_log: list[Verifier], trusted: list[Verifier] | None, named: list[str]
) -> Head | None:
    """The head of a log of `size` entries; None where it is not there, is none, or nobody of the log signed it.

    `named`: the keys (vkeys) that the log names, one handing it on to the next.
    """
    try:
        text, signatures = parse_note((get_or_none(store, keys.checkpoint(size)) or b"").decode())
        signer = signers_of(text, signatures, keys_of_log)[0]
        checkpoint = Checkpoint.from_text(text)
    except (NoteError, UnicodeDecodeError):
        return None
    known = [key.vkey for key in trusted or []]
    vouched = trusted is None or signer.vkey in known or not set(known).isdisjoint(named)
    return Head(checkpoint.origin, checkpoint.size, text.split("\n")[2], signer.vkey, vouched)
