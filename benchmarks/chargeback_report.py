"""The monthly report over a year of 10,000 people: the command as its user starts it, from start to end."""

import tempfile
from pathlib import Path

from benchmarks.harness import middle, module, run
from benchmarks.report import Aim, Table

_MEASURES = """\
{people:,} people in 40 cost centres over {months} months: {rows:,} rows of cost, each person with each of 4
products and 5 models on one day of each month. All months but the last are closed. `ledgerline finops report`
of the last one, without PDF: its statement, the workbook, a file for each centre, and the page with the eight
weeks behind its forecast, for which the two months before are made again as they were closed. Median of
{rounds}."""


def measure(*, smoke: bool) -> list[Table]:
    people, months, rounds = (50, 3, 1) if smoke else (10_000, 12, 3)
    with tempfile.TemporaryDirectory(prefix="ledgerline-bench-") as name:
        folder = Path(name)
        shape = ["--folder", name, "--people", str(people), "--months", str(months)]
        built = module("chargeback_build", *shape).said
        command = [
            "-m",
            "orchestration.cli",
            "finops",
            "report",
            "--period",
            built["period"],
            "--no-pdf",
            "--json",
        ]
        config = ["--config", str(folder / "ledgerline.toml"), "--out", str(folder / "out")]
        runs = [run([*command, *config], speaks=False) for _ in range(rounds)]
        page = (folder / "out" / "report.html").stat().st_size / 1024
    wall = middle(runs, lambda one: one.wall)
    table = Table(
        "Report of a month",
        ["", "wall s", "CPU s", "peak MB", "page KB"],
        measures=_MEASURES.format(people=people, months=months, rows=built["rows"], rounds=rounds),
    )
    table.rows.append(
        ("report", wall, middle(runs, lambda one: one.cpu), middle(runs, lambda one: one.peak_mb), page)
    )
    table.aims.append(Aim("Report of a month, wall", wall, 30, at_most=True, ratio=False, unit=" s"))
    return [table]
