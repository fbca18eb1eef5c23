"""How long a command takes before it can say anything, and a proof, made and checked: whole processes, over an
archive of one day.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.harness import ROOT, Run, in_turn, middle, module, run, tenant
from benchmarks.report import Aim, Table

PROGRAM = str(Path(sys.executable).with_name("ledgerline"))
COMMANDS: dict[str, tuple[list[str], float]] = {
    "ledgerline --help": (["--help"], 0.7),
    "ledgerline status": (["status"], 1.0),
    'ledgerline sql "select 1"': (["sql", "select 1"], 1.0),
    'ledgerline sql "select count(*) from audit_events"': (["sql", "select count(*) from audit_events"], 1.0),
}
_PROVING, _CHECKING = "ledgerline prove EVENT", "verify_proof.py EVENT.proof"
_CHECKER = os.fspath(ROOT / "warehouse" / "archive" / "verify_proof.py")
_LIMITS = {name: limit for name, (_, limit) in COMMANDS.items()} | {_PROVING: 1.0, _CHECKING: 1.0}


def measure(*, smoke: bool) -> list[Table]:
    rounds = 1 if smoke else 11
    table = Table(
        "Start of a command",
        ["command", "wall s", "slowest s", "CPU s", "peak MB"],
        measures=(
            "The whole process from start to end, over an archive of one day with 20,000 events, warm file cache."
        ),
    )
    with tempfile.TemporaryDirectory(prefix="ledgerline-bench-") as folder:
        config = _archive(Path(folder))
        contenders: dict[str, Callable[[], Run]] = {
            name: _command([*arguments, *(["--config", config] if name != "ledgerline --help" else [])])
            for name, (arguments, _) in COMMANDS.items()
        } | _proofs(Path(folder), config)
        if not smoke:
            in_turn(contenders, 1)  # modules are compiled, files are in the cache
        results = in_turn(contenders, rounds)
    for name, runs in results.items():
        wall = middle(runs, lambda one: one.wall)
        table.rows.append(
            (
                name,
                wall,
                max(one.wall for one in runs),
                middle(runs, lambda one: one.cpu),
                middle(runs, lambda one: one.peak_mb),
            )
        )
        table.aims.append(Aim(f"`{name}`", wall, _LIMITS[name], at_most=True, ratio=False, unit=" s"))
    table.reads = "None of these imports Dagster; what `sql` adds to `--help` is mostly DuckDB and pyarrow."
    return [table]


def _command(arguments: list[str]) -> Callable[[], Run]:
    # `status` ends with 1 where it lists findings
    return lambda: run(arguments, program=PROGRAM, speaks=False, accepts=(0, 1), env={"COLUMNS": "100"})


def _proofs(folder: Path, config: str) -> dict[str, Callable[[], Run]]:
    """A proof of one event, made anew each time, and its check by an interpreter that has nothing of ours."""
    asked = run(
        ["sql", "--json", "--stamp", "select min(id) as id from audit_events", "--config", config], program=PROGRAM
    )
    proof = os.fspath(folder / "event.proof")
    prove = ["prove", asked.said["rows"][0]["id"], "--out", proof, "--config", config]
    run(prove, program=PROGRAM, speaks=False)
    return {
        _PROVING: lambda: run(prove, program=PROGRAM, speaks=False),
        _CHECKING: lambda: run(["-I", "-S", _CHECKER, proof], speaks=False),
    }


def _archive(folder: Path) -> str:
    """A configured archive of one day; the path of its configuration."""
    with tenant(per_day=20_000, days=2) as one:
        start, end = "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"
        module("ingest_ours", *one.reached, "--start", start, "--end", end, "--folder", os.fspath(folder))
    config = folder / "ledgerline.toml"
    config.write_text(
        f'[archive]\nurl = "file:{folder}/archive"\nsigning_key = "file:{folder}/signing.key"\n'
        f'cache = "{folder}/cache"\n[warehouse]\nduckdb = "{folder}/warehouse.duckdb"\n'
    )
    return os.fspath(config)
