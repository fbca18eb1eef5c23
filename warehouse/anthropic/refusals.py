"""From an error answer to the error that says what to do (reference 0.4, 1.5, 3.1).

Rules go by status and `error.type`. Text is read only where the vendor gives two meanings one status and
type: "not enabled" among the 400s, scopes in a 403, the named parameter.
"""

import re
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from warehouse.anthropic.answers import Attempt, Response, printable
from warehouse.anthropic.authentication import authentication_trouble
from warehouse.anthropic.errors import (
    AddressRefused,
    AnthropicError,
    CursorExpired,
    ForeignOrganization,
    NotEnabled,
    RequestRefused,
    StreamTrouble,
    Unavailable,
)
from warehouse.anthropic.surfaces import ENTERPRISE_KEYS, Surface

ORGANIZATION_HEADER = "anthropic-organization-id"
_PARAMETERS = (
    re.compile(r"^Unknown query parameter: '([^']+)'"),
    re.compile(r"^([A-Za-z_][\w.\[\]]*): "),
    re.compile(r"^Invalid (\w+) format\b"),
)
_ADDRESS = "set `anthropic.base_url` to the API itself (default https://api.anthropic.com)"


def named_parameter(message: str) -> str | None:
    """The parameter that the text of a 400 names, e.g. `created_at[gte]`, `limit`, or None."""
    for pattern in _PARAMETERS:
        match = pattern.search(message)
        if match:
            return match.group(1)
    return None


def refuse_foreign(
    response: Response, organizations: Collection[str], surface: Surface, attempts: Sequence[Attempt]
) -> None:
    """Raises ForeignOrganization where the answer says that it comes from an organisation that is not among ours,
    before anybody reads it. An answer that does not say so is taken."""
    told = response.headers.get(ORGANIZATION_HEADER, "").lower()
    if not organizations or not told or told in organizations:
        return
    raise ForeignOrganization(
        f"The key of `{surface.key_setting}` belongs to the organisation {printable(told)}, which "
        "`anthropic.organizations` does not name; nothing of its answer was kept.",
        remedy="put the key of this tenant's own organisation there, or add the organisation to the list if it is "
        "this tenant's too",
        attempts=attempts,
    )


def refusal(
    response: Response, surface: Surface, kind: str, attempt: Attempt, *, whole_stream: bool
) -> AnthropicError:
    """The error for an answer that trying again will not change.

    `kind` describes the key. `whole_stream` says that the path names a stream and not one object in it: then
    a 404 means that the key is wrong, not that something is absent.
    """
    said = _said(response, surface)
    trouble = _trouble_of_the_stream(response, surface, kind, attempt, said, whole_stream=whole_stream)
    if trouble is not None:
        return trouble
    attempts = (attempt,)
    if response.status == 410:
        return CursorExpired(f"{said}: the cursor is no longer valid.", attempts=attempts)
    if response.status >= 500:
        return Unavailable(
            f"{said} and says that trying again is of no use. Quote the request-id to Anthropic support.",
            attempts=attempts,
        )
    parameter = named_parameter(response.error.message)
    about = f" The parameter is `{parameter}`." if parameter else ""
    return RequestRefused(
        f"{said}.{about} The request was: {response.url}",
        status=response.status,
        parameter=parameter,
        said=response.error.message,
        attempts=attempts,
    )


def _said(response: Response, surface: Surface) -> str:
    path = response.url.partition("?")[0]
    text = f'The {surface.name} answered {response.status} "{response.error.message or "(no text)"}" to GET {path}'
    return f"{text} (request-id {response.request_id})" if response.request_id else text


def _trouble_of_the_stream(
    response: Response, surface: Surface, kind: str, attempt: Attempt, said: str, *, whole_stream: bool
) -> StreamTrouble | None:
    """The switch, the key or the address, where the answer is about one of them and not about this request."""
    error, status = response.error, response.status
    if status in (400, 403) and "not enabled" in error.message.lower():
        return NotEnabled(
            f"{said}. While it is off nothing is recorded, and what is not recorded can never be had.",
            remedy=(
                f"have a primary owner switch the {surface.name} on at {ENTERPRISE_KEYS}, then run "
                "`ledgerline doctor`"
            ),
            attempts=(attempt,),
        )
    bare = error.type is None and error.message.strip(".").lower() == "not found"
    if status in (401, 403) or (status == 404 and whole_stream and (error.type == "not_found_error" or bare)):
        return authentication_trouble(response, surface, kind, attempt, said)
    if 300 <= status < 400:
        where = printable(urlsplit(response.headers.get("location", "")).hostname or "another path")
        return AddressRefused(
            f"`anthropic.base_url` answers {status} and points to {where}; a key never follows a redirect.",
            remedy=_ADDRESS,
            attempts=(attempt,),
        )
    if status == 404 and error.type is None:
        return AddressRefused(f"{said}. That is not the API.", remedy=_ADDRESS, attempts=(attempt,))
    return None
