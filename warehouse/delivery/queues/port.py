"""The port of a queue, and the claim check that goes through it: which entry of which log, and its hash.

Promise: a claim is a pointer of about 300 bytes; nothing of an event, a person or a secret is in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

VERSION = 1
LONGEST = 4096
# For so long nobody else gets a message that is being worked on; a delivery that takes longer is only repeated.
HIDDEN_SECONDS = 600


class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One commit. origin: the log's name; seq, key, sha256: the entry, its object and the hash of its bytes."""

    v: int
    origin: str
    seq: int
    key: str
    sha256: str
    table: str
    committed_at: str

    def to_text(self) -> str:
        return msgspec.json.encode(self).decode()


@dataclass(frozen=True)
class Message:
    """One message as received. times: how often so far, this time included; handle: the queue's own."""

    text: str
    times: int
    handle: Any = None
    identity: str = ""


class Queue(Protocol):
    """A queue of claims. Every method raises QueueUnreachable or QueueUnusable.

    tries: how often a message is received before it goes to the dead letters; None where nothing is received.
    """

    name: str
    tries: int | None

    def send(self, claims: Sequence[Claim]) -> None:
        """Put claims into the queue, in one request where it can be."""

    def receive(self, wait_seconds: float) -> list[Message]:
        """Up to ten messages; waits for the first one. They stay hidden for `HIDDEN_SECONDS`."""

    def done(self, messages: Sequence[Message]) -> None:
        """Take messages out of the queue."""

    def failed(self, message: Message) -> bool:
        """Give a message back that cannot be used; whether that was its last time and it is dead now."""

    def waiting(self) -> int | None:
        """About how many messages wait to be received; None where the queue does not tell."""

    def dead(self) -> int | None:
        """How many messages are in the dead letters; None where the queue does not tell."""

    def close(self) -> None: ...


def read_claim(text: str) -> Claim:
    """The claim in a message. Raises ValueError, with a reason for people, for anything else."""
    if len(text) > LONGEST:
        raise ValueError(f"it has {len(text)} characters, a claim has some 300")
    try:
        claim = msgspec.json.decode(text, type=Claim)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise ValueError("it is no claim check of Ledgerline") from None
    if claim.v != VERSION:
        raise ValueError(f"it has version {claim.v}, this Ledgerline reads {VERSION}")
    return claim
