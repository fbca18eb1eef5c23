"""Requests over HTTP: TLS verified, no redirect followed, and no credential in any text.

Promise: `send` never raises for what the network or the receiver does. Credentials stand in headers that only this
module holds; an address that is itself a secret is never part of an error. A receiver that repeats a credential in
its answer is not quoted with it.
"""

import logging
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import httpx

from warehouse.delivery.errors import Halted
from warehouse.delivery.knocking import NO_NAME, UNTRUSTED_REMEDY
from warehouse.delivery.port import Request, Response
from warehouse.wire.hosts import is_loopback

TIMEOUT_SECONDS = 60.0
CONNECT_SECONDS = 10.0
_KEPT_BODY = 1_000_000
_ADDRESSES = 64  # that are kept as httpx reads them
_SHORTEST_SECRET = 6  # what is shorter stands in many a text by chance
_Error = TypeVar("_Error", bound=BaseException)
NO_CONNECTION = "no connection (refused, or nobody is there)"
# httpx writes each address it calls into its log at INFO, and an address may be a secret
logging.getLogger("httpx").setLevel(logging.WARNING)


class HttpTransport:
    """One receiver at one address. `headers` carry the credential; cookies are kept, for receivers behind a load
    balancer that needs the same back end for the next request.

    name: the destination's, for messages. read_seconds: to wait for the next bytes of an answer, and for all of it
    once it has begun. kept: bytes of an answer that are kept; no more are read. hidden: secrets beside the
    headers (an address that is one). Raises Halted when `ca_file` cannot be used.
    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        ca_file: Path | None = None,
        connections: int = 16,
        read_seconds: float = TIMEOUT_SECONDS,
        kept: int = _KEPT_BODY,
        hidden: Iterable[str] = (),
    ) -> None:
        self._kept, self._longest = kept, read_seconds
        self._hidden = _secrets([*(headers or {}).values(), *hidden])
        self.name = name
        self._url = url
        self._address = lru_cache(maxsize=_ADDRESSES)(httpx.URL)  # to read one costs as much as to send it
        loopback = is_loopback(urlsplit(url).hostname or "")
        try:
            trusted = ssl.create_default_context(cafile=str(ca_file)) if ca_file else _trusted_by_system()
        except (OSError, ssl.SSLError) as problem:
            raise Halted(
                f"the certificates that ca_file of destination {name} names cannot be used "
                f"({type(problem).__name__})",
                remedy="ca_file must be a readable PEM file with the certificates of the receiver's authority",
            ) from None
        self._client = httpx.Client(
            headers=dict(headers or {}),
            verify=trusted,
            timeout=httpx.Timeout(read_seconds, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            follow_redirects=False,
            trust_env=not loopback,
        )

    def send(self, request: Request) -> Response:
        """The answer; with status 0 and `error` where there was none, and what was sent may have arrived or not.

        Raises Halted where the receiver's certificate is not trusted: sending again would not mend it.
        """
        return self.exchange(request.method, request.path, request.headers, request.body)

    def exchange(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        hidden: Iterable[str] = (),
    ) -> Response:
        """One exchange at `path` under the address, which is joined as text. hidden: secrets in `body`."""
        try:
            with self._client.stream(
                method, self._address(self._url + path), headers=dict(headers), content=body
            ) as answer:
                pieces, room, deadline = [], self._kept, time.monotonic() + self._longest
                for piece in answer.iter_bytes():
                    pieces.append(piece[:room])
                    room -= len(piece)
                    if room <= 0:
                        break
                    if time.monotonic() > deadline:  # a byte now and then keeps the client's own from passing
                        return Response(status=0, error="no answer in time (it began and did not end)")
                return Response(
                    status=answer.status_code,
                    headers={name.lower(): value for name, value in answer.headers.items()},
                    body=self._without_secrets(b"".join(pieces), [headers.get("Authorization", ""), *hidden]),
                )
        except httpx.ConnectError as problem:
            untrusted = behind(problem, ssl.SSLCertVerificationError)
            if untrusted is not None:
                raise Halted(
                    f"the certificate of destination {self.name} is not trusted ({untrusted.verify_message})",
                    remedy=UNTRUSTED_REMEDY,
                ) from None
            return Response(status=0, error=_why(problem), sent=False)
        except UnicodeError:  # a host that httpx cannot even ask for, such as xn-- with nothing behind it
            raise Halted(
                f"the address of destination {self.name} names a host that cannot exist",
                remedy="correct the host name in url",
            ) from None
        except httpx.TimeoutException as problem:
            sent = not isinstance(problem, httpx.ConnectTimeout)
            return Response(status=0, error=f"no answer in time ({type(problem).__name__})", sent=sent)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as problem:
            return Response(status=0, error=f"the connection broke ({type(problem).__name__})")

    def _without_secrets(self, answer: bytes, more: Iterable[str]) -> bytes:
        for secret in (*self._hidden, *_secrets(more)):
            answer = answer.replace(secret, b"[hidden]")
        return answer

    def close(self) -> None:
        self._client.close()


@cache
def _trusted_by_system() -> ssl.SSLContext:
    """Read once: it takes longer than many a request."""
    return ssl.create_default_context()


def secret_parts(url: str) -> list[str]:
    """Of an address that is a credential, what a receiver might quote: all of it, its path, the last step."""
    path = url.partition("://")[2].partition("/")[2]
    return [url, path, path.partition("?")[0].rpartition("/")[2], path.partition("?")[2]]


def _secrets(texts: Iterable[str]) -> list[bytes]:
    """What is secret in these texts: each whole, and without the scheme before it. Longest first."""
    found = {part for text in texts for part in (text, text.partition(" ")[2]) if len(part) >= _SHORTEST_SECRET}
    return [part.encode() for part in sorted(found, key=len, reverse=True)]


def _why(problem: httpx.ConnectError) -> str:
    if behind(problem, socket.gaierror):
        return NO_NAME
    broken = behind(problem, ssl.SSLError)
    return f"TLS failed ({broken.reason or type(broken).__name__})" if broken else NO_CONNECTION


def behind(problem: BaseException | None, kind: type[_Error]) -> _Error | None:
    """The error of this kind that stands behind a failed connection, if there is one."""
    while problem is not None:
        if isinstance(problem, kind):
            return problem
        problem = problem.__cause__ or problem.__context__
    return None
