"""A year of usage and cost as the archive's Parquet files, made by DuckDB: everybody, everything, each month.

Promise: the columns are those of the archive; the same arguments give the same rows.
"""

import argparse
import json
from pathlib import Path

import duckdb
import pyarrow as pa

from warehouse.tables.file_rows import sql_type
from warehouse.tables.spend.schema import COST_DAYS, COST_ROWS, USAGE_ROWS

MONTHS, PRODUCTS, MODELS, KINDS = 12, 4, 5, 2
_PRODUCTS = "['claude_code', 'chat', 'cowork', 'office_agent']"
_MODELS = "['claude-opus-5-5', 'claude-sonnet-5', 'claude-haiku-5', 'claude-opus-5', 'claude-sonnet-4-8']"
_TOKENS = "['uncached_input_tokens', 'output_tokens']"

# One cell is a person, product and model in a month, on one of its days; December's days have a second version.
_CELLS = f"""
create temp table cells as
select m.month, u.person, p.product, k.model,
       make_date(2026, (m.month + 1)::int, (1 + (u.person * 7 + p.product * 5 + k.model * 3) % 28)::int) as day,
       'user_01' || lpad(u.person::varchar, 22, '0') as actor_id,
       'person' || u.person || '@example.com' as actor_email,
       {_PRODUCTS}[p.product + 1] as product_name, {_MODELS}[k.model + 1] as model_name,
       (1 + (u.person * 13 + p.product * 17 + k.model * 19 + m.month) % 4000)::bigint as size
from range({MONTHS}) as m(month), range($people) as u(person), range({PRODUCTS}) as p(product),
     range({MODELS}) as k(model)
"""
_COMMON = """
day, timezone('UTC', day::timestamp) as starting_at, timezone('UTC', day::timestamp + interval 1 day) as ending_at,
'org_01Example' as organization_id, product_name as product, model_name as model, '0-200k' as context_window,
'user_actor' as actor_type, actor_id, actor_email, false as actor_deleted,
timezone('UTC', day::timestamp + interval 31 hour) as data_refreshed_at,
timezone('UTC', day::timestamp + interval 32 hour) as observed_at,
(day - date '2026-01-01')::bigint as commit_seq, 1 as page, 0 as position
"""
_COST = f"""
select {_COMMON}, 'tokens' as cost_type, {_TOKENS}[t.kind + 1] as token_type, 'USD' as currency,
       ((size * (t.kind + 1) + v.version - 1)::decimal(38, 8) / 1000)::decimal(38, 8) as amount,
       ((size * (t.kind + 1) + v.version - 1)::decimal(38, 8) / 800)::decimal(38, 8) as list_amount,
       sha256(concat_ws('|', day, actor_id, product_name, model_name, t.kind)) as row_key,
       v.version::int as version,
       sha256(concat_ws('|', day, actor_id, product_name, model_name, t.kind, v.version)) as content_sha256
from cells, range({KINDS}) as t(kind), range(1, 3) as v(version)
where v.version = 1 or month = {MONTHS - 1}
"""
_USAGE = f"""
select {_COMMON}, size as uncached_input_tokens, 0::bigint as cache_creation_5m_input_tokens,
       0::bigint as cache_creation_1h_input_tokens, size * 3 as cache_read_input_tokens, size as output_tokens,
       size * 5 as total_tokens, 0::bigint as web_search_requests, 1::bigint as requests,
       sha256(concat_ws('|', day, actor_id, product_name, model_name)) as row_key, 1 as version
from cells
"""
_DAYS = """
select day, version, max(data_refreshed_at) as data_refreshed_at, true as final, count(*) as rows,
       sum(amount)::decimal(38, 8) as amount, sum(list_amount)::decimal(38, 8) as list_amount,
       sum(amount)::decimal(38, 8) as total_amount, sum(list_amount)::decimal(38, 8) as total_list_amount,
       0::decimal(38, 8) as difference, true as agrees,
       max(observed_at) + interval 1 day * version as observed_at, max(commit_seq) as commit_seq
from cost group by day, version
"""


def make(folder: Path, people: int) -> dict[str, int]:
    """Write the files; returns their rows."""
    rows = {}
    with duckdb.connect() as db:
        db.execute("set timezone = 'UTC'")
        db.execute("set preserve_insertion_order = false")
        db.execute(_CELLS, {"people": people})
        for name, schema, query in (("cost", COST_ROWS, _COST), ("usage", USAGE_ROWS, _USAGE)):
            _write(db, folder / f"{name}.parquet", schema, query)
            db.execute(f"create view {name} as select * from read_parquet('{folder / name}.parquet')")
            rows[name] = db.execute(f"select count(*) from {name}").fetchall()[0][0]
        _write(db, folder / "days.parquet", COST_DAYS, _DAYS)
    return rows


def catalog(folder: Path) -> list[str]:
    """The views that a catalogue would make over these files; the feed is empty."""
    from warehouse.tables.schema import AUDIT_EVENTS  # noqa: PLC0415

    empty = ", ".join(f'cast(null as {sql_type(field)}) as "{field.name}"' for field in AUDIT_EVENTS)
    return [
        f"create view audit_events as select {empty}, cast(null as date) as dt where false",
        f"create view cost_row_versions as select * from read_parquet('{folder}/cost.parquet')",
        f"create view cost_day_versions as select * from read_parquet('{folder}/days.parquet')",
        f"create view usage_rows as select * from read_parquet('{folder}/usage.parquet')",
    ]


def _write(db: duckdb.DuckDBPyConnection, path: Path, schema: pa.Schema, query: str) -> None:
    made = {row[0] for row in db.execute(f"describe {query}").fetchall()}
    columns = ", ".join(
        f'cast({f.name if f.name in made else "null"} as {sql_type(f)}) as "{f.name}"' for f in schema
    )
    db.execute(f"copy (select {columns} from ({query})) to '{path}' (format parquet, compression zstd)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--people", type=int, required=True)
    options = parser.parse_args()
    print(json.dumps(make(options.folder, options.people)))
