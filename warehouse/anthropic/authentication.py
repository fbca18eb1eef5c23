"""Keys: their kinds, what a refusal says about their scopes, and how one reaches a request.

Promise: a key is asked for at each request, put into one header and forgotten; no repr, message or log holds
it.
"""

import re
from collections.abc import Callable, Generator

import httpx

from warehouse.anthropic.answers import Attempt, Response
from warehouse.anthropic.errors import AuthenticationTrouble
from warehouse.anthropic.surfaces import Surface

KeySource = Callable[[], str]

NO_KEY = "no key"
ENTERPRISE_KEY = "Claude Enterprise key"
UNRECOGNISED = "key of an unrecognised kind"
_KINDS = {
    "sk-ant-api01-": ENTERPRISE_KEY,
    "sk-ant-admin01-": "Admin API key of the Claude Console",
    "sk-ant-api03-": "Claude API key of the Claude Console",
}

_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_FOUND = re.compile(r"Got:\s*\[([^\]]*)\]", re.IGNORECASE)
_NEEDED = re.compile(r"Needed(?:\s+one\s+of)?:\s*\[([^\]]*)\]", re.IGNORECASE)


def key_kind(key: str) -> str:
    """The kind of a key by its prefix, as people call it (reference 0.3)."""
    if not key:
        return NO_KEY
    for prefix, kind in _KINDS.items():
        if key.startswith(prefix):
            return f"{kind} ({prefix}...)"
    return UNRECOGNISED


def read_scopes(message: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Scopes found and scopes needed in the text of a 403, both wordings (`Needed one of:`, `Needed:`)."""

    def names(pattern: re.Pattern[str]) -> tuple[str, ...]:
        match = pattern.search(message)
        if match is None:
            return ()
        return tuple(one or other for one, other in _QUOTED.findall(match.group(1)))

    return names(_FOUND), names(_NEEDED)


def usable_key(source: KeySource, surface: Surface) -> str:
    """The key, without the white space that files end in.

    Raises AuthenticationTrouble where it is empty or holds characters that no header may carry (an HTTP
    library would put such a value into its own error text).
    """
    key = source().strip()
    if not key:
        raise AuthenticationTrouble(
            f"There is no key for the {surface.name}: the setting `{surface.key_setting}` points to nothing.",
            cause="no_key",
            key_setting=surface.key_setting,
            key_kind=NO_KEY,
            remedy=surface.remedy,
            scopes_needed=surface.scopes,
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise AuthenticationTrouble(
            f"The key in `{surface.key_setting}` is not usable: it holds white space or characters outside ASCII.",
            cause="malformed",
            key_setting=surface.key_setting,
            key_kind=key_kind(key),
            remedy=f"copy the key again, whole and on one line; or {surface.remedy}",
        )
    return key


class KeyHeader(httpx.Auth):
    """Puts `x-api-key` on a request at the last moment, so that no client object keeps the key."""

    def __init__(self, source: KeySource, surface: Surface) -> None:
        self._source = source
        self._surface = surface

    def __repr__(self) -> str:
        return f"KeyHeader({self._surface.key_setting})"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["x-api-key"] = usable_key(self._source, self._surface)
        yield request


def authentication_trouble(
    response: Response, surface: Surface, kind: str, attempt: Attempt, said: str
) -> AuthenticationTrouble:
    """What a 401, a 403 or a bare 404 on a whole stream says about the key (reference 1.5 and 3.1).

    `kind` is the key's by its prefix, `said` the beginning of the message: who answered what.
    """
    error = response.error
    found, needed = read_scopes(error.message)
    key = f"the key in `{surface.key_setting}` ({kind})"
    remedy = surface.remedy
    foreign = kind.startswith(_KINDS["sk-ant-api03-"])
    if response.status == 403 and (found or needed):
        cause = "scope_missing"
        wanted = " or ".join(f"`{scope}`" for scope in needed) or "another scope"
        has = ", ".join(f"`{scope}`" for scope in found) or "no scope at all"
        detail = f"{key} has {has} and needs {wanted}."
        remedy = f"scopes cannot be added to a key: {remedy}"
    elif response.status == 403 and error.type is None:
        cause = "refused"
        detail = f"this is not an answer of the API but of something on the way to it; {key} may be sound."
        remedy = "ask who runs the proxy or firewall between this machine and `anthropic.base_url`"
    elif response.status == 403:
        cause = "refused"
        detail = f"{key} is accepted but not permitted to do this."
    elif response.status == 404 or foreign:
        cause = "wrong_kind"
        detail = f"the API says so to a missing key and to a key of a foreign kind; {key} does not open it."
    else:
        text = error.message.lower()
        cause = next((word for word in ("expired", "deactivated") if word in text), "invalid")
        detail = f"{key} is not accepted."
    return AuthenticationTrouble(
        f"{said}: {detail}",
        cause=cause,
        key_setting=surface.key_setting,
        key_kind=kind,
        remedy=remedy,
        scopes_found=found,
        scopes_needed=needed,
        attempts=(attempt,),
    )
