"""Bearer tokens for receivers that want one: kept until shortly before their end, renewed once where refused.

Promise: a token stands in no text; threads that need a new one at the same moment fetch it once.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from warehouse.delivery.over_http import HttpTransport
from warehouse.delivery.port import Outcome, Request, Response

# a token is not used in its last five minutes: a batch under way must not meet its end
EARLY_SECONDS = 300.0


@dataclass(frozen=True)
class Token:
    """What an authority issued: the text, and for how many seconds it is good."""

    text: str = field(repr=False)
    seconds: float


@dataclass(frozen=True)
class NoToken:
    """Why there is none for now; trying again may help."""

    error: str
    after: float | None = None


class TokenTransport:
    """A transport whose requests carry a token. A 401 renews it once and sends the same bytes again.

    fetch: asks the authority; raises Halted where it refuses the credential. authority: closed with the receiver.
    """

    def __init__(
        self,
        receiver: HttpTransport,
        fetch: Callable[[], Token | NoToken],
        *,
        authority: HttpTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._receiver, self._authority = receiver, authority
        self._fetch, self._clock = fetch, clock
        self._lock = Lock()
        self._token, self._until = "", 0.0

    def send(self, request: Request) -> Response:
        """The receiver's answer. Without a token: status 0 with the reason, for nothing was sent."""
        token = self._current()
        if isinstance(token, NoToken):
            return _not_sent(token)
        answer = self._with(token, request)
        if answer.status != 401:
            return answer
        renewed = self._current(refused=token)
        return _not_sent(renewed) if isinstance(renewed, NoToken) else self._with(renewed, request)

    def close(self) -> None:
        self._receiver.close()
        if self._authority is not None:
            self._authority.close()

    def _with(self, token: str, request: Request) -> Response:
        headers = {**request.headers, "Authorization": f"Bearer {token}"}
        return self._receiver.exchange(request.method, request.path, headers, request.body)

    def _current(self, refused: str | None = None) -> str | NoToken:
        """The token in use; another one where it is about to expire, or is the one that was refused."""
        with self._lock:
            if self._token and self._token != refused and self._clock() < self._until:
                return self._token
            began = self._clock()
            found = self._fetch()
            if isinstance(found, NoToken):
                return found
            early = min(EARLY_SECONDS, found.seconds / 2)
            self._token, self._until = found.text, began + found.seconds - early
            return self._token


def without_token(reason: NoToken, name: str) -> Outcome:
    """What a probe says where no token came. name: which setting has the address that was asked."""
    remedy = f"check {name}, the network, and whether it is up; then run it again"
    return Outcome(kind="retry", reason=f"no token {reason.error}", after=reason.after, remedy=remedy)


def _not_sent(reason: NoToken) -> Response:
    headers = {} if reason.after is None else {"retry-after": f"{reason.after:g}"}
    return Response(status=0, headers=headers, error=f"no token {reason.error}", sent=False)
