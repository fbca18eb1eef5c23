"""Tells Dagster what the archive holds that no run of it made: `ledgerline` by hand or from cron, or another
Dagster before its memory was lost. `python -m orchestration.reporting` does it for $DAGSTER_HOME.

Promise: each asset and partition is reported as it is, without a run; what Dagster knows already, from a run or
from an earlier telling, is not told again. Nothing in the archive changes.
"""

import argparse
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import dagster as dg

warnings.filterwarnings("ignore", category=dg.BetaWarning)  # as in `definitions`

from assets.held import Held, held  # noqa: E402
from orchestration.cli.failures import CannotRun, ended  # noqa: E402
from orchestration.cli.options import add_config  # noqa: E402
from orchestration.cli.output import counted  # noqa: E402
from orchestration.closing import close_to_others  # noqa: E402
from orchestration.definitions import definitions_of  # noqa: E402
from orchestration.workshop import open_workshop  # noqa: E402
from warehouse.archive.address import folder_of  # noqa: E402
from warehouse.config import Settings, load  # noqa: E402


def report(settings: Settings, instance: dg.DagsterInstance, reports_url: str | None = None) -> int:
    """Report what is held and not known; returns how many events that took. Raises ArchiveError's kinds."""
    url = settings.archive.url
    if url.startswith("file:") and not folder_of(url).exists():
        return 0  # nothing was pulled yet
    days = {spec.key: spec.partitions_def for spec in definitions_of(settings).resolve_all_asset_specs()}
    with open_workshop(settings, for_writing=False) as workshop:
        workshop.reports_url = reports_url
        new = [one for one in _defined(days, held(workshop)) if not _known(instance, one)]
    for one in new:
        instance.report_runless_asset_event(one.told)
    return len(new)


def _defined(days: Mapping[dg.AssetKey, dg.PartitionsDefinition | None], found: Iterable[Held]) -> Iterator[Held]:
    """Those that the definitions have: a destination may have been taken out, a day lie before the first one."""
    for one in found:
        if one.told.asset_key in days:
            parts = days[one.told.asset_key]
            if parts is None or (one.told.partition and parts.has_partition_key(one.told.partition)):
                yield one


def _known(instance: dg.DagsterInstance, one: Held) -> bool:
    """Whether Dagster has an event of the asset, or of the partition, since then."""
    partitions = [one.told.partition] if one.told.partition else None
    wanted = dg.AssetRecordsFilter(
        asset_key=one.told.asset_key, asset_partitions=partitions, after_timestamp=one.at.timestamp()
    )
    return bool(instance.fetch_materializations(wanted, limit=1).records)


def _instance() -> dg.DagsterInstance:
    """The Dagster of $DAGSTER_HOME. Raises CannotRun."""
    try:
        return dg.DagsterInstance.get()
    except dg.DagsterError as error:
        raise CannotRun(
            str(error).strip().partition("\n")[0],
            remedy="set DAGSTER_HOME to the folder that Dagster's webserver and daemon have",
            kind="dagster",
        ) from error


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 told, 2 could not."""
    close_to_others()
    options = _parser().parse_args(argv)
    return ended("reporting", lambda: _tell_dagster(options.config))


def _tell_dagster(config: Path | None) -> int:
    with _instance() as instance:
        count = report(load(config), instance)
    print(f"told Dagster of {counted(count, 'materialization')} that it did not make")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m orchestration.reporting",
        description="Tell the Dagster of $DAGSTER_HOME what the archive holds that no run of it made: by hand, "
        "from cron, or by a Dagster whose database was lost. Each asset and partition then stands in the UI as it "
        "is. What Dagster knows already is not told again, and nothing in the archive changes. "
        "`python -m orchestration.ui` does the same at its start.",
        epilog="example:  DAGSTER_HOME=/srv/dagster python -m orchestration.reporting --config ledgerline.toml",
    )
    add_config(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
