"""The objects' part of a verification: what the log names must be there, and what is there must be named.

Promise: every byte of every named object is compared with its hash; what nobody names is reported once it is
too old to be work in progress.
"""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from warehouse.archive import keys
from warehouse.archive.ahead import in_order
from warehouse.archive.archive import decompress_page
from warehouse.archive.entry import ObjectRef, sha256_hex
from warehouse.archive.errors import KeyInvalid, KeyMissing, ObjectAltered
from warehouse.archive.findings import Verification
from warehouse.archive.merkle import root_of
from warehouse.archive.state import LogState
from warehouse.archive.store import Store
from warehouse.archive.verify_inventory import current_objects
from warehouse.wire.records import NotAPage, split_page

UNEXPLAINED_AFTER = timedelta(hours=1)  # an object without an entry, older than this before the newest entry
_RECENT = "tables/recent/"
_MARKER_UNWRITTEN = "the seal's marker is not written yet; run `ledgerline pull` again to finish the seal"
_MISSING = "is named by the log and is not there; restore it from a copy or a version"

Tell = Callable[[str, int, int], None]


class _Seen(NamedTuple):
    """What came of looking at one object: a finding's code and detail, or neither."""

    ref: ObjectRef
    code: str | None
    detail: str = ""


def expired(state: LogState) -> Callable[[str], bool]:
    """Whether an object may be gone: a file of the recent tier whose rows a seal took over, or a crash left."""
    needed = {file.key for table in state.tables.values() for file in table.recent}
    return lambda key: key.startswith(_RECENT) and key not in needed


def check_objects(
    store: Store,
    refs: Collection[ObjectRef],
    may_be_gone: Callable[[str], bool],
    result: Verification,
    *,
    deep: bool,
    tell: Tell,
) -> None:
    """Every object that an entry names must be there with the bytes it was named with."""
    done = 0
    for ref, code, detail in in_order(lambda ref: _look(store, ref, deep), refs):
        done += 1
        if done % 200 == 0:
            tell("objects", done, len(refs))
        if code == "missing" and may_be_gone(ref.key):
            continue
        if code is not None:
            result.found(code, ref.key, detail)
            continue
        result.checked["objects"] += 1
        result.checked["bytes"] += ref.bytes
        if isinstance(ref.records, int) and ref.key.startswith("pages/"):
            result.checked["records"] += ref.records
    tell("objects", done, len(refs))


def _look(store: Store, ref: ObjectRef, deep: bool) -> _Seen:
    try:
        data = store.get(ref.key, ref.version_id)
    except KeyMissing:
        return _Seen(ref, "missing", _MARKER_UNWRITTEN if ref.key.startswith("seals/") else _MISSING)
    except KeyInvalid as error:
        return _Seen(ref, "altered", f"is named by the log, but no such name can exist: {error}")
    digest = sha256_hex(data)
    if digest != ref.sha256:
        return _Seen(ref, "altered", f"has other bytes than the log names (sha256 {digest})")
    if deep and isinstance(ref.records_root, str):
        try:
            records = split_page(decompress_page(data, ref)).records
        except (ObjectAltered, NotAPage) as error:
            return _Seen(ref, "altered", str(error))
        if root_of(records).hex() != ref.records_root or len(records) != ref.records:
            return _Seen(ref, "altered", "the root over its records is not the one the log names")
    return _Seen(ref, None)


def check_unexplained(
    store: Store,
    named: Collection[str],
    may_be_gone: Callable[[str], bool],
    newest: datetime | None,
    result: Verification,
) -> None:
    """Objects under our prefixes that no entry names: crash leftovers while young, findings when old.

    `named` are the keys in the log; `newest` is when the last entry was committed.
    """
    young = 0
    for prefix in keys.EXPLAINED:
        for info in current_objects(store, prefix, result, may_be_gone):
            if info.key in named:
                continue
            if newest is None or info.modified < newest - UNEXPLAINED_AFTER:
                result.found("added", info.key, "stands under our prefixes and no entry names it")
            else:
                young += 1
    if young:
        result.notes.append(f"{young} objects have no entry yet: work in progress, or left by a killed run")
