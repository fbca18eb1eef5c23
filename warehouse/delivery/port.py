"""The port of a destination: what each module in `destinations/` says, and what the engine does with it.

A destination is one module with these names (design 9), and knows nothing of positions, retries or receipts:

    Settings                              its model in `warehouse.config.destinations`
    LIMITS                                what the receiver takes: `Limits`
    encode(event, settings, restamp)      one event as the bytes that stand in a request: its frame
    pack(frames, settings)                frames as one `Request`; the same frames make the same bytes
    classify(response, count)             what the answer means for each of the `count` events: `Outcome`s
    connect(settings)                     the `Transport`; most give `over_http.HttpTransport` their headers
    probe(settings)                       whether the receiver is there, as an `Outcome`; sends no event
    group(event)                          optional: events of different groups never share a request
    limits(settings)                      optional: `LIMITS` as these settings make them
    FIXED_FORM                            optional: a `FixedForm`, where `encode` copies an event's values and asks
                                          no more of them than which are there, and whether `client_ip` is an
                                          address; its frames are then made by columns (`templates`)
    fixed_form(settings)                  optional: `FIXED_FORM` as these settings make it, or None

An event is a `mappings.canonical.CanonicalEvent`, or a `mappings.alert.CanonicalAlert` where the slice is
`alerts`. `restamp` is the moment (ISO 8601 UTC) that takes the place of its time where it is too old for the
receiver, else None. Frames are made once for each event, so that a batch is cut to the receiver's limits without
encoding anything twice, and a batch that is sent again is the same bytes. Rules: `docs/delivery.md`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, NamedTuple, Protocol

Kind = Literal["delivered", "retry", "split", "dead", "halt"]
Late = Literal["send", "restamp", "skip"]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a receiver takes in one request. Sizes in bytes.

    events: at most so many. raw: the body before compression. packed: the body as sent, where the receiver counts
    that too. event: one frame; a longer one is dead-lettered before anything is sent. overhead: what `pack` adds
    around the frames; separator: what it adds between two. oldest, ahead: how old or how far in the future an
    event's time may be before the receiver drops it, or writes another time over it, without a word; None where it
    stores any. late: what is done with such an event by default. concurrency: requests at once.
    """

    events: int
    raw: int
    packed: int | None = None
    event: int | None = None
    overhead: int = 0
    separator: int = 0
    oldest: timedelta | None = None
    ahead: timedelta | None = None
    late: Late = "send"
    concurrency: int = 4


class Count(NamedTuple):
    """A place in a frame, from byte `start` to `end`, which says how many bytes there are from `first` to `last`,
    further on in it."""

    start: int
    end: int
    first: int
    last: int


@dataclass(frozen=True, kw_only=True)
class FixedForm:
    """How a module's frames depend on an event. longest: a frame of more bytes may look otherwise. counts: the
    numbers of bytes in a frame, outer ones first; written: such a number as it stands there.
    """

    longest: int = 16_000
    counts: Callable[[bytes], Iterable[Count]] = lambda _frame: ()
    written: Callable[[int], bytes] = lambda number: b"%d" % number


@dataclass(frozen=True, kw_only=True)
class Request:
    """One batch as it goes over the wire; holds no credential. `path` is joined to the transport's address.

    body: the bytes as sent. raw: their number before compression. headers: those that belong to the body.
    count: events in it.
    """

    body: bytes = field(repr=False)
    raw: int
    count: int
    path: str = ""
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Response:
    """What came back: `status` as HTTP has it (a transport without HTTP uses 200 for what was taken).

    headers: names in lower case. body: its beginning, as much as the transport keeps. ack: the receiver's own
    acknowledgement, if the transport had to ask for it. error: why nothing came back: then `status` is 0 and the
    receiver may have stored the batch, or not.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    ack: str | None = None
    error: str | None = None
    sent: bool = True


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What becomes of one event (reference: siem-destinations 0.1).

    delivered: a receipt is written; `ack` is what the receiver said. retry: the same bytes again, after `after`
    seconds if the receiver named a time. split: halve the batch; one event alone that is still refused is dead.
    dead: into the dead letters with `reason`. halt: configuration or credential is wrong: the destination stops,
    its position stays, a human is told; nothing is dropped. `remedy`: what that human is to do.
    """

    kind: Kind
    reason: str = ""
    ack: str | None = None
    after: float | None = None
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class Refused:
    """An event that `encode` cannot put into a frame for this receiver, and why: it goes to the dead letters."""

    reason: str


class Transport(Protocol):
    """Sends requests to one receiver. Thread-safe. Never raises for what the network does: it answers
    `Response(status=0, error=...)`; raises `errors.Halted` where the way in is wrong (a secret that is missing, an
    authority that refuses the credential).
    """

    def send(self, request: Request) -> Response: ...
    def close(self) -> None: ...


class Destination(Protocol):
    """The shape of a module in `destinations/`; see the top of this file."""

    Settings: type[Any]
    LIMITS: Limits

    @staticmethod
    def encode(event: Any, settings: Any, restamp: str | None) -> bytes | Refused: ...
    @staticmethod
    def pack(frames: Sequence[bytes], settings: Any) -> Request: ...
    @staticmethod
    def classify(response: Response, count: int) -> Sequence[Outcome]: ...
    @staticmethod
    def connect(settings: Any) -> Transport: ...
    @staticmethod
    def probe(settings: Any) -> Outcome: ...


def all_of(count: int, outcome: Outcome) -> list[Outcome]:
    """The same outcome for each event of a batch."""
    return [outcome] * count


def fixed_form_of(module: Destination, settings: Any) -> FixedForm | None:
    """How frames depend on an event under these settings; None where a module does not say."""
    own = getattr(module, "fixed_form", None)
    found: FixedForm | None = getattr(module, "FIXED_FORM", None) if own is None else own(settings)
    return found


def limits_of(module: Destination, settings: Any) -> Limits:
    """What the receiver takes under these settings."""
    own = getattr(module, "limits", None)
    found: Limits = module.LIMITS if own is None else own(settings)
    return found
