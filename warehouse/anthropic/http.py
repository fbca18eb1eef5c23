"""The one HTTP client of every surface: paced, patient, and honest about each request it sent.

Promise: an answer that `get` returns was complete, was a 200 and passed the caller's own reading; everything
else was tried again or raised. The key is sent to `base_url` only, over verified TLS (plain HTTP on loopback
only), never after a redirect, and appears in no repr, log, error or attempt.
"""

import dataclasses
import ssl
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Generic, Self, TypeVar

import httpx

from warehouse.anthropic.address import checked_base_url, trusted_certificates, user_agent
from warehouse.anthropic.answers import UNREACHABLE, Attempt, Response, kept_headers, printable
from warehouse.anthropic.authentication import KeyHeader, KeySource, key_kind
from warehouse.anthropic.budget import Budget
from warehouse.anthropic.clock import ServerClock
from warehouse.anthropic.errors import NotAPageServed, TlsUntrusted, Unavailable
from warehouse.anthropic.patience import OnWait, Patience, Timeouts, Wait, may_pass, reason_of
from warehouse.anthropic.refusals import refusal, refuse_foreign
from warehouse.anthropic.surfaces import Surface
from warehouse.wire.records import NotAPage
from warehouse.wire.times import Clock, system_clock

T = TypeVar("T")
LARGEST_BODY = 256 << 20  # bytes, unpacked; the largest page, of 5,000 records, has some 10 MB


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What a request came to: the caller's reading of the body, the response, and every attempt it took."""

    value: T
    response: Response
    attempts: tuple[Attempt, ...]


class Client:
    """Sends GET requests to one surface with one key. Thread-safe; close it, or use it in a `with`.

    key: called at each request, returns the secret. writer: this writer's id, for the User-Agent. budget:
    share one among all clients of the same API and organisation; by default one of the surface's own size.
    organizations: the UUIDs whose answers are taken; any where there is none.
    on_wait is told of each wait. clock, sleep and monotonic are handed in by tests. Raises AddressRefused for
    an unusable base_url.
    """

    def __init__(
        self,
        surface: Surface,
        *,
        base_url: str,
        key: KeySource,
        writer: str,
        version: str = "2023-06-01",
        budget: Budget | None = None,
        patience: Patience | None = None,
        timeouts: Timeouts | None = None,
        organizations: Collection[str] = (),
        on_wait: OnWait | None = None,
        clock: Clock = system_clock,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.surface = surface
        self.base_url, loopback = checked_base_url(base_url)
        self.version = version
        self.budget = budget or Budget(surface.requests_per_minute, monotonic=monotonic, sleep=sleep)
        self.patience = patience or Patience()
        self.server_clock = ServerClock(clock)
        self._timeouts = timeouts or Timeouts()
        self._organizations = frozenset(organizations)
        self._key = key
        self._on_wait = on_wait
        self._clock = clock
        self._sleep = sleep
        self._monotonic = monotonic
        self._http = self._connected(writer, loopback)

    def _connected(self, writer: str, loopback: bool) -> httpx.Client:
        try:
            return httpx.Client(
                headers={
                    "accept": "application/json",
                    # What is archived must be what was sent, not what a decompressor made of it.
                    "accept-encoding": "identity",
                    "user-agent": user_agent(writer),
                    "anthropic-version": self.version,
                },
                auth=KeyHeader(self._key, self.surface),
                verify=trusted_certificates(self.base_url),
                timeout=httpx.Timeout(self._timeouts.read, connect=self._timeouts.connect),
                follow_redirects=False,
                # A company's proxy comes from the environment; loopback never goes through it.
                trust_env=not loopback,
            )
        except (OSError, ValueError) as problem:
            raise TlsUntrusted(
                f"The certificates or the proxy that the environment names cannot be used: {problem}.",
                remedy="correct SSL_CERT_FILE, SSL_CERT_DIR or HTTPS_PROXY in the environment",
            ) from problem

    def __repr__(self) -> str:
        return f"Client({self.surface.name}, {self.base_url}, key from {self.surface.key_setting})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def check_key(self) -> None:
        """Raises what the key's source raises where there is none."""
        self._key()

    def close(self) -> None:
        """Close the connections. Idempotent."""
        self._http.close()

    def get(
        self,
        path: str,
        query: str = "",
        *,
        read: Callable[[Response], T],
        betas: Sequence[str] = (),
        whole_stream: bool = True,
        patience: Patience | None = None,
    ) -> Answer[T]:
        """GET `path?query` (already encoded) until `read` accepts the answer, or patience ends.

        `read` turns a 200 into a value and raises NotAPage for one that is not what was asked for. Raises
        StreamTrouble, RequestRefused, CursorExpired at once; Unavailable or NotAPageServed after the last
        try. All carry the attempts.
        """
        patience = patience or self.patience
        url = f"{path}?{query}" if query else path
        attempts: list[Attempt] = []
        while True:
            self.budget.take(self._on_wait)
            response, attempt = self._send(url, betas)
            if response is not None:
                refuse_foreign(response, self._organizations, self.surface, (*attempts, attempt))
            if response is not None and 200 <= response.status < 300:
                try:
                    if response.status != 200:
                        raise NotAPage(f"the status is {response.status}, a page comes with 200")
                    value = read(response)
                except NotAPage as fault:
                    attempt = dataclasses.replace(attempt, error_type="not_a_page", detail=printable(str(fault)))
                else:
                    return Answer(value, response, (*attempts, attempt))
            attempts.append(attempt)
            self._give_up_or_wait(response, attempts, patience, whole_stream)

    def _give_up_or_wait(
        self, response: Response | None, attempts: list[Attempt], patience: Patience, whole_stream: bool
    ) -> None:
        """After a failed try: raise, or wait for the next one."""
        last = attempts[-1]
        if last.error_type == "tls":
            raise TlsUntrusted(
                f"The certificate of {self.base_url} does not verify: {last.detail}. The key was not sent.",
                remedy=(
                    "if a company proxy inspects TLS, name its certificate bundle in the environment variable "
                    "SSL_CERT_FILE; otherwise do not use this network"
                ),
                attempts=attempts,
            )
        unreadable = last.error_type == "not_a_page"
        if response is not None and not unreadable and not may_pass(response):
            error = refusal(response, self.surface, self._kind(), last, whole_stream=whole_stream)
            error.attempts = tuple(attempts)
            raise error
        asked = response.retry_after() if response is not None and response.status >= 400 else None
        if len(attempts) >= patience.tries or (asked or 0) > patience.longest:
            raise self._exhausted(attempts, asked if len(attempts) < patience.tries else None)
        seconds = patience.delay(len(attempts), asked)
        if response is not None and response.status == 429:
            self.budget.hold(seconds)  # every thread waits; `take` tells and sleeps
            return
        if unreadable:
            reason = "what came was no page"
        elif response is not None:
            reason = reason_of(response.status)
        else:
            reason = last.detail
        if self._on_wait is not None:
            self._on_wait(Wait(seconds, reason))
        self._sleep(seconds)

    def _exhausted(self, attempts: list[Attempt], asked: float | None) -> Unavailable:
        last = attempts[-1]
        path = last.url.partition("?")[0]
        count = f"{len(attempts)} {'try' if len(attempts) == 1 else 'tries'}"
        if asked is not None:
            return Unavailable(
                f"The {self.surface.name} asks to wait {asked:.0f} s before the next GET {path}, longer than a "
                "run should hang. Run again after that.",
                attempts=attempts,
            )
        if last.error_type == "not_a_page":
            return NotAPageServed(
                f"The {self.surface.name} answered {count} of GET {path} with something that is not a page, at "
                f"last: {last.detail}. Nothing of it was kept. If it lasts, quote request-id "
                f"{last.request_id or 'unknown'} to Anthropic support.",
                reason=last.detail,
                attempts=attempts,
            )
        return Unavailable(
            f"GET {path} of the {self.surface.name} at {self.base_url} failed in {count}, at last: {last}. Check "
            "the network and the vendor's status page; the next run tries again.",
            attempts=attempts,
        )

    def _send(self, url: str, betas: Sequence[str]) -> tuple[Response | None, Attempt]:
        """Send one request and read its whole answer. No answer: None, and the attempt says why."""
        extra = {"anthropic-beta": ",".join(betas)} if betas else None
        requested_at = self._clock()
        deadline = self._monotonic() + self._timeouts.whole
        head: httpx.Response | None = None
        size = 0
        try:
            with self._http.stream("GET", self.base_url + url, headers=extra) as head:
                chunks = []
                for chunk in head.iter_bytes():
                    chunks.append(chunk)
                    size += len(chunk)
                    if size > LARGEST_BODY:
                        raise httpx.ReadError(f"no page has more than {LARGEST_BODY >> 20} MB")
                    if self._monotonic() > deadline:
                        raise httpx.ReadTimeout(f"the answer took longer than {self._timeouts.whole:g} s")
        except httpx.HTTPError as problem:
            kind, detail = _network_trouble(problem, size, head is not None)
            # The exception goes no further: it holds the request, and with it the key.
            return None, self._attempt(url, requested_at, head, kind, detail)
        body = b"".join(chunks)
        if head.status_code != 200:
            body = self._without_key(body)
        response = Response(
            status=head.status_code,
            headers=kept_headers(head.headers.multi_items()),
            body=body,
            url=url,
            requested_at=requested_at,
            received_at=self._clock(),
        )
        self.budget.observe(response)
        self.server_clock.observe(response)
        error = response.error if response.status >= 300 else None
        return response, Attempt(
            requested_at=requested_at,
            received_at=response.received_at,
            url=url,
            status=response.status,
            request_id=response.request_id,
            error_type=error.type if error else None,
            detail=error.message if error else "",
        )

    def _attempt(
        self, url: str, requested_at: datetime, head: httpx.Response | None, kind: str, detail: str
    ) -> Attempt:
        return Attempt(
            requested_at=requested_at,
            received_at=self._clock(),
            url=url,
            status=head.status_code if head is not None else None,
            request_id=head.headers.get("request-id") if head is not None else None,
            error_type=kind,
            detail=detail,
        )

    def _kind(self) -> str:
        return key_kind(self._key().strip())

    def _without_key(self, body: bytes) -> bytes:
        """An error body with our key taken out, should somebody on the way have echoed the request."""
        return body.replace(self._key().strip().encode(), b"[key]")


def _network_trouble(problem: httpx.HTTPError, size: int, begun: bool) -> tuple[str, str]:  # noqa: PLR0911
    """(error_type, detail) of an exception: what it was in our words, then the library's."""
    text = printable(str(problem)) or type(problem).__name__
    cause: BaseException | None = problem
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "tls", printable(cause.verify_message)
        cause = cause.__cause__ or cause.__context__
    if isinstance(problem, httpx.ConnectTimeout):
        return UNREACHABLE, f"no connection in time: {text}"
    if isinstance(problem, httpx.TimeoutException):
        return "timeout", f"timed out after {size} bytes: {text}" if begun else f"timed out: {text}"
    if begun:
        return "connection", f"the answer was cut after {size} bytes: {text}"
    if isinstance(problem, httpx.ProxyError):
        return UNREACHABLE, f"the proxy refused: {text}"
    if isinstance(problem, httpx.ConnectError):
        return UNREACHABLE, f"no connection: {text}"
    return "connection", f"no answer: {text}"
