"""What became of events, and why the work for a destination ended."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from warehouse.delivery.batches import Items

Status = Literal["delivered", "dead", "skipped"]


@dataclass(slots=True)
class Settled:
    """Events whose fate is known, with what the receipt says of it."""

    items: Items
    status: Status
    batch_id: str | None = None
    attempts: int = 0
    sent_at: datetime | None = None
    acknowledged_at: datetime | None = None
    ack: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Stopped:
    """Why a destination's work ended early. halted: somebody must mend something; else it could not be reached."""

    reason: str
    remedy: str = ""
    halted: bool = True

    def __str__(self) -> str:
        return f"{self.reason}. {self.remedy}" if self.remedy else self.reason


@dataclass
class Counts:
    """What happened since the counts were last taken."""

    retried: int = 0
    batches: int = 0
    bytes: int = 0
