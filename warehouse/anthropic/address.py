"""Where a key may be sent, how that place proves itself, and by what name we call ourselves there."""

import ssl
from functools import cache
from importlib import metadata
from urllib.parse import urlsplit

import httpx

from warehouse.anthropic.answers import printable
from warehouse.anthropic.errors import AddressRefused
from warehouse.wire.hosts import is_loopback

_REMEDY = "set `anthropic.base_url` to https://api.anthropic.com, or to a sandbox on 127.0.0.1"


def user_agent(writer: str) -> str:
    """`ledgerline/<version> (<writer id>)`, the name by which the vendor's records know us."""
    known = "".join(
        mark if mark.isascii() and mark.isprintable() and mark not in "()\\" else "-" for mark in writer
    )
    return f"ledgerline/{_version()} ({known.strip()})"


@cache
def _version() -> str:
    """Read once: it takes longer than many a request."""
    try:
        return metadata.version("ledgerline")
    except metadata.PackageNotFoundError:
        return "0"


def checked_base_url(base_url: str) -> tuple[str, bool]:
    """The base URL without a closing slash, and whether it is on loopback.

    Raises AddressRefused for what is no http(s) URL, holds credentials, or is plain http to another machine.
    """
    try:
        parts = urlsplit(base_url)
        host, _ = parts.hostname or "", parts.port
        httpx.URL(base_url)
    except (ValueError, httpx.InvalidURL):
        raise AddressRefused("`anthropic.base_url` is not a URL.", remedy=_REMEDY) from None
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise AddressRefused(
            "`anthropic.base_url` holds a user, a password, a query or a fragment.", remedy=_REMEDY
        )
    if parts.scheme not in ("http", "https") or not host:
        raise AddressRefused(
            f"`anthropic.base_url` is not an http(s) URL: '{printable(base_url)}'.", remedy=_REMEDY
        )
    loopback = is_loopback(host)
    if parts.scheme == "http" and not loopback:
        raise AddressRefused(
            f"`anthropic.base_url` is plain http to {printable(host)}: the key would travel in the clear.",
            remedy=_REMEDY,
        )
    return base_url.rstrip("/"), loopback


def trusted_certificates(base_url: str) -> ssl.SSLContext:
    """What to verify a server by: SSL_CERT_FILE or SSL_CERT_DIR where set, else what comes with httpx.

    Raises OSError where the environment names what is not there.
    """
    if base_url.lower().startswith("http:"):
        # Plain http (loopback only) needs none, and loading them takes 50 ms. This context trusts nobody.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.create_ssl_context()
