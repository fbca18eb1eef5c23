"""The marts built as `ledgerline build` builds them: dbt in process, contracts, data tests, a new file."""

import argparse
import json
from pathlib import Path

from benchmarks.marts_data import catalog
from warehouse.tables.marts import build_marts


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    folder = parser.parse_args().folder
    database = folder / "ours.duckdb"
    database.unlink(missing_ok=True)
    report = build_marts(catalog_sql=catalog(folder), database=database, work_dir=folder / "dbt")
    print(
        json.dumps(
            {
                "rows": {model.name: model.rows for model in report.models if model.rows is not None},
                "models": round(sum(model.seconds for model in report.models), 2),
                "tests": report.tests_passed,
                "slowest": {
                    one.name: round(one.seconds, 1) for one in sorted(report.models, key=lambda m: -m.seconds)[:6]
                },
            }
        )
    )


if __name__ == "__main__":
    main()
