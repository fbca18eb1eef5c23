"""Entries of the kind `restriction`: a person's records are masked at reading, no longer, or were read unmasked.

Promise: an entry names nobody. It holds salted hashes of identifiers and a reason that repeats none of them; who
reads follows the entries in order, and what was archived stays as it is.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import UNSET

from warehouse.archive.entry import Draft, Entry
from warehouse.archive.errors import RestrictionRefused
from warehouse.archive.state import LogState, Restriction

if TYPE_CHECKING:
    from warehouse.archive.archive import Archive
    from warehouse.archive.log import Build

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
LONGEST_REASON = 300
SHORTEST, LONGEST = 6, 320  # characters of an identifier; shorter ones would also be words of the feed
# What words end at when an identifier is looked for in a text; an identifier that has one of these in it, or one
# of AROUND at its ends, is compared with texts as a whole too (`Change.whole`).
BETWEEN = '\t\n\f\r "{}[]:,;/?&=<>()|#\\'
AROUND = ".'`"
MOST = 100  # identifiers of one restriction
_SALT = re.compile(r"[0-9a-f]{32}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_WORDS = re.compile(r"[^\W_]+")
_SHORTEST_WORD = 3


class Change(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What an entry says under `restriction`.

    `set`: `digests` are SHA-256 of the salt and an identifier (`digest`), `lengths` how many characters those
    identifiers have, so that a reader need not hash every word; `whole`: one of them is more than a word. `read`:
    somebody reads unmasked, and why.
    """

    action: Literal["set", "lift", "read"]
    reason: str
    name: str | None = None
    salt: str | None = None
    digests: list[str] = []
    lengths: list[int] = []
    whole: bool = False


def change_of(entry: Entry) -> Change:
    """The change that an entry of this kind records. Raises ValueError when it lacks what its action needs."""
    if entry.restriction is UNSET:
        raise ValueError("it is a restriction entry that says nothing of a restriction")
    change = msgspec.convert(entry.restriction, Change)
    if not change.reason:
        raise ValueError(f"it is a restriction entry ({change.action}) without a reason")
    if change.action != "read" and not NAME.fullmatch(change.name or ""):
        raise ValueError("the name of its restriction is none")
    if change.action == "set":
        # these become part of SQL: nothing but what we write ourselves may pass
        if not _SALT.fullmatch(change.salt or ""):
            raise ValueError("the salt of its restriction is none")
        if not change.digests or not all(_DIGEST.fullmatch(one) for one in change.digests):
            raise ValueError("it is a restriction of nobody")
        if not change.lengths or not all(0 < length <= 2 * LONGEST for length in change.lengths):
            raise ValueError("it is a restriction of identifiers without a length")
    return change


def apply_restriction(state: LogState, entry: Entry) -> None:
    """Take one checked entry of this kind in. What fits no restriction changes nothing; the stricter holds."""
    change, held = change_of(entry), dict(state.restrictions or {})
    old = held.get(change.name or "")
    if change.action == "set":
        name, number = change.name or "", 1
        while old is not None and old.lifted_at is None:  # slipped in: both hold, neither hides the other
            number += 1
            name = f"{change.name}.{number}"
            old = held.get(name)
        held[name] = Restriction(
            entry.seq,
            entry.committed_at,
            change.reason,
            change.salt or "",
            change.digests,
            change.lengths,
            change.whole,
        )
    elif change.action == "lift" and old is not None and old.lifted_at is None:
        held[change.name or ""] = msgspec.structs.replace(
            old, lifted_at=entry.committed_at, lifted_because=change.reason
        )
    state.restrictions = held


def set_restriction(archive: Archive, name: str, identifiers: Sequence[str], reason: str) -> Entry:
    """Restrict the records that name somebody, from this entry on. Raises RestrictionRefused before writing.

    `identifiers` are user ids and e-mail addresses of one person; case and outer blanks do not matter.
    """
    _check_name(name)
    check_reason(reason)
    _check_identifiers(identifiers)
    _refuse_naming(name, reason, identifiers)
    spelled = sorted({form for one in identifiers for form in _spellings(one)})

    def build(state: LogState) -> Draft:
        known = state.restrictions or {}
        if name in known and known[name].lifted_at is None:
            raise RestrictionRefused(
                f"the restriction {name} is on since {known[name].at}; nothing was written. Use another name for "
                f"further identifiers, or lift it first"
            )
        salt = next((one.salt for one in known.values()), None) or secrets.token_hex(16)
        change = Change(
            action="set",
            name=name,
            reason=reason,
            salt=salt,
            digests=sorted(digest(salt, one) for one in spelled),
            lengths=sorted({len(one) for one in spelled}),
            whole=any(one.strip(AROUND) != one or set(one) & set(BETWEEN) for one in spelled),
        )
        return _draft(change)

    return _appended(archive, build)


def lift_restriction(archive: Archive, name: str, reason: str) -> Entry:
    """Let the records be read again as before. Raises RestrictionRefused when no such restriction is on."""
    _check_name(name)
    check_reason(reason)

    def build(state: LogState) -> Draft:
        active = state.restricted()
        if name not in active:
            raise RestrictionRefused(
                f"no restriction {name} is on; nothing was written. "
                + (f"On are: {', '.join(sorted(active))}" if active else "`ledgerline restrict list` shows all")
            )
        return _draft(Change(action="lift", name=name, reason=reason))

    return _appended(archive, build)


def record_reading(archive: Archive, reason: str) -> Entry:
    """Put on record that somebody now reads unmasked. To be called before the first row is shown."""
    check_reason(reason)

    def build(state: LogState) -> Draft:
        words = set(re.split(f"[{re.escape(BETWEEN)}]", normal(reason)))
        for one in state.restricted().values():
            if any(digest(one.salt, word.strip(AROUND)) in one.digests for word in words):
                raise RestrictionRefused(
                    "the reason names somebody who is restricted; it stays in the log for ever"
                )
        return _draft(Change(action="read", reason=reason))

    return _appended(archive, build)


def digest(salt: str, spelled: str) -> str:
    """The hash that an entry holds of an identifier, in the form that `normal` gives it."""
    return hashlib.sha256((salt + spelled).encode()).hexdigest()


def normal(text: str) -> str:
    """Without outer blanks and regard to case, character by character, as SQL's `lower(trim(...))` has it.

    Python's own `lower` makes two characters of one (U+0130) and looks at the neighbours of a final sigma.
    """
    return "".join("i" if one == "\u0130" else one.lower() for one in text.strip(" "))


def _spellings(identifier: str) -> set[str]:
    """One letter can be written as one character or as a letter and its accent: both are looked for."""
    composed, apart = unicodedata.normalize("NFC", identifier), unicodedata.normalize("NFD", identifier)
    return {normal(identifier), normal(composed), normal(apart)}


def check_reason(reason: str) -> None:
    """Raise RestrictionRefused for a reason that is none, or that cannot stay in the log for ever."""
    if not reason.strip() or len(reason) > LONGEST_REASON or not reason.isprintable():
        raise RestrictionRefused(f"the reason must be one line of at most {LONGEST_REASON} characters")
    if "@" in reason:
        raise RestrictionRefused("the reason holds an e-mail address; it stays in the log for ever: name nobody")


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise RestrictionRefused(
            f"{name!r} cannot be the name of a restriction; use a-z, 0-9, '.', '_' and '-', for example the "
            f"number of the request: dsr-2026-014"
        )


def _check_identifiers(identifiers: Sequence[str]) -> None:
    if not identifiers:
        raise RestrictionRefused("a restriction is about somebody: give at least one user id or e-mail address")
    if len(identifiers) > MOST:
        raise RestrictionRefused(
            f"{len(identifiers)} identifiers are too many for one restriction (at most {MOST})"
        )
    for one in identifiers:
        bare = normal(one)
        if not SHORTEST <= len(bare) <= LONGEST or not bare.isprintable():
            raise RestrictionRefused(
                f"{one!r} cannot identify a person: {SHORTEST} to {LONGEST} characters, none of them a control "
                f"character"
            )


def _refuse_naming(name: str, reason: str, identifiers: Sequence[str]) -> None:
    """The log is for ever: what would name a person must not get into it by the reason or the name."""
    said = normal(f"{name} {reason}")
    words = set(_WORDS.findall(said))
    for one in identifiers:
        local = normal(one).partition("@")[0]
        parts = {word for word in _WORDS.findall(local) if len(word) >= _SHORTEST_WORD and not word.isdigit()}
        named = normal(one) in said or (parts & words if "@" in one else local in words)
        if named:
            raise RestrictionRefused(
                "the name or the reason says whom the restriction is about; both stay in the log for ever. Name "
                "the request by its number and give a reason without the person"
            )


def _draft(change: Change) -> Draft:
    return Draft(kind="restriction", restriction=msgspec.to_builtins(change))


def _appended(archive: Archive, build: Build) -> Entry:
    entry = archive.append(build)
    assert entry is not None
    return entry
