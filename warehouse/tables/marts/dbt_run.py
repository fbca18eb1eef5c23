"""One run of dbt in this process: no subprocess, no network, nothing on stdout, every file under a work folder.

Promise: when it returns or raises, the DuckDB file is closed and the environment is as it was.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from warehouse.tables.marts.errors import BuildFailed, Failure

# dbt keeps its adapter, flags and log handlers in the process: one run at a time.
_ONE_AT_A_TIME = threading.Lock()

# dbt's events that say why a node failed: the result of a model built in batches says only that it did.
_EXCEPTIONS = {"GenericExceptionOnRun", "CatchableExceptionOnRun", "InternalErrorOnRun"}
_BAD = {"error", "fail", "runtime error", "partial success"}


@dataclass
class ModelBuild:
    """One model or seed of a build: `status` is success, error or skipped; `rows` is None for views."""

    name: str
    status: str
    seconds: float
    message: str = ""
    rows: int | None = None


@dataclass(frozen=True)
class TestFailure:
    """A data test of severity `warn` that found something: published all the same, and reported."""

    __test__ = False  # not a pytest class

    name: str
    rows: int
    compiled: Path | None


@dataclass
class DbtOutcome:
    """What a run did; `warnings` are the data tests that found something without stopping the build."""

    models: list[ModelBuild] = field(default_factory=list)
    tests_passed: int = 0
    warnings: list[TestFailure] = field(default_factory=list)


Progress = Callable[[ModelBuild], None]


def run_dbt(
    command: Sequence[str], *, project: Path, database: Path, work: Path, batch: str, progress: Progress | None
) -> DbtOutcome:
    """Run a dbt command that yields run results (build, run, test) against `database`.

    `batch` is the microbatch size, `day` or `month`. Raises BuildFailed with each failed model or test, or with
    what dbt said if it did not get that far.
    """
    target = work / "target" / f"duckdb-{batch}"  # one each: dbt re-parses when its environment differs
    logs = work / "logs"
    arguments = [
        *command,
        *("--project-dir", str(project), "--profiles-dir", str(project), "--target", "duckdb"),
        *(
            "--target-path",
            str(target),
            "--log-path",
            str(logs),
            "--log-level",
            "none",
            "--log-level-file",
            "info",
        ),
        *("--quiet", "--no-print", "--no-send-anonymous-usage-stats", "--no-version-check", "--no-use-colors"),
    ]
    variables = {
        "LEDGERLINE_DBT_DUCKDB": str(database),
        "LEDGERLINE_DBT_BATCH": batch,
        "DO_NOT_TRACK": "1",
    }
    with _ONE_AT_A_TIME, _environment(variables):
        from dbt.cli.main import dbtRunner  # noqa: PLC0415 - three seconds that only a build should pay

        listener = _Listener(progress)
        try:
            with listener.hearing_interrupts():
                result = dbtRunner(callbacks=[listener]).invoke(arguments)
        finally:
            _release()
    if listener.interrupted or isinstance(result.exception, KeyboardInterrupt):
        raise KeyboardInterrupt  # dbt makes a failed build of it
    results = list(getattr(result.result, "results", None) or [])
    failures = [_failure(item, target, listener) for item in results if str(item.status) in _BAD]
    if failures:
        noun = "of them failed" if len(failures) > 1 else "failed"
        raise BuildFailed(f"The marts were not built: {len(failures)} {noun}.", failures)
    if result.exception is not None or not result.success:
        said = str(result.exception or "dbt gave no reason")
        raise BuildFailed("The marts were not built: dbt stopped before any model.", [Failure("dbt", said, None)])
    return _outcome(results)


def _outcome(results: Sequence[Any]) -> DbtOutcome:
    outcome = DbtOutcome()
    for item in results:
        kind = str(item.node.resource_type)
        if kind in ("model", "seed"):
            outcome.models.append(
                ModelBuild(item.node.name, str(item.status), item.execution_time, item.message or "")
            )
        elif kind in ("test", "unit_test"):
            if str(item.status) == "pass":
                outcome.tests_passed += 1
            elif str(item.status) == "warn":
                outcome.warnings.append(TestFailure(item.node.name, item.failures or 0, _compiled(item.node)))
    return outcome


def _failure(item: Any, target: Path, listener: "_Listener") -> Failure:
    said = listener.errors.get(item.node.unique_id) or item.message or "no message"
    if str(item.status) == "fail" and item.failures:
        said = f"{item.failures} rows that should not be there"
    return Failure(item.node.name, said, _compiled(item.node) or _batch_sql(item.node.name, target))


def _compiled(node: Any) -> Path | None:
    text = getattr(node, "compiled_path", None)
    return Path(text) if text else None


def _batch_sql(name: str, target: Path) -> Path | None:
    """The newest SQL that dbt wrote for a model built in batches, which it names by model and batch."""
    written = [path for path in target.rglob(f"{name}*.sql") if name in (path.stem, path.parent.name)]
    return max(written, key=lambda path: path.stat().st_mtime, default=None)


class _Listener:
    """Hears dbt's events: passes each finished model on, and keeps the first error of each node."""

    def __init__(self, progress: Progress | None) -> None:
        self.progress = progress
        self.errors: dict[str, str] = {}
        self.interrupted = False

    @contextmanager
    def hearing_interrupts(self) -> Iterator[None]:
        """Note a Ctrl-C before dbt hears of it; only the main thread is told of signals at all."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.getsignal(signal.SIGINT)

        def note(number: int, frame: FrameType | None) -> None:
            self.interrupted = True
            if callable(before):
                before(number, frame)

        signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def __call__(self, event: Any) -> None:
        if event.info.name in _EXCEPTIONS:
            said = event.data.exc.removeprefix("Exception on worker thread. ")
            self.errors.setdefault(event.data.node_info.unique_id, said)
        if self.progress is None or event.info.name not in ("LogModelResult", "LogSeedResult"):
            return
        info = event.data.node_info
        self.progress(ModelBuild(info.node_name, info.node_status, event.data.execution_time))


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _release() -> None:
    """Close dbt's own connection: it would otherwise hold the file open until the process ends."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # noqa: PLC0415

    with DuckDBConnectionManager._LOCK:
        if DuckDBConnectionManager._ENV is not None:
            DuckDBConnectionManager._ENV.close()
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
