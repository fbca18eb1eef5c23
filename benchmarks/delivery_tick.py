"""One run of the five-minute job at a moment of the simulated clock: what Dagster's run worker does, as a process.

Pull, fold, detections, delivery and checks. Prints one JSON line: alerts delivered, rules. The clock is put in
place before anything else is imported.
"""

import json
import os
import sys
from datetime import datetime
from pathlib import Path

from warehouse.wire import times


def main(moment: datetime, folder: Path) -> None:
    times.system_clock = lambda: moment
    import dagster as dg  # noqa: PLC0415 - after the clock
    from dagster._core.storage.tags import (  # noqa: PLC0415
        ASSET_PARTITION_RANGE_END_TAG,
        ASSET_PARTITION_RANGE_START_TAG,
    )

    from orchestration.definitions import definitions_of  # noqa: PLC0415
    from orchestration.schedules import days_of_tail  # noqa: PLC0415
    from warehouse.config import load  # noqa: PLC0415

    settings = load(folder / "ledgerline.toml", os.environ)
    days = days_of_tail(moment, settings.anthropic.start)
    assert days is not None
    home = folder / "dagster"
    home.mkdir(exist_ok=True)
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        done = (
            definitions_of(settings, lambda: moment)
            .resolve_job_def("audit_tail")
            .execute_in_process(
                instance=instance,
                tags={
                    ASSET_PARTITION_RANGE_START_TAG: days[0].isoformat(),
                    ASSET_PARTITION_RANGE_END_TAG: days[1].isoformat(),
                },
                run_config={
                    "ops": {"audit_events": {"config": {"only_due": True}}},
                    "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                },
            )
        )
    facts = {
        one.asset_key.to_user_string(): one.materialization.metadata
        for one in done.get_asset_materialization_events()
    }
    said = {"delivered": facts["siem_soc"]["delivered"].value, "rules": facts["alerts"]["rules"].value}
    print(json.dumps(said))


if __name__ == "__main__":
    main(datetime.fromisoformat(sys.argv[1]), Path(sys.argv[2]))
