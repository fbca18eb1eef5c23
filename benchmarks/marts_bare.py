"""The same SQL, bare: what dbt compiled, run by DuckDB in the same order into a file. No contract, no test."""

import argparse
import json
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.marts_data import catalog
from warehouse.tables.marts.absent import make_absent


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    folder = parser.parse_args().folder
    target = next((folder / "dbt" / "target").glob("*/manifest.json")).parent
    nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    order = [one["unique_id"] for one in json.loads((target / "run_results.json").read_text())["results"]]
    database = folder / "bare.duckdb"
    database.unlink(missing_ok=True)
    rows = {}
    with duckdb.connect(str(database)) as db:
        db.execute("set timezone = 'UTC'")
        for schema in ("archive", "staging", "intermediate"):
            db.execute(f"create schema {schema}")
        db.execute("set schema = 'archive'")
        for statement in catalog(folder):
            db.execute(statement)
        db.execute("set schema = 'main'")
        make_absent(db)
        # What is not of spend is empty here: it is taken over as dbt made it.
        db.execute(f"attach '{folder / 'ours.duckdb'}' as ours (read_only)")
        for node in (nodes[name] for name in order if name in nodes):
            name = f"{node['schema']}.{node['name']}"
            if node["resource_type"] == "seed" or node.get("config", {}).get("materialized") == "incremental":
                db.execute(f"create table {name} as select * from ours.{name}")
            elif node["resource_type"] == "model":
                kind = "view" if node["config"]["materialized"] == "view" else "table"
                db.execute(f"create {kind} {name} as {_compiled(target, node)}")
                if kind == "table":
                    rows[node["name"]] = db.execute(f"select count(*) from {name}").fetchall()[0][0]
        db.execute("checkpoint")
    print(json.dumps({"rows": rows}))


def _compiled(target: Path, node: dict[str, Any]) -> str:
    path = target / "compiled" / node["package_name"] / node["original_file_path"]
    return path.read_text()


if __name__ == "__main__":
    main()
