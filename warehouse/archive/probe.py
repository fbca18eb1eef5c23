"""Trying a store out before trusting it: what `ledgerline doctor` shows and what stops us at start-up.

Three stores were seen that say yes and do otherwise (one ignores `If-None-Match`, one lets COMPLIANCE be
shortened, one ignores the lock header). So nothing is believed that was not tried here on a small object.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from warehouse.archive.disk import sync_folder
from warehouse.archive.errors import KeyMissing, LockMissing
from warehouse.archive.retained import is_locked
from warehouse.archive.store import PROBES, TEMPORARY, Exists, ProbeResult, Store, Stored


@dataclass(frozen=True)
class Trial:
    """What a trial of one key found; `version_id` is that of the object written now, if one was."""

    result: ProbeResult
    version_id: str | None = None
    key: str = ""


def probe_key(*, thorough: bool) -> str:
    """A key of its own for a thorough probe; otherwise one per UTC day.

    Locked probes cannot be removed, and starting every five minutes would leave 288 of them a day.
    """
    day = f"{PROBES}{datetime.now(UTC):%Y%m%d}"
    return f"{day}-{secrets.token_hex(6)}" if thorough else day


def bears_witness(store: Store, key: str) -> bool:
    """Whether a probe lies under a key and is locked."""
    before = store.head(key)
    return before is not None and is_locked(before)


def locked_trial(store: Store, retain_until: datetime, *, thorough: bool) -> Trial:
    """`refuses_overwrite` on a key that bears witness to the lock.

    The day's probe does only if it is locked itself: one that lies there unlocked was written by a start that
    was refused, and to believe it would mean to refuse a store that forgets the lock once a day.
    """
    key = probe_key(thorough=thorough)
    if store.head(key) is None or bears_witness(store, key):
        return refuses_overwrite(store, key, retain_until)
    trial = refuses_overwrite(store, probe_key(thorough=True), retain_until)
    if trial.result.ok:
        store.put_if_absent(
            key, b"", retain_until
        )  # the store was mended: its probe is locked now as it should be
    return trial


def refuses_overwrite(store: Store, key: str, retain_until: datetime | None) -> Trial:
    """Write `key` twice and demand that the second put is refused and the first bytes are what is read.

    Where an earlier probe of the day took the key, its bytes are the ones that must stay.
    """
    check = "overwrite"
    first, second = (f"ledgerline probe {secrets.token_hex(8)}\n".encode() for _ in range(2))
    try:
        written = store.put_if_absent(key, first, retain_until)
        kept = store.get(key) if isinstance(written, Exists) else first
        outcome = store.put_if_absent(key, second, retain_until)
        read = store.get(key)
    except LockMissing as error:
        return Trial(ProbeResult(check, False, str(error), "", fatal=True))
    except KeyMissing:
        return Trial(
            ProbeResult(
                check,
                False,
                f"An object written to {store.url} a moment ago could not be read back.",
                "Use a store that reads its own writes (Amazon S3, or a local disk).",
                fatal=True,
            )
        )
    if isinstance(outcome, Stored) or read != kept:
        return Trial(
            ProbeResult(
                check,
                False,
                f"{store.url} silently overwrote {key} when it was written a second time.",
                "It must honour If-None-Match: use Amazon S3 or a store that does, or a local disk.",
                fatal=True,
            )
        )
    version = written.version_id if isinstance(written, Stored) else None
    return Trial(
        ProbeResult(check, True, "A second put of one key was refused and the first bytes are kept."), version, key
    )


def keeps_read_only(store: Store, key: str) -> ProbeResult:
    """A local object must have no write bit, so that only a deliberate act changes it."""
    found = store.head(key)
    if found is not None and found.lock_mode is not None:
        return ProbeResult(
            "read-only",
            True,
            "Objects are read-only files: safe from mistakes, not from whoever owns the disk.",
        )
    return ProbeResult(
        "read-only",
        False,
        f"Files written to {store.url} keep their write bits.",
        "Put the archive on a file system with Unix permissions (not FAT, nor a share that fakes them).",
    )


def takes_links(url: str, root: Path) -> ProbeResult:
    """`link()` must fail on a taken name and give both names one file; folders must take an fsync."""
    check = "link and fsync"
    names = [root / f"{TEMPORARY}probe-{os.getpid()}-{secrets.token_hex(4)}-{n}" for n in ("a", "b")]
    try:
        names[0].touch(mode=0o444)
        os.link(names[0], names[1])
        same = os.stat(names[0]).st_ino == os.stat(names[1]).st_ino
        try:
            os.link(names[0], names[1])
        except FileExistsError:
            refused = True
        else:
            refused = False
        sync_folder(str(root))
    except OSError as error:
        same = refused = False
        reason = f" ({error.strerror})"
    else:
        reason = ""
    finally:
        for name in names:
            name.unlink(missing_ok=True)
    if same and refused:
        return ProbeResult(check, True, "Names are given by link(), which refuses a taken one; folders sync.")
    return ProbeResult(
        check,
        False,
        f"The file system of {url} has no dependable link() or fsync(){reason}.",
        "Put the archive on ext4, xfs, btrfs, zfs or APFS.",
        fatal=True,
    )
