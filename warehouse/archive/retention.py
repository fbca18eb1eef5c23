"""Entries of the kind `retention`: legal holds, longer retention, and what was deleted after its lock had passed.

Promise: each is written before the work it announces, so that a killed run leaves a log that says what is to be
finished; a second entry says that it was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import UNSET

from warehouse.archive.state import Extension, Hold, LogState
from warehouse.wire.times import parse_rfc3339
from warehouse.wire.windows import Window

if TYPE_CHECKING:
    from warehouse.archive.entry import Entry

Action = Literal["hold", "held", "release", "released", "extend", "extended", "expire"]
HOLD_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
LONGEST_REASON = 1000


class Change(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What an entry says under `retention`.

    `hold` and `release` begin, `held` and `released` end the setting and releasing of the hold `name`; `extend`
    retains until `until`, `extended` ends it (`of` is the entry that began it); `expire` names the `keys` whose
    deletion it announces, `held` those that were gone before the hold reached them.
    """

    action: Action
    name: str | None = None
    reason: str | None = None
    until: str | None = None
    of: int | None = None
    keys: list[str] = []


@dataclass(frozen=True)
class _Needs:
    fields: tuple[str, ...]
    window: bool = False


_NEEDS: dict[str, _Needs] = {
    "hold": _Needs(("name", "reason"), window=True),
    "held": _Needs(("name",)),
    "release": _Needs(("name", "reason")),
    "released": _Needs(("name",)),
    "extend": _Needs(("until",)),
    "extended": _Needs(("of",)),
    "expire": _Needs(("keys",)),
}


def change_of(entry: Entry) -> Change:
    """The change that an entry of this kind records. Raises ValueError when it lacks what its action needs."""
    if entry.retention is UNSET:
        raise ValueError("it is a retention entry that says nothing of retention")
    change = msgspec.convert(entry.retention, Change)
    needs = _NEEDS[change.action]
    for field in needs.fields:
        if getattr(change, field) in (None, "", []):
            raise ValueError(f"it is a retention entry ({change.action}) without {field}")
    if needs.window and entry.window is None:
        raise ValueError(f"it is a retention entry ({change.action}) without a window")
    if change.name is not None and not HOLD_NAME.fullmatch(change.name):
        raise ValueError("the name of its hold is none")
    if change.until is not None:
        parse_rfc3339(change.until)
    return change


def apply_change(state: LogState, entry: Entry) -> None:
    """Take one checked entry of this kind in. What fits no hold or extension changes nothing."""
    change = change_of(entry)
    window = Window.from_text(entry.window) if entry.window is not None else None
    holds, name = dict(state.holds or {}), change.name or ""
    if change.action == "hold" and name not in holds and window is not None:
        holds[name] = Hold(window, entry.stream, change.reason or "", entry.seq, entry.committed_at)
    elif change.action in ("held", "release") and name in holds:
        phase = "on" if change.action == "held" else "releasing"
        if not (change.action == "held" and holds[name].phase == "releasing"):
            holds[name] = msgspec.structs.replace(holds[name], phase=phase)
    elif change.action == "released":
        holds.pop(name, None)
    elif change.action == "extend" and change.until is not None:
        begun = Extension(entry.seq, window, entry.stream, change.until, entry.committed_at)
        state.extensions = [*(state.extensions or []), begun]
    elif change.action == "extended":
        state.extensions = [
            msgspec.structs.replace(one, done=True) if one.seq == change.of else one
            for one in state.extensions or []
        ]
    if change.action in ("hold", "held", "release", "released"):
        state.holds = holds
