"""Steps of the load benchmark that are no command of their own. Prints one JSON line.

`key MOMENT FOLDER`: a signing key, to begin with. `seal MOMENT FOLDER`: the days that have settled. `ticks MOMENT
FOLDER COUNT URL`: the five-minute job of Dagster, run after run over one storage; the first run is not counted.
The clock is put in place before anything else is imported.
"""

import json
import os
import sys
import time
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from warehouse.wire import times


def key(moment: datetime, folder: Path) -> dict[str, Any]:
    from warehouse.archive.signing import create_key  # noqa: PLC0415

    create_key(folder / "signing.key")
    return {"made_at": moment.isoformat()}


def seal(moment: datetime, folder: Path) -> dict[str, Any]:
    times.system_clock = lambda: moment
    from orchestration.workshop import open_workshop  # noqa: PLC0415 - after the clock
    from warehouse.config import load  # noqa: PLC0415
    from warehouse.tables.seal import seal_settled_days  # noqa: PLC0415

    with open_workshop(load(folder / "ledgerline.toml", os.environ), clock=lambda: moment) as workshop:
        sealed = seal_settled_days(workshop.archive)
        workshop.archive.settle()
    return {"days": len(sealed), "rows": sum(one.rows for one in sealed)}


def ticks(moment: datetime, folder: Path, count: int, url: str) -> dict[str, Any]:
    from benchmarks.tail_setup import TICK, SetClock  # noqa: PLC0415

    clock = SetClock(url, moment)

    def now() -> datetime:  # dataclasses take a function for their default, and no object that changes
        return clock()

    times.system_clock = now
    import dagster as dg  # noqa: PLC0415 - after the clock
    from dagster._core.storage.tags import (  # noqa: PLC0415
        ASSET_PARTITION_RANGE_END_TAG,
        ASSET_PARTITION_RANGE_START_TAG,
    )

    from orchestration.definitions import definitions_of  # noqa: PLC0415
    from orchestration.schedules import days_of_tail  # noqa: PLC0415
    from warehouse.config import load  # noqa: PLC0415

    settings = load(folder / "ledgerline.toml", os.environ)
    home = folder / "dagster"
    home.mkdir(exist_ok=True)
    took: list[float] = []
    sizes: list[int] = []
    job = definitions_of(settings, clock).resolve_job_def("audit_tail")
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        for number in range(count + 1):
            clock.set(moment + number * TICK)
            days = days_of_tail(clock(), settings.anthropic.start)
            assert days is not None
            began = time.monotonic()
            job.execute_in_process(
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
            took.append(time.monotonic() - began)
            sizes.append(sum(path.stat().st_size for path in home.rglob("*") if path.is_file()))
    return {"median": median(took[1:]), "bytes": (sizes[-1] - sizes[0]) / count}


def main(step: str, moment: str, folder: str, *more: str) -> None:
    at, place = datetime.fromisoformat(moment), Path(folder)
    done = (
        ticks(at, place, int(more[0]), more[1]) if step == "ticks" else {"key": key, "seal": seal}[step](at, place)
    )
    print(json.dumps(done))


if __name__ == "__main__":
    main(*sys.argv[1:])
