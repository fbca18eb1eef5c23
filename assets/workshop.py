"""What the joins work with: the archive, the clients and the parser, built once by orchestration.

Knows no Dagster and no Settings; `orchestration.resources.open_workshop` makes one from the configuration.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from warehouse.anthropic.activities import ActivityFeed
from warehouse.anthropic.directory import Directory, Snapshot
from warehouse.anthropic.engagement import Engagement, EngagementReports
from warehouse.anthropic.spend import SpendReports
from warehouse.anthropic.spend_queries import Stream
from warehouse.archive.anchor import Anchors
from warehouse.archive.archive import Archive
from warehouse.archive.cosignature import WitnessKey
from warehouse.tables.activities import Parser
from warehouse.taxonomy import load
from warehouse.wire.times import Clock, system_clock
from warehouse.wire.windows import Window

if TYPE_CHECKING:
    from assets.pull_report import PullReport
    from warehouse.delivery.queues.port import Queue
    from warehouse.detections.suppression import Suppression
    from warehouse.detections.tuning import Threshold


class Progress(Protocol):
    """Who is told how the work goes: the command line's bars, Dagster's log, or nobody."""

    def start(self, windows: int) -> None: ...

    def window_done(self, window: Window | str, pages: int = 0, records: int = 0) -> None: ...

    def note(self, text: str) -> None: ...


class Silent:
    """Progress that nobody watches."""

    def start(self, windows: int) -> None:
        pass

    def window_done(self, window: Window | str, pages: int = 0, records: int = 0) -> None:
        pass

    def note(self, text: str) -> None:
        pass


@dataclass(frozen=True)
class PayerFiles:
    """Where the customer's files of who pays lie; those that are None do not exist."""

    cost_centers: Path = Path("cost_centers.csv")
    rules: Path | None = None
    seat_contracts: Path | None = None
    budgets: Path | None = None
    invoices: Path | None = None
    overrides: Path | None = None
    group_pattern: str | None = None
    group_centers: Path | None = None
    # Whether a cost centre that machines declare in telemetry counts where nothing else says who pays.
    telemetry_cost_centers: bool = True


@dataclass(frozen=True)
class TelemetryFiles:
    """Where telemetry files come from, and what may be kept beyond the allow-list (`[telemetry]`)."""

    sources: tuple[str, ...] = ()
    keep: frozenset[str] = frozenset()
    settled: timedelta = timedelta(minutes=10)
    client: Callable[[], Any] = lambda: None


@dataclass
class Workshop:
    """Everything a piece of work needs. `start` is the first day of the partitions; `marts` the DuckDB file."""

    archive: Archive
    feed: ActivityFeed | None
    start: date
    marts: Path
    clock: Clock = system_clock
    # Who cosigns checkpoints, and where copies of them go.
    witnesses: Sequence[WitnessKey] = ()
    anchors: Anchors = field(default_factory=Anchors)
    parser: Parser = field(default_factory=lambda: Parser(load()))
    # Usage and cost, by stream; empty without the vendor's API.
    spend: Mapping[str, SpendReports] = field(default_factory=dict)
    # Who did how much with what, by stream.
    engagement: Mapping[str, EngagementReports] = field(default_factory=dict)
    payers: PayerFiles = PayerFiles()
    reports: Path = Path("data/reports")
    # Where a browser finds that folder, if somebody serves it.
    reports_url: str | None = None
    # folders of the customer's own Sigma rules
    rule_folders: Sequence[Path] = ()
    suppressions: "Sequence[Suppression]" = ()
    thresholds: "Sequence[Threshold]" = ()
    # MMDB files that say where an address is
    geo: Sequence[Path] = ()
    directory: Directory | None = None
    # Snapshots that take a key of their own, by stream; the others are the directory's.
    apart: Mapping[Snapshot, Directory] = field(default_factory=dict)
    # Settings of the destinations of events (`warehouse.config.destinations`), as configured.
    destinations: Sequence[Any] = ()
    # Opens the queue of claim checks; None where the log is the only one.
    queue: "Callable[[], Queue] | None" = None
    telemetry: TelemetryFiles = TelemetryFiles()
    # Pulls windows with several processes, where the configuration asks for that; reports come as they are done.
    elsewhere: "Callable[[list[Window]], Iterator[tuple[Window, PullReport]]] | None" = None

    def activity_feed(self) -> ActivityFeed:
        if self.feed is None:
            raise ValueError("this workshop was opened without the vendor's API")
        return self.feed

    def lists_of(self, stream: Snapshot) -> Directory:
        """Who takes the snapshots of a stream."""
        lists = self.apart.get(stream, self.directory)
        if lists is None:
            raise ValueError("this workshop was opened without the vendor's API")
        return lists

    def engagement_reports(self, stream: Engagement) -> EngagementReports:
        if stream not in self.engagement:
            raise ValueError("this workshop was opened without the vendor's API")
        return self.engagement[stream]

    def spend_reports(self, stream: Stream) -> SpendReports:
        if stream not in self.spend:
            raise ValueError("this workshop was opened without the vendor's API")
        return self.spend[stream]
