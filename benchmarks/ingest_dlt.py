"""Contender: dlt, its REST API source into its filesystem destination as Parquet. Prints one JSON line.

As its documentation sets it up: one resource, the JSON cursor paginator following `last_id` as `after_id` while
`has_more`, `loader_file_format="parquet"`. Its working folders are temporary, its telemetry is off, nothing of its
progress is printed. It keeps no page as served, and flattens `actor` into columns of its own.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--url", "--key", "--start", "--end"):
        parser.add_argument(name, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dlt-bench-") as scratch:
        os.environ |= {
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "RUNTIME__LOG_LEVEL": "ERROR",
            "DLT_DATA_DIR": f"{scratch}/data",
            "DLT_PROJECT_DIR": scratch,
            "DESTINATION__FILESYSTEM__BUCKET_URL": f"file://{scratch}/lake",
        }
        os.chdir(scratch)
        print(json.dumps(_load(options, Path(scratch))))


def _load(options: argparse.Namespace, scratch: Path) -> dict[str, int]:
    # not before the environment says where it may write and that it may not phone home
    import dlt  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415
    from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator  # noqa: PLC0415
    from dlt.sources.rest_api import rest_api_source  # noqa: PLC0415

    source = rest_api_source(
        {
            "client": {
                "base_url": options.url,
                "auth": {"type": "api_key", "name": "x-api-key", "api_key": options.key, "location": "header"},
                "headers": {"anthropic-version": "2023-06-01"},
                "paginator": JSONResponseCursorPaginator(
                    cursor_path="last_id", cursor_param="after_id", has_more_path="has_more"
                ),
            },
            "resources": [
                {
                    "name": "activities",
                    "endpoint": {
                        "path": "/v1/compliance/activities",
                        "params": {"limit": 5000, "created_at.gte": options.start, "created_at.lt": options.end},
                        "data_selector": "data",
                    },
                }
            ],
        }
    )
    pipeline = dlt.pipeline(
        "bench", destination="filesystem", dataset_name="audit", pipelines_dir=f"{scratch}/pipelines"
    )
    pipeline.run(source, loader_file_format="parquet", write_disposition="append")
    files = list((scratch / "lake" / "audit" / "activities").rglob("*.parquet"))
    lake = [path for path in (scratch / "lake").rglob("*") if path.is_file()]
    return {
        "records": sum(pq.ParquetFile(path).metadata.num_rows for path in files),
        "on_disk": sum(path.stat().st_size for path in lake),
    }


if __name__ == "__main__":
    main()
