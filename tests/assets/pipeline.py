"""A pipeline over a pretend tenant: the real definitions, run in process, with one clock for both sides."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from assets.workshop import Workshop
from orchestration.definitions import definitions_of
from orchestration.workshop import open_workshop
from sandbox import Served
from warehouse.archive.signing import create_key
from warehouse.config import Settings, parse

CONFIG = """\
[archive]
url = "file:./archive"
signing_key = "file:./signing.key"
cache = "./cache"
{archive}
[anthropic]
base_url = "{url}"
keys.compliance = "env:KEY"
keys.analytics = "env:ANALYTICS_KEY"
keys.directory = "env:DIRECTORY_KEY"
keys.organization = "env:ORGANIZATION_KEY"
keys.spend_limits = "env:SPEND_LIMITS_KEY"
start = {start}
tries = 1
[warehouse]
duckdb = "./data/warehouse.duckdb"
"""

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class Pipeline:
    """One archive in `folder`, fed by `served`; `start` is its first day."""

    def __init__(self, served: Served, folder: Path, start: date) -> None:
        self.served, self.folder, self.start = served, folder, start
        self.key = served.keys["compliance"]
        self.archive = ""  # further lines below [archive]
        if not (folder / "signing.key").exists():
            create_key(folder / "signing.key")
        self.instance = dg.DagsterInstance.ephemeral()
        self.definitions = definitions_of(self.settings(), served.clock.now)

    def settings(self) -> Settings:
        text = CONFIG.format(url=self.served.url, start=self.start, archive=self.archive)
        keys = self.served.keys
        environment = {"KEY": self.key, "ANALYTICS_KEY": keys["analytics"], "DIRECTORY_KEY": keys["directory"]}
        environment |= {"ORGANIZATION_KEY": keys["org_data"], "SPEND_LIMITS_KEY": keys["spend_limits"]}
        return parse(text, self.folder / "ledgerline.toml", environment)

    def open(self, *, for_writing: bool = False) -> Any:
        """The workshop, as the command line would open it."""
        return open_workshop(self.settings(), for_writing=for_writing, clock=self.served.clock.now)

    def later(self, **by: float) -> None:
        """Let time pass for the tenant and for us."""
        self.served.clock.advance(timedelta(**by).total_seconds())

    def materialize(
        self,
        *assets: str,
        days: tuple[str, str] | None = None,
        config: dict[str, Any] | None = None,
        instance: dg.DagsterInstance | None = None,
    ) -> "Run":
        """Run assets with their checks, over a range of partitions as a backfill does it."""
        tags = {}
        if days is not None:
            tags = {ASSET_PARTITION_RANGE_START_TAG: days[0], ASSET_PARTITION_RANGE_END_TAG: days[1]}
        job = definitions_of(self.settings(), self.served.clock.now).resolve_implicit_global_asset_job_def()
        return Run(
            job.execute_in_process(
                asset_selection=[dg.AssetKey(name) for name in assets],
                tags=tags,
                run_config=QUIET | ({"ops": {assets[0]: {"config": config}}} if config else {}),
                instance=instance or self.instance,
                raise_on_error=False,
            )
        )

    def pull(self, first: str, last: str | None = None) -> "Run":
        """Materialize whole days of audit_events."""
        return self.materialize("audit_events", days=(first, last or first))

    def tail(self, first: str, last: str | None = None) -> "Run":
        """What the five-minute schedule runs."""
        return self.materialize("audit_events", days=(first, last or first), config={"only_due": True})

    def ids(self) -> list[str]:
        """Ids of the archived events, ascending."""
        from warehouse.tables.catalog import connect

        with self.open() as workshop, connect(workshop.archive) as db:
            return [row[0] for row in db.execute("select id from audit_events order by id").fetchall()]

    def state(self) -> Any:
        """The log, reduced."""
        with self.open() as workshop:
            assert isinstance(workshop, Workshop)
            return workshop.archive.refresh()


class Run:
    """What a run did, by partition and by check."""

    def __init__(self, result: dg.ExecuteInProcessResult) -> None:
        self.result = result

    @property
    def success(self) -> bool:
        return self.result.success

    @property
    def failure(self) -> str:
        """What the failed step told a person."""
        data = [event.step_failure_data for event in self.result.all_events if event.is_step_failure]
        said = data[0].user_failure_data
        return str(said.description if said else data[0].error)

    def days(self, asset: str = "audit_events") -> dict[str, dict[str, Any]]:
        """Metadata of each partition that was materialized."""
        return {
            str(event.partition): {name: value.value for name, value in event.materialization.metadata.items()}
            for event in self.result.get_asset_materialization_events()
            if event.asset_key == dg.AssetKey(asset)
        }

    def checks(self, asset: str | None = None) -> dict[str, dg.AssetCheckEvaluation]:
        """Evaluations by check; those of one asset, where it is named."""
        return {
            found.check_name: found
            for found in self.result.get_asset_check_evaluations()
            if asset is None or found.asset_key == dg.AssetKey(asset)
        }
