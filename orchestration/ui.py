"""`python -m orchestration.ui`: the Dagster UI with its daemon, on this machine only, until Ctrl-C or SIGTERM.

Promise: listens on 127.0.0.1 only, takes orders from no other site's page (`ui_server`), reports to nobody, keeps
Dagster's memory in one folder that may be deleted, and stops whatever it started.
"""

import argparse
import contextlib
import fcntl
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from orchestration.cli.failures import ended, failure_of, tell
from orchestration.cli.options import add_config
from orchestration.closing import close_to_others
from orchestration.dagster_processes import CannotStart, running
from orchestration.demo_receivers import serve_receivers
from orchestration.demo_tenant import DemoFolder, serve_tenant
from warehouse.config import config_path, load


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until a signal; returns the exit code (0 stopped, 2 could not run)."""
    close_to_others()
    options = _parser().parse_args(argv)
    stop_on_signals()
    return ended("ui", lambda: _until_stopped(options))


def _until_stopped(options: argparse.Namespace) -> int:
    try:
        with contextlib.ExitStack() as stack:
            folder = _demo() if options.demo else None
            config = folder.config.absolute() if folder else config_path(options.config)
            settings = load(config)
            named = options.home or os.environ.get("DAGSTER_HOME")
            home = Path(named or config.parent / ("dagster" if options.demo else "data/dagster")).absolute()
            stack.enter_context(_alone(home))
            if folder:
                stack.enter_context(folder.in_use())
                stack.enter_context(serve_tenant(folder))
                stack.enter_context(serve_receivers(folder))
            serve(config, home, options.port, reports=settings.folder / "data" / "reports")
    except KeyboardInterrupt:
        print("stopped")
    return 0


def serve(config: Path, home: Path, port: int, *, reports: Path) -> None:
    """Run webserver and daemon until one of them ends or this process is told to stop; the folder of statements
    and reports is served beside them. Port 0 takes a free one."""
    print(f"starting the Dagster UI (memory and logs in {home}) ...", flush=True)
    with running(config, home, port, reports=reports) as dagster:
        (home / "ui.url").write_text(f"{dagster.url}\n", encoding="utf-8")
        print(f"Ledgerline in the Dagster UI: {dagster.url}    (Ctrl-C stops it)", flush=True)
        _report(config, home, dagster.reports_url)
        while True:
            dagster.check()
            time.sleep(1)


def _report(config: Path, home: Path, reports_url: str) -> None:
    """Tell Dagster what the archive holds that the command line made."""
    import dagster as dg  # noqa: PLC0415 - the UI starts without

    from orchestration.reporting import report  # noqa: PLC0415

    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)  # it would tell of a Ctrl-C as of an error
    try:
        with dg.DagsterInstance.from_config(str(home)) as instance:
            count = report(load(config), instance, reports_url)
    except Exception as error:  # whatever stands in the way, the UI is worth more
        print("what the archive holds could not be shown:", file=sys.stderr)
        tell(failure_of(error, debug=True), "ui")
    else:
        print(f"told it of {count:,} assets and partitions that it did not make itself", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m orchestration.ui", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--port", type=int, default=3000, help="loopback port; 0 takes a free one (default 3000)")
    add_config(parser)
    parser.add_argument(
        "--home",
        type=Path,
        help="Dagster's folder; default $DAGSTER_HOME, else data/dagster beside the configuration",
    )
    parser.add_argument(
        "--demo", action="store_true", help="the archive of `ledgerline demo`, its pretend tenant and receivers"
    )
    return parser


def _demo() -> DemoFolder:
    """The folder of the kept demo."""
    from orchestration.cli.demo import FOLDER  # noqa: PLC0415 - only where it is asked for

    folder = DemoFolder(FOLDER)
    if not folder.exists:
        raise CannotStart(f"there is no demo in {FOLDER}", remedy="run `make demo` first")
    return folder


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Two daemons over one folder would both start every run."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "ui.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            where = (home / "ui.url").read_text(encoding="utf-8").strip() if (home / "ui.url").exists() else ""
            raise CannotStart(
                f"the UI is running already{f' at {where}' if where else ''}, over {home}",
                remedy="use that one, stop it, or name another --home",
            ) from None
        (home / "ui.url").unlink(missing_ok=True)
        yield


def stop_on_signals() -> None:
    """Turn SIGINT and SIGTERM into KeyboardInterrupt, so that what was started is ended."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


if __name__ == "__main__":
    sys.exit(main())
