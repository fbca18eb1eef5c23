"""Requests over HTTP: TLS verified, no redirect followed, and no credential in any text.

Promise: `send` never raises for what the network or the receiver does. Credentials stand in headers that only this
module holds; an address that is itself a secret is never part of an error.
"""

import logging
import ssl
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from warehouse.delivery.errors import Halted
from warehouse.delivery.port import Request, Response

TIMEOUT_SECONDS = 60.0
CONNECT_SECONDS = 10.0
_KEPT_BODY = 1_000_000
# httpx writes each address it calls into its log at INFO, and an address may be a secret
logging.getLogger("httpx").setLevel(logging.WARNING)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class HttpTransport:
    """One receiver at one address. `headers` carry the credential; cookies are kept, for receivers behind a load
    balancer that needs the same back end for the next request.

    name: the destination's, for messages. kept: bytes of an answer that are kept. Raises Halted when `ca_file`
    cannot be used.
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
    ) -> None:
        self._kept = kept
        self.name = name
        self._url = url
        loopback = urlsplit(url).hostname in _LOOPBACK
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

    def exchange(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Response:
        """One exchange at `path` under the address, which is joined as text."""
        try:
            with self._client.stream(method, self._url + path, headers=dict(headers), content=body) as answer:
                pieces, room = [], self._kept
                for piece in answer.iter_bytes():
                    if room > 0:
                        pieces.append(piece[:room])
                        room -= len(piece)
                return Response(
                    status=answer.status_code,
                    headers={name.lower(): value for name, value in answer.headers.items()},
                    body=b"".join(pieces),
                )
        except httpx.ConnectError as problem:
            if _untrusted(problem):
                raise Halted(
                    f"the certificate of destination {self.name} is not trusted",
                    remedy="set ca_file to the PEM file of its authority, or correct the host name in url",
                ) from None
            return Response(status=0, error="no connection (refused, or the name is not known)", sent=False)
        except UnicodeError:  # a host that httpx cannot even ask for, such as xn-- with nothing behind it
            raise Halted(
                f"the address of destination {self.name} names a host that cannot exist",
                remedy="correct the host name in url",
            ) from None
        except httpx.TimeoutException as problem:
            return Response(status=0, error=f"no answer in time ({type(problem).__name__})")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as problem:
            return Response(status=0, error=f"the connection broke ({type(problem).__name__})")

    def close(self) -> None:
        self._client.close()


@cache
def _trusted_by_system() -> ssl.SSLContext:
    """Read once: it takes longer than many a request."""
    return ssl.create_default_context()


def _untrusted(problem: BaseException | None) -> bool:
    """Whether a certificate that does not verify is what stands behind a failed connection."""
    while problem is not None:
        if isinstance(problem, ssl.SSLCertVerificationError):
            return True
        problem = problem.__cause__ or problem.__context__
    return False
