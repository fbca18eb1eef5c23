"""The verifier: replays the log and compares all that it names with what is stored.

Promise: needs neither Dagster nor the signing key, writes nothing, and reports each difference by its own code
with the object it concerns. Coverage gaps are findings; the time since the last window is not (that is lag).
Whatever a tampered store holds becomes a finding; only a store that cannot be read raises.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from warehouse.archive import keys
from warehouse.archive.archive import Retention
from warehouse.archive.cosignature import WitnessKey
from warehouse.archive.crew import Crew, Processes, Threads
from warehouse.archive.findings import Finding, Verification
from warehouse.archive.note import NoteError, Verifier
from warehouse.archive.pins import Pin
from warehouse.archive.state import LogState
from warehouse.archive.store import Store
from warehouse.archive.verify_expiry import Absences
from warehouse.archive.verify_head import head_of
from warehouse.archive.verify_holds import check_extensions, check_holds, kept_if_held
from warehouse.archive.verify_inventory import LogInventory, get_or_none
from warehouse.archive.verify_locks import GOVERNANCE, LockCheck
from warehouse.archive.verify_log import LogCheck, check_head
from warehouse.archive.verify_objects import Looked, Seen, check_objects, judge
from warehouse.archive.verify_parts import How, Replayed, parts_of, replay
from warehouse.archive.verify_pins import KEPT, check_pins, kept_pin
from warehouse.archive.verify_start import Position, Start, first_since, start_at
from warehouse.archive.verify_strangers import Names, Since, check_unexplained, expired, since_entry
from warehouse.archive.verify_witnesses import TimestampCheck, check_cosignatures, check_timestamps
from warehouse.wire.times import Clock, rfc3339, system_clock
from warehouse.wire.windows import Window, gaps

__all__ = ["Finding", "Verification", "verify"]

# Entries from which on the start of processes is won back. Records (`deep`) are hashed one by one, which two
# threads of one process cannot do at once.
_WORTH_PROCESSES = 800
_WORTH_PROCESSES_DEEP = 100


def verify(
    store: Store,
    *,
    trusted: list[Verifier] | None = None,
    since: datetime | None = None,
    position: Position | None = None,
    pins: Sequence[Pin] = (),
    deep: bool = False,
    retention: Retention | None = None,
    reopen: Callable[[], Store] | None = None,
    witnesses: Sequence[WitnessKey] = (),
    timestamps: TimestampCheck | str = "no certificates of a timestamp authority are configured",
    on_progress: Callable[[str, int, int], None] | None = None,
    clock: Clock = system_clock,
) -> Verification:
    """Check a whole archive, or what was added to it.

    `trusted`: keys that may sign checkpoints; without it the key that the log's first entry names, and a note says
    so. `since`: only objects of entries committed from then on. `position`: where an earlier verification ended;
    the log is replayed from there (or from where `since` needs it) and not from its first entry, and where `since`
    is not given either, only objects of later entries are looked at. `pins`: checkpoints kept elsewhere. `deep`
    also recomputes each page's root over its records. `retention`: how long objects must be locked; without it, or
    where the store asks for no lock, locks are not looked at; it also tells until when a replaced table file is
    kept, by the time of `clock`. `reopen` opens the store again in another process (it must be picklable); without
    it, the work is done in threads of this one.
    `witnesses` are those whose cosignatures count; `timestamps` reads a timestamp, or says why none can be read.
    `on_progress(phase, done, total)` for the phases entries, bytes, objects.

    The result's `reached` is where the next incremental run may go on, if this one was clean and left nothing out.
    Raises StoreError when the store cannot be read.
    """
    locks = LockCheck(retention if store.immutable else None, getattr(store, "lock_mode", None) != GOVERNANCE)
    tell = on_progress or (lambda _phase, _done, _total: None)
    work = _Work(store, trusted, since, position, pins, deep, locks, tell, retention, clock())
    crew: Crew | None = None
    try:
        inventory = work.begin()
        if inventory.size == 0:
            work.no_log()
        else:
            worth = _WORTH_PROCESSES_DEEP if deep else _WORTH_PROCESSES
            many = inventory.size - work.start.size >= worth
            crew = Processes(reopen) if many and reopen is not None else Threads(store)
            work.run(inventory, crew)
            work.hear_others(inventory.size, witnesses, timestamps)
    finally:
        if crew is not None:
            crew.close()
    work.result.count_the_rest()
    return work.result


class _Work:
    """One verification, step by step."""

    def __init__(
        self,
        store: Store,
        trusted: list[Verifier] | None,
        since: datetime | None,
        position: Position | None,
        pins: Sequence[Pin],
        deep: bool,
        locks: LockCheck,
        tell: Callable[[str, int, int], None],
        retention: Retention | None,
        now: datetime,
    ) -> None:
        self.result = Verification()
        self.start = Start()
        self._store, self._trusted, self._since, self._deep = store, trusted, since, deep
        self._locks, self._tell, self._retention, self._now = locks, tell, retention, now
        self._pins = [*pins, *([kept_pin(position)] if position is not None else [])]
        self._position = position  # as long as it can be gone on from
        self._objects_from = 0
        self._names = Names()
        self._strange: list[Seen] = []
        self._recorded_gone: set[str] = set()
        self._state = LogState()
        self._state_is_whole = True
        self._newest_at: datetime | None = None
        self._roots: dict[int, bytes] = {}
        self._later: set[str] = set()  # keys that entries since the start name; only of an incremental run

    # -- where to begin -------------------------------------------------------------------------------------

    def begin(self) -> LogInventory:
        """Find out where to begin, and what there is from there on."""
        if self._position is not None:
            self._go_on_from(self._position)
        inventory = LogInventory(self._store, self.result, self.start.size)
        inventory.take()
        return inventory

    def _go_on_from(self, position: Position) -> None:
        size = position.checkpoint.size
        if get_or_none(self._store, keys.checkpoint(size)) != position.note.encode():
            self._position = None
            self.result.notes.append(
                f"the position kept on this machine ({size} entries) is no checkpoint of this archive as it "
                f"stands: the whole log was looked at"
            )
            return
        self._objects_from = size if self._since is None else first_since(self._store, self._since, size)
        # the replay goes over the entry under the kept checkpoint too, so that its signature is judged
        self.start = start_at(self._store, min(size, self._objects_from + 1)) or Start()

    def no_log(self) -> None:
        store, result = self._store, self.result
        ours = sum(1 for prefix in keys.OURS for _ in store.list(prefix))
        if ours:
            result.found("missing", keys.entry(0), f"{ours} objects of ours are here but no log names them")
        else:
            result.notes.append("the archive is empty: there is nothing to verify yet")
        for pin in self._pins:
            code = "rolled_back" if pin.source == KEPT else "truncated"
            result.found(code, pin.name, f"was signed over {pin.checkpoint.size} entries; now there is no log")

    # -- the steps ------------------------------------------------------------------------------------------

    def run(self, inventory: LogInventory, crew: Crew) -> None:
        store, result = self._store, self.result
        if not (crew.apart and not self.start.size and inventory.plain and self._in_parts(inventory.size, crew)):
            self._in_one(inventory, crew)
        # Of a log with holes nobody knows which files a seal took over: then none may be gone.
        gone = expired(self._state) if self._state_is_whole else lambda _key: False
        if self._state_is_whole:
            gone = kept_if_held(store, self._state, gone, self.start.size)
            check_holds(store, self._state, result, self.start.size)
            if self._locks.asked and not self.start.size:
                check_extensions(store, self._state, self._newest_at, result)
        # a lock date that the clock of this machine or that of the writer has come past has passed
        now = max(self._now, self._newest_at or self._now)
        absences = Absences(self._state, gone, self._recorded_gone, self._retention, now)
        judge(self._strange, absences.problem, self._locks, result)
        absences.close(result)
        check_unexplained(store, self._names, gone, self._newest_at, result, self._folders(), now=now)
        self._gaps()
        check_head(store, inventory.size, result)
        named = [key.public_key for key in self._state.signed_from]
        result.head = head_of(store, inventory.size, self._keys(), self._trusted, named)
        check_pins(self._pins, self._state.origin, inventory.size, self._roots, self._keys(), store, result)
        if not store.immutable:
            result.notes.append("archive.lock is none: the store itself does not prevent changes")
        self._note_a_later_key()
        self._note_what_was_left_out()
        if result.ok and (self._since is None or self._goes_on()):
            note = get_or_none(store, keys.checkpoint(inventory.size))
            result.reached = note.decode() if note is not None else None

    def hear_others(self, size: int, witnesses: Sequence[WitnessKey], timestamps: TimestampCheck | str) -> None:
        """What witnesses and timestamp authorities say of the log."""
        check_cosignatures(self._store, witnesses, size, self._newest_at, self.result, self.start.size)
        check_timestamps(self._store, timestamps, self.result, self.start.size)
        if not self.result.ok:
            self.result.reached = None

    def _in_one(self, inventory: LogInventory, crew: Crew) -> None:
        """The log in one piece, then the objects."""
        log = LogCheck(
            self._store, self._trusted, self.result, self._tell,
            start=self.start, objects_from=self._objects_from, since=self._since, locks=self._locks,
            wanted=self._wanted(),
        )  # fmt: skip
        log.run(inventory)
        self._state, self._state_is_whole, self._newest_at = log.state, log.state_is_whole, log.newest_at
        self._roots = log.roots
        self._names.add(log.named_keys)
        self._recorded_gone = log.recorded_gone
        self._later = log.named_keys if self.start.size else set()
        for looked in check_objects(crew, list(log.named.values()), self._deep, self._locks, self._tell):
            self._count(looked)

    def _in_parts(self, size: int, crew: Crew) -> bool:
        """Log and objects, part by part on all cores; False, and nothing done, where a part is not clean."""
        parts = parts_of(self._store, size)
        if len(parts) < 2 * crew.at_once:
            return False
        how = How(size, self._trusted, self._locks, self._since, self._wanted(), self._deep, self._names.secret)
        replayed: list[Replayed] = []
        entries = objects = bytes_ = 0
        keys_met: set[str] = set()
        for part in crew.each(replay, parts, how):
            if not part.clean:
                return False
            keys_met |= part.keys
            replayed.append(part)
            entries, objects, bytes_ = (
                entries + part.entries, objects + part.looked.objects, bytes_ + part.looked.bytes
            )  # fmt: skip
            self._tell("entries", entries, size)
            self._tell("bytes", bytes_, bytes_)
        if self._trusted is not None and keys_met.isdisjoint(key.vkey for key in self._trusted):
            return False
        self._tell("objects", objects, objects)
        for part in replayed:
            self.result.checked["entries"] += part.entries
            self._count(part.looked)
            self._names.take(part.names)
            self._roots |= part.roots
            self._recorded_gone |= part.recorded_gone
            self.result.notes += [note for note in part.notes if note not in self.result.notes]
        self._newest_at = replayed[-1].newest_at
        self._state = replayed[-1].state or LogState()
        return True

    def _count(self, looked: Looked) -> None:
        checked = self.result.checked
        checked["objects"] += looked.objects
        checked["bytes"] += looked.bytes
        checked["records"] += looked.records
        self._strange += looked.strange

    # -- what else there is to say --------------------------------------------------------------------------

    def _wanted(self) -> set[int]:
        return {pin.checkpoint.size for pin in self._pins}

    def _keys(self) -> list[Verifier]:
        """Who may have signed a checkpoint of this log."""
        found = list(self._trusted or [])
        for named in self._state.signed_from:
            with suppress(NoteError):  # which the replay has reported
                found.append(Verifier.from_vkey(named.public_key))
        return list(dict.fromkeys(found))

    def _folders(self) -> Since | None:
        """What an incremental run lists; None for all."""
        if not self.start.size or self._newest_at is None:
            return None
        return since_entry(self._store, self.start.size, self._later, self._state, self._names, self._newest_at)

    def _goes_on(self) -> bool:
        """Whether no object between the kept position and the head was left out."""
        return self._position is not None and self._objects_from < self._position.checkpoint.size

    def _note_a_later_key(self) -> None:
        """Who trusts a key that was given up since should know which one he trusts by that."""
        trusted = [key.vkey for key in self._trusted or []]
        later = [key for key in self._state.signed_from[1:] if key.public_key not in trusted]
        # a foreign key has handed nothing on
        signed = any(key.public_key in trusted for key in self._state.signed_from)
        if signed and later and self._state.public_key not in trusted:
            self.result.notes.append(
                f"the key that is trusted here has handed the log on: {keys.entry(later[-1].size - 2)} names "
                f"{later[-1].public_key}; compare that with the key that you were told"
            )

    def _note_what_was_left_out(self) -> None:
        notes = self.result.notes
        if self._position is not None and self._objects_from:
            log = f"entries before {self.start.size}, " if self.start.size else ""
            folders = ", folders that nothing was written to since" if self.start.size else ""
            notes.append(
                f"not looked at: {log}objects committed before entry {self._objects_from}{folders}. A file on "
                f"this machine says they were verified at {rfc3339(self._position.at)}; `ledgerline verify` looks "
                f"at all of it"
            )
            self.result.objects_since = f"entry {self._objects_from}"
        if self._since is not None:
            self.result.objects_since = rfc3339(self._since)
            notes.append(f"not looked at: objects committed before {rfc3339(self._since)}")

    def _gaps(self) -> None:
        result = self.result
        if not self._state_is_whole:
            result.notes.append(
                "coverage was not checked: it follows from the log, and entries of that are damaged"
            )
            return
        for name, stream in sorted(self._state.streams.items()):
            if stream.covered:
                span = Window(stream.covered[0].start, stream.covered[-1].end)
                for hole in gaps(stream.covered, span):
                    result.found(
                        "gap",
                        f"{name} {hole}",
                        "no complete pull covers this window; run `ledgerline pull` for it",
                    )
