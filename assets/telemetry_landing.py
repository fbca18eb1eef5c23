"""Telemetry files landed: found, read, stripped of content, committed, reported one by one. Knows no Dagster."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from assets.telemetry_sources import Buckets, Source, digest_of, sources
from assets.workshop import Progress, Silent, Workshop
from warehouse.tables.telemetry import (
    FILES_PER_COMMIT,
    ROWS_PER_COMMIT,
    KnownFiles,
    Taken,
    finish_landings,
    land,
    take,
)
from warehouse.telemetry import NotTelemetry, Reader, allow_list, never_kept


@dataclass
class LandingReport:
    """What became of each file: `landed`, `duplicate` (these very bytes landed before) or `bad`, with rows and
    what was removed, by name. `seqs` are the entries that archived them."""

    files: list[dict[str, Any]] = field(default_factory=list)
    findings: list[dict[str, str]] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def total(self, name: str) -> int:
        """Points, events or spans of all files that landed."""
        return sum(int(file[name]) for file in self.files)


def land_telemetry(
    workshop: Workshop,
    paths: Sequence[str] = (),
    progress: Progress | None = None,
    *,
    settled: timedelta | None = None,
) -> LandingReport:
    """Land the closed files under `paths`, else under the configured sources.

    `settled`: how long a file must have been left alone; by default as configured. A bad file lands nothing, is
    named, and lands when it is repaired. Raises OSError and StoreError's kinds where a place cannot be read.
    """
    own = workshop.telemetry
    finish_landings(workshop.archive)
    found = list(
        sources(
            paths or own.sources,
            settled=own.settled if settled is None else settled,
            now=workshop.clock(),
            buckets=Buckets(own.client),
        )
    )
    progress = progress or Silent()
    progress.start(len(found))
    with KnownFiles(workshop.archive) as known:
        landing = _Landing(workshop, Reader(allow_list(own.keep)), known)
        landing.take_all(found, progress)
    workshop.archive.settle()
    return landing.report


class _Landing:
    def __init__(self, workshop: Workshop, reader: Reader, known: KnownFiles) -> None:
        self.report = LandingReport()
        self._archive, self._reader, self._known = workshop.archive, reader, known
        self._here: set[str] = set()
        self._waiting: list[tuple[Taken, dict[str, Any]]] = []

    def take_all(self, found: Iterable[Source], progress: Progress) -> None:
        for source in found:
            told = self._take(source)
            self.report.files.append(told)
            progress.window_done(source.name, records=told["points"] + told["events"] + told["spans"])
            if self._is_full():
                self._commit()
        self._commit()

    def _take(self, source: Source) -> dict[str, Any]:
        told: dict[str, Any] = {"name": source.name, "status": "landed", "reason": None}
        told |= {"points": 0, "events": 0, "spans": 0, "removed": {}}
        if source.version is not None and self._known.has_object(source.name, source.version):
            return told | {"status": "duplicate", "reason": "this very object is in the archive already"}
        try:
            sha256, size = digest_of(source)
            if sha256 in self._here or self._known.has_bytes(sha256):
                return told | {
                    "status": "duplicate",
                    "reason": "these very bytes are in the archive already",
                }
            with source.open() as file:
                taken = take(
                    self._reader,
                    file,
                    source.name,
                    told=source.told,
                    sha256=sha256,
                    size=size,
                    version=source.version,
                )
        except (NotTelemetry, OSError) as error:
            return self._bad(told, source, error)
        self._here.add(sha256)
        self._waiting.append((taken, told))
        return told | taken.counts | {"removed": dict(sorted(taken.removed.items()))}

    def _bad(self, told: dict[str, Any], source: Source, error: Exception) -> dict[str, Any]:
        reason = str(error) if isinstance(error, NotTelemetry) else f"{source.name} cannot be read: {_why(error)}"
        self.report.findings.append({"code": "not_telemetry", "subject": source.name, "detail": reason})
        return told | {"status": "bad", "reason": reason}

    def _is_full(self) -> bool:
        rows = sum(sum(taken.counts.values()) for taken, _ in self._waiting)
        return len(self._waiting) >= FILES_PER_COMMIT or rows >= ROWS_PER_COMMIT

    def _commit(self) -> None:
        if not self._waiting:
            return
        files = [taken for taken, _ in self._waiting]
        self._waiting = []
        self.report.seqs.append(land(self._archive, files, list(_content_findings(files))))


def _content_findings(files: Iterable[Taken]) -> Iterable[dict[str, str]]:
    """Content that a client sent although nobody should let it: it went no further, and somebody should know."""
    never = never_kept()
    for taken in files:
        found = {name: count for name, count in sorted(taken.removed.items()) if name in never}
        if found:
            listed = ", ".join(f"{name} {count}" for name, count in found.items())
            yield {
                "code": "content_sent",
                "subject": taken.name,
                "detail": f"a client sent content ({listed}); it was removed. Switch the OTEL_LOG_* variables "
                f"off in the managed settings",
            }


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
