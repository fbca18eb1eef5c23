"""Every error of this room. A message says what happened, to what, and what to do next; none holds a key.

AnthropicError
├── StreamTrouble              nothing of this stream can be pulled until somebody acts; do not try others
│    ├── AuthenticationTrouble the key: absent, malformed, invalid, of a foreign kind, or short of a scope
│    ├── NotEnabled            the API is switched off for the organisation
│    ├── ForeignOrganization   the key belongs to an organisation that is not ours
│    ├── TlsUntrusted          the server's certificate does not verify
│    └── AddressRefused        `anthropic.base_url` is no place to send a key to, or not the API
├── RequestRefused             a 4xx about this request; names the parameter
├── CursorExpired              410, or a 400 on a cursor: the walk starts over
├── Unavailable                every try failed: 429, 5xx, time-outs, connections
│    └── NotAPageServed        every try brought a 200 that is no page
├── WindowFailed               one window could not be read to its end; becomes a dead window
└── WindowRefused              a window that nobody should ask for: from after to, before the start, too new
"""

from collections.abc import Sequence
from datetime import datetime

from warehouse.anthropic.answers import UNREACHABLE, Attempt
from warehouse.wire.windows import Window


class AnthropicError(Exception):
    """Whatever goes wrong between us and the vendor. `attempts` are the requests sent for it, oldest
    first."""

    def __init__(self, message: str, *, attempts: Sequence[Attempt] = ()) -> None:
        super().__init__(message)
        self.attempts = tuple(attempts)

    @property
    def last_attempt(self) -> Attempt | None:
        return self.attempts[-1] if self.attempts else None


class StreamTrouble(AnthropicError):
    """Nothing of this stream can be pulled until somebody acts. `remedy` is what to do."""

    def __init__(self, message: str, *, remedy: str, attempts: Sequence[Attempt] = ()) -> None:
        super().__init__(f"{message} What to do: {remedy}.", attempts=attempts)
        self.what = message
        self.remedy = remedy


class AuthenticationTrouble(StreamTrouble):
    """The key does not open the stream.

    `cause` is one of `no_key`, `malformed`, `invalid`, `expired`, `deactivated`, `wrong_kind`,
    `scope_missing`, `refused`. `key_kind` names the kind by its prefix. `scopes_found` and `scopes_needed`
    are the server's words (empty where it named none).
    """

    def __init__(
        self,
        message: str,
        *,
        cause: str,
        key_setting: str,
        key_kind: str,
        remedy: str,
        scopes_found: Sequence[str] = (),
        scopes_needed: Sequence[str] = (),
        attempts: Sequence[Attempt] = (),
    ) -> None:
        super().__init__(message, remedy=remedy, attempts=attempts)
        self.cause = cause
        self.key_setting = key_setting
        self.key_kind = key_kind
        self.scopes_found = tuple(scopes_found)
        self.scopes_needed = tuple(scopes_needed)


class NotEnabled(StreamTrouble):
    """The organisation has not switched this API on; nothing is recorded while it is off."""


class ForeignOrganization(StreamTrouble):
    """The key belongs to an organisation that `anthropic.organizations` does not name; nothing of it was kept."""


class TlsUntrusted(StreamTrouble):
    """The server's certificate does not verify; the key was not sent."""


class AddressRefused(StreamTrouble):
    """`anthropic.base_url` is not a place to send a key to, or what answers there is not the API."""


class RequestRefused(AnthropicError):
    """A 4xx about this very request. `parameter` is the one the server named, or None; `said` its own text."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        parameter: str | None = None,
        said: str = "",
        attempts: Sequence[Attempt] = (),
    ) -> None:
        super().__init__(message, attempts=attempts)
        self.status = status
        self.parameter = parameter
        self.said = said


class CursorExpired(AnthropicError):
    """The server no longer takes the cursor; only the first page of the walk is a way on."""


class Unavailable(AnthropicError):
    """Every try failed in a way that may pass; the next run takes the window up again."""


class NotAPageServed(Unavailable):
    """Every try brought a 200 that is no page of what was asked for. `reason` is the last one's fault."""

    def __init__(self, message: str, *, reason: str, attempts: Sequence[Attempt] = ()) -> None:
        super().__init__(message, attempts=attempts)
        self.reason = reason


class WindowFailed(AnthropicError):
    """A window that could not be read to its end. The pages served before the failure stay usable.

    `tries` counts the requests of the failing step, `last_error` is why it was given up, `attempts` are all
    requests of the walk, those that brought pages included. `pages_served` counts the latter. `unreachable`: the
    server was reached by none of them.
    """

    def __init__(
        self, window: Window, last_error: AnthropicError, *, pages_served: int, attempts: Sequence[Attempt]
    ) -> None:
        tries = max(1, len(last_error.attempts))
        served = f"{pages_served} page{'' if pages_served == 1 else 's'} had been served"
        super().__init__(
            f"The window {window} was not read to its end ({served}): {last_error} "
            "It is not covered; the next run takes it up again.",
            attempts=attempts,
        )
        self.window = window
        self.tries = tries
        self.last_error = last_error
        # Not one connection came about: other windows would fare no better as long as that lasts.
        self.unreachable = bool(attempts) and all(tried.error_type == UNREACHABLE for tried in attempts)
        self.pages_served = pages_served


class WindowRefused(AnthropicError):
    """A window that nobody should ask for; no request was needed to know, or its first answer showed it.

    `parameter` is `from` or `to`; `nearest` is the value that would do, where there is one.
    """

    def __init__(
        self,
        message: str,
        *,
        parameter: str,
        nearest: datetime | None = None,
        attempts: Sequence[Attempt] = (),
    ) -> None:
        super().__init__(message, attempts=attempts)
        self.parameter = parameter
        self.nearest = nearest
