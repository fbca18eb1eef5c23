"""A best effort for event types that nobody has listed, from the words of their names.

Promise: it never raises, never says `informational`, and never calls a success what the name calls a failure,
an attempt or nothing at all. The vendor adds types weekly; a new one must be seen, not silently filed away.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from warehouse.taxonomy.event_type import EventType
from warehouse.taxonomy.vocabulary import UNKNOWN

_WORD = re.compile(r"[a-z]+")

# Forms that say the deed is done: the verb, and with it a success unless another word says otherwise.
_DONE: Final[dict[str, str]] = {
    word: verb
    for verb, words in {
        "created": "created generated provisioned duplicated copied registered",
        "updated": "updated changed modified replaced renamed toggled configured edited moved set migrated",
        "deleted": "deleted purged redacted erased",
        "archived": "archived",
        "restored": "restored unarchived renewed resumed recovered reactivated",
        "viewed": "viewed opened read revealed",
        "listed": "listed searched",
        "accessed": "accessed used queried",
        "exported": "exported",
        "uploaded": "uploaded",
        "downloaded": "downloaded",
        "published": "published shared",
        "unpublished": "unpublished unshared",
        "enabled": "enabled activated unpaused unlocked unsuspended",
        "disabled": "disabled deactivated paused suspended locked tripped",
        "added": "added imported enrolled joined bound allowlisted blocklisted",
        "removed": "removed left unbound unenrolled unblocked",
        "granted": "granted assigned delegated transferred",
        "revoked": "revoked unassigned",
        "invited": "invited",
        "accepted": "accepted approved",
        "decided": "decided resolved",
        "logged_out": "logout signout",
        "verified": "verified validated confirmed",
        "issued": "issued minted exchanged",
        "rotated": "rotated regenerated",
        "connected": "connected linked claimed",
        "disconnected": "disconnected unlinked",
        "reported": "reported flagged",
        "completed": "completed finished succeeded success successful",
        "cancelled": "cancelled canceled",
    }.items()
    for word in words.split()
}

# Forms that name the deed without saying that it was done.
_NAMED: Final[dict[str, str]] = {
    word: verb
    for verb, words in {
        "created": "create creation",
        "updated": "update change replacement",
        "deleted": "delete deletion deleting purge",
        "viewed": "access view",
        "exported": "export exporting",
        "uploaded": "upload",
        "downloaded": "download",
        "added": "add addition import enrollment",
        "removed": "remove removal",
        "granted": "grant",
        "authenticated": "login signin authentication authenticated authenticate",
        "verified": "verification verify",
        "rotated": "rotation",
        "requested": "requested request submitted sent",
        "rejected": "rejected dismissed declined",
        "blocked": "denied blocked prevented refused forbidden quarantined",
        "started": "started initiated triggered launched scheduled attempted",
        "failed": "failed failure errored",
    }.items()
    for word in words.split()
}

_VERB_OF: Final = _DONE | _NAMED


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FAILURE: Final = _words(
    "failed failure denied blocked prevented refused forbidden invalid errored error expired unauthorized "
    "quarantined"
)
_ATTEMPT: Final = _words("started initiated requested attempted triggered launched scheduled submitted pending")
_UNSAID: Final = _words("rejected dismissed declined truncated skipped partial")
_ASKED: Final = _words("request proposal application submission")
_PROCESS: Final = _words("requested started failed completed blocked")
_LOGIN: Final = _words("login signin authentication authenticated")
_SENSITIVE: Final = _words(
    "sso saml owner admin audit compliance export exported exports retention residency encryption cmek mfa "
    "restriction restrictions anthropic federation impersonated impersonation elevated"
)
_ADMIN: Final = _words("org organization admin rbac role group scim workspace primary")
_READ: Final = _words("viewed listed")
_MOVEMENT: Final = {"uploaded": "upload", "downloaded": "download", "exported": "export"}


@lru_cache(maxsize=4096)
def classify_unknown(type: str) -> EventType:
    """What can be said of an unlisted `type` from its name alone; category is always `unknown`.

    Any text is taken, also an empty one. Severity is `high` where a word touches identity, audit or export,
    `low` for a plain read, otherwise `medium`.
    """
    words = _WORD.findall(type.lower())
    said = set(words)
    verb = _verb(words)
    movement = _MOVEMENT.get(verb, "")
    if "shared" in said:
        movement = "share"
    elif "unshared" in said:
        movement = "unshare"
    outcome = _outcome(words, said)
    if said & _SENSITIVE:
        severity = "high"
    elif verb in _READ and outcome == "success":
        severity = "low"
    else:
        severity = "medium"
    return EventType(
        type=type,
        category=UNKNOWN,
        verb=verb,
        object="_".join(word for word in words if word not in _VERB_OF) or UNKNOWN,
        outcome=outcome,
        severity=severity,
        is_login=bool(said & _LOGIN) and verb == "authenticated",
        is_admin_change=words[:1] != [] and words[0] in _ADMIN and verb not in _READ and not movement,
        data_movement=movement,
        note="not listed: classified from its name",
        listed=False,
    )


def _verb(words: list[str]) -> str:
    """The last verb of the name; but the deed itself where that is `failed`, `started`, `succeeded`."""
    if _asks(words):
        return "requested"
    found = [verb for word in reversed(words) if (verb := _VERB_OF.get(word))]
    if not found:
        return UNKNOWN
    deed = next((verb for verb in found if verb not in _PROCESS), None)
    return deed if deed is not None and found[0] in _PROCESS else found[0]


def _outcome(words: list[str], said: set[str]) -> str:
    if said & _FAILURE:
        return "failure"
    if said & _ATTEMPT or _asks(words):
        return "attempt"
    if said & _UNSAID or not words or words[-1] not in _DONE:
        return UNKNOWN
    return "success"


def _asks(words: list[str]) -> bool:
    """A request that was `created` is something asked for, not something made."""
    return len(words) > 1 and words[-1] == "created" and words[-2] in _ASKED
