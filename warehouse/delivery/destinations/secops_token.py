"""Tokens for a Google service account: a claim signed with its key, exchanged at its token address (RFC 7523).

Promise: the key stands in no text. Messages name the account, which is no secret.
"""

import base64
import time
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from warehouse.delivery.answers import document, reason, retry_after
from warehouse.delivery.errors import Halted
from warehouse.delivery.over_http import HttpTransport
from warehouse.delivery.tokens import NoToken, Token
from warehouse.wire.hosts import is_loopback

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFE_SECONDS = 3600
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class ServiceAccount:
    """One service account by its JSON key. Raises Halted where that is no such key."""

    def __init__(self, destination: str, key: bytes) -> None:
        self._destination = destination
        try:
            said: dict[str, Any] = msgspec.json.decode(key, type=dict[str, Any])
            self._email, self._key_id = str(said["client_email"]), str(said.get("private_key_id", ""))
            self._uri = str(said["token_uri"])
            self._key = cast(RSAPrivateKey, load_pem_private_key(str(said["private_key"]).encode(), None))
            parts = urlsplit(self._uri)
            usable = isinstance(self._key, RSAPrivateKey) and (
                parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
            )
        except (ValueError, KeyError, TypeError):
            usable = False
        if not usable:
            raise Halted(
                f"credentials of destination {destination} do not hold the JSON key of a service account",
                remedy="store the key file as Google issued it, and refer to it by file:PATH",
            )
        self.authority = HttpTransport(destination, self._uri)

    def token(self) -> Token | NoToken:
        """A new token. Raises Halted where the account is refused."""
        now = int(time.time())
        claims = {"iss": self._email, "scope": SCOPE, "aud": self._uri, "iat": now, "exp": now + _LIFE_SECONDS}
        header = {"alg": "RS256", "typ": "JWT", "kid": self._key_id}
        signed = b".".join(_url_safe(msgspec.json.encode(part)) for part in (header, claims))
        signature = self._key.sign(signed, PKCS1v15(), SHA256())
        assertion = b".".join((signed, _url_safe(signature))).decode()
        form = f"grant_type={_GRANT.replace(':', '%3A')}&assertion={assertion}".encode()
        answer = self.authority.exchange("POST", "", _FORM, form, hidden=[assertion])
        said = document(answer)
        token = said.get("access_token")
        if answer.status == 200 and isinstance(token, str) and token:
            seconds = said.get("expires_in")
            return Token(token, float(seconds) if isinstance(seconds, int | float) else 600.0)
        if answer.status in (400, 401, 403, 404):
            raise Halted(
                f"Google refuses the service account of destination {self._destination} "
                f"({said.get('error', f'HTTP {answer.status}')})",
                remedy=f"check that {self._email} exists, that its key is not revoked, and this machine's clock",
            )
        return NoToken(f"from the token address: {reason(answer)}", retry_after(answer.headers))


def _url_safe(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
