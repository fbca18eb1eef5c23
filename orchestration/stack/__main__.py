"""`python -m orchestration.stack`: everything on this machine without Docker, the demo on it, until Ctrl-C."""

import argparse
import contextlib
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from orchestration.cli.demo_steps import DemoRun, run_demo
from orchestration.cli.failures import CannotRun, ended
from orchestration.cli.output import Output, duration
from orchestration.closing import close_to_others
from orchestration.dagster_processes import Running, running
from orchestration.demo_receivers import serve_receivers
from orchestration.demo_tenant import DemoError, DemoFolder, make_folder, serve_tenant
from orchestration.stack import dagster_side, trino_side
from orchestration.stack.needs import missing
from orchestration.ui import stop_on_signals
from orchestration.workshop import open_workshop
from sandbox.servers import Missing, postgresql, trino, versitygw
from sandbox.servers.postgresql import Database
from sandbox.servers.trino import Trino
from warehouse.config import load
from warehouse.tables.catalog import connect

FOLDER = Path("data/stack")
_BACKFILLED_DAYS = 3


@dataclass(frozen=True)
class Servers:
    """What runs beside Dagster and the tenant."""

    database: Database
    bucket: versitygw.Gateway
    trino: Trino


def main(argv: Sequence[str] | None = None) -> int:
    """Bring everything up; returns the exit code (0 stopped, 1 something on it went wrong, 2 could not run)."""
    close_to_others()
    options = _parser().parse_args(argv)
    lacking = missing()
    if lacking:
        print("stack: this machine lacks\n  - " + "\n  - ".join(lacking), file=sys.stderr)
        return 2
    if options.check:
        print("everything is here: PostgreSQL, the S3 server or Go for it, Java, Trino or Maven for it, libraries")
        return 0
    stop_on_signals()
    output = Output(json=options.json)
    return ended("stack", lambda: _until_stopped(options, output))


def _until_stopped(options: argparse.Namespace, output: Output) -> int:
    try:
        with DemoFolder(FOLDER).in_use():
            return _in_folder(options, output)
    except KeyboardInterrupt:
        print("stopped: every process of the stack has ended", file=sys.stderr)
        return 0
    except DemoError:
        raise
    except (Missing, RuntimeError) as error:
        raise CannotRun(str(error)) from error  # the servers, in their own words


def _in_folder(options: argparse.Namespace, output: Output) -> int:
    if FOLDER.exists():
        shutil.rmtree(FOLDER)
    FOLDER.mkdir(parents=True)
    began = time.monotonic()
    with _servers(output) as servers:
        os.environ.update(servers.bucket.credentials)  # for every process that is started from here on
        archive = f"s3://{servers.bucket.new_bucket()}/ledger"
        lines = f'url = "{archive}"\ns3_endpoint = "{servers.bucket.endpoint}"'
        folder = make_folder(FOLDER / "demo", days=options.days, users=options.users, seed=7, archive=lines)
        with serve_tenant(folder) as tenant, serve_receivers(folder) as receivers_url:
            run = run_demo(folder, tenant["url"], receivers_url, output)
            _on_trino(run, servers.trino, archive)
            home = (FOLDER / "dagster").absolute()
            dagster_side.write_settings(home, servers.database)
            reports = load(folder.config).folder / "data" / "reports"
            with running(folder.config.absolute(), home, options.port, reports=reports) as dagster:
                _on_dagster(run, dagster, servers.database)
                run.document |= {"ok": not run.wrong, "seconds": round(time.monotonic() - began, 1)}
                told = "; ".join(["", *run.wrong])
                output.line(f"done in {duration(time.monotonic() - began)}{told}")
                if options.json:
                    output.document(run.document)
                if options.once:
                    return 1 if run.wrong else 0
                _where_to_look(output, dagster, servers, folder)
                while True:
                    dagster.check()
                    time.sleep(1)


@contextlib.contextmanager
def _servers(output: Output) -> Iterator[Servers]:
    """The servers of others, Trino still starting: it takes longest, and is asked last."""
    for name in ("s3", "trino"):
        (FOLDER / name).mkdir()
    output.aside("starting PostgreSQL, the S3 server and Trino (the first time, two of them are fetched: minutes)")
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(postgresql.start())
        bucket = stack.enter_context(versitygw.start(FOLDER.absolute() / "s3"))
        its = trino.Bucket(bucket.endpoint, bucket.access_key, bucket.secret_key)
        engine = stack.enter_context(trino.start(FOLDER.absolute() / "trino", its, wait=False))
        output.line(
            f"PostgreSQL on port {database.port}, an S3 server that locks at {bucket.endpoint}, "
            f"Trino {trino.VERSION} on port {engine.port}"
        )
        yield Servers(database, bucket, engine)


def _on_trino(run: DemoRun, engine: Trino, archive: str) -> None:
    """The archive's tables and the marts on Trino, each count beside DuckDB's."""
    trino.until_ready(engine)
    settings, began = load(run.folder.config), time.monotonic()
    with open_workshop(settings, for_writing=False) as workshop:
        workshop.archive.refresh()
        made = trino_side.make_tables(engine, workshop.archive, f"{archive}/")
        with connect(workshop.archive, database=workshop.marts) as db:
            first, last = db.execute("select min(created_at), max(created_at) from audit_events").fetchall()[0]
            after = (last.date().replace(day=1) + timedelta(days=32)).replace(day=1)
            months = (first.date().replace(day=1), after)
            trino_side.build_marts(engine, FOLDER.absolute() / "dbt", months, tests=False)
            counted = trino_side.counts(engine, db, sorted(_marts(run)))
    differ = [one for one in counted if one.here != one.there]
    run.document["trino"] = {"statements": made, "counts": [asdict(one) for one in counted]}
    run.output.line()
    run.output.line(
        f"on Trino   {made} tables and views made, the dbt project built, "
        f"{duration(time.monotonic() - began)}; rows of {len(counted)} tables "
        + ("as in DuckDB:" if not differ else "DIFFER:")
    )
    rows = [(one.table, f"{one.here:,}", f"{one.there:,}") for one in counted]
    run.output.table(("table", "DuckDB", "Trino"), rows, right=("DuckDB", "Trino"))
    run.wrong.extend(f"{one.table} has other rows on Trino" for one in differ)


def _on_dagster(run: DemoRun, dagster: Running, database: Database) -> None:
    """A job and a backfill, launched as the UI does it: through the queue, by the daemon, in the code server."""
    today = run.workshop.clock().date()
    days = [str(today - timedelta(days=back)) for back in range(_BACKFILLED_DAYS, 0, -1)]
    done = [
        dagster_side.backfill(dagster, "audit_events", days),
        dagster_side.run_job(dagster, "archive_upkeep"),
    ]
    known = dagster_side.runs_in(database)
    run.document["dagster"] = {"runs_in_postgresql": known, "done": [asdict(one) for one in done]}
    run.output.line()
    for one in done:
        run.output.line(f"in Dagster {one.what}: {one.status} after {duration(one.seconds)}")
        if not one.good:
            run.wrong.append(f"{one.what} ended as {one.status}: see {FOLDER}/dagster/logs and the UI")
    run.output.line(f"           PostgreSQL knows {known} runs")


def _where_to_look(output: Output, dagster: Running, servers: Servers, folder: DemoFolder) -> None:
    bucket = servers.bucket
    places = {
        "the Dagster UI": dagster.url,
        "PostgreSQL": servers.database.url,
        "Trino": f"http://127.0.0.1:{servers.trino.port} (user trino, catalogue {trino_side.CATALOG}, schemas "
        f"{trino_side.ARCHIVE} and {trino_side.MARTS})",
        "the bucket": f"{bucket.endpoint}, AWS_ACCESS_KEY_ID={bucket.access_key} "
        f"AWS_SECRET_ACCESS_KEY={bucket.secret_key}",
        "commands": f"ledgerline status --config {folder.config} (with those two variables)",
    }
    output.line()
    output.line("Where to look, until Ctrl-C stops all of it:")
    for what, where in places.items():
        output.line(f"  {what:14} {where}")


def _marts(run: DemoRun) -> list[str]:
    from assets.mart_models import read_marts  # noqa: PLC0415

    return [mart.name for mart in read_marts() if mart.name in run.document["marts"]]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m orchestration.stack", description=(__doc__ or "").replace("`", "")
    )
    add = parser.add_argument
    add("--check", action="store_true", help="only say what this machine lacks")
    add("--days", type=int, default=31, help="how many past days the tenant has (default 31)")
    add("--users", type=int, default=200, help="how many people the tenant has (default 200)")
    add("--port", type=int, default=3000, help="loopback port of the UI; 0 takes a free one (default 3000)")
    add("--once", action="store_true", help="stop when the demo has run; exit code 1 where something was wrong")
    add("--json", action="store_true", help="one JSON document of what was done on stdout")
    return parser


if __name__ == "__main__":
    sys.exit(main())
