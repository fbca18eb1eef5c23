"""A year's marts of 10,000 people, four products and five models: as `ledgerline build` makes them, and bare."""

import tempfile
from pathlib import Path

from benchmarks.harness import Failed, in_turn, middle, module
from benchmarks.marts_data import MODELS, MONTHS, PRODUCTS
from benchmarks.report import Aim, Table

_MEASURES = """\
{months} months x {people:,} people x {products} products x {models} models: {usage:,} rows of usage and {cost:,}
rows of cost (two kinds of tokens; every day of the last month in two versions), as Parquet files with the columns
of the archive, the records themselves left out. *Ours* is a build into a new file: dbt in process, contracts
enforced, {tests} data tests, the swap. *Bare* is the SQL that dbt compiled, run by DuckDB in the same order into a
file, without contracts and tests. The feed is empty in both."""


def measure(*, smoke: bool) -> list[Table]:
    people, rounds = (40, 1) if smoke else (10_000, 3)
    table = Table(
        "Marts of a year of spend", ["contender", "rows of the marts", "wall s", "slowest s", "CPU s", "peak MB"]
    )
    with tempfile.TemporaryDirectory(prefix="ledgerline-bench-") as name:
        folder = Path(name)
        made = module("marts_data", "--folder", name, "--people", str(people)).said
        first = module(
            "marts_ours", "--folder", name
        ).said  # compiles modules, and the SQL that the other one runs
        runs = in_turn(
            {
                "ours": lambda: module("marts_ours", "--folder", name),
                "bare": lambda: module("marts_bare", "--folder", name),
            },
            rounds,
        )
        sizes = {name: (folder / f"{name}.duckdb").stat().st_size for name in runs}
    ours, bare = (runs[name][0].said["rows"] for name in ("ours", "bare"))
    if differ := {name for name in bare if ours.get(name) != bare[name]}:
        raise Failed(f"rows of {', '.join(sorted(differ))} differ: {ours} and {bare}")
    table.measures = _MEASURES.format(
        months=MONTHS, people=people, products=PRODUCTS, models=MODELS, tests=first["tests"], **made
    ).replace("\n", " ")
    walls = {name: middle(found, lambda one: one.wall) for name, found in runs.items()}
    peaks = {name: max(one.peak_mb for one in found) for name, found in runs.items()}
    for name, found in runs.items():
        table.rows.append(
            (name, sum(bare.values()), walls[name], max(one.wall for one in found),
             middle(found, lambda one: one.cpu), peaks[name])
        )  # fmt: skip
    # of a small run the start of dbt is nearly all
    table.aims.append(
        Aim("Wall against bare", walls["ours"] / walls["bare"], 1.3, at_most=True, ratio=not smoke, unit="x")
    )
    table.aims.append(Aim("Peak memory", peaks["ours"], 2000, at_most=True, ratio=False, unit=" MB"))
    table.reads = (
        f"The file is {sizes['ours'] / 1e6:,.0f} MB. dbt starts and parses for some seconds, whatever it builds; "
        "the rest of the difference is contracts and data tests."
    )
    return [table]
