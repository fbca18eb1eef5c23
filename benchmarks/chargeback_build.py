"""Fills an archive with months of made-up cost, as the pipeline leaves them, and closes all but the last: what the
report of that month is then made from.

Each person has each product with each model on one day of each month. The pulls name no pages: nothing here reads
them. Closes are those of `ledgerline finops close`.
"""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from assets.period_books import bookkeeping
from orchestration.workshop import open_workshop
from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft, ObjectRef, sha256_hex
from warehouse.archive.signing import create_key
from warehouse.config import load
from warehouse.finops.periods import Period
from warehouse.tables import parquet
from warehouse.tables.spend.schema import COST, USAGE, Report
from warehouse.wire.times import midnight, rfc3339

_MODELS = "['claude-opus-5-5', 'claude-sonnet-5', 'claude-haiku-5', 'claude-opus-4-6', 'claude-sonnet-4-6']"
_PRODUCTS = "['claude_code', 'chat', 'cowork', 'office_agent']"
_ROWS = f"""
select cast($start as date) + cast(hash(person * 31 + product * 7 + model + $month) % $days as integer) as day,
       '00000000-0000-4000-8000-000000000001' as organization_id, {_PRODUCTS}[product] as product,
       {_MODELS}[model] as model, 'user_actor' as actor_type, printf('user_%024d', person) as actor_id,
       printf('person%05d@example.com', person) as actor_email, 'tokens' as cost_type,
       'output_tokens' as token_type, 'USD' as currency,
       cast((1 + hash(person + model * 101 + $month) % 900000) / 100000 as decimal(38, 8)) as amount,
       cast(1 + hash(person + model * 101 + $month) % 900000 as bigint) as output_tokens
from range(1, $people + 1) as p(person), range(1, 5) as q(product), range(1, 6) as r(model)
order by day, actor_id, product, model
"""
_SETTINGS = """\
[archive]
url = "file:./archive"
signing_key = "file:./signing.key"
cache = "./cache"
[anthropic]
start = 2026-01-01
[warehouse]
duckdb = "./warehouse.duckdb"
[finops]
budgets = "./budgets.csv"
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--people", type=int, required=True)
    parser.add_argument("--months", type=int, required=True)
    options = parser.parse_args()
    folder: Path = options.folder
    create_key(folder / "signing.key")
    (folder / "ledgerline.toml").write_text(_SETTINGS)
    centers = [f"centre-{number:02d}" for number in range(40)]
    mapping = ["user_email,user_id,cost_center,valid_from,valid_to"]
    mapping += [
        f",user_{person:024d},{centers[person % 40]},2026-01-01," for person in range(1, options.people + 1)
    ]
    (folder / "cost_centers.csv").write_text("\n".join([*mapping, ""]))
    months = [Period(2026, month) for month in range(1, options.months + 1)]
    budgets = [f"{center},{months[-1]},20000,USD" for center in centers]
    (folder / "budgets.csv").write_text("\n".join(["cost_center,period,amount,currency", *budgets, ""]))
    now = [midnight(months[0].end)]
    rows = 0
    with open_workshop(load(folder / "ledgerline.toml"), clock=lambda: now[0]) as workshop:
        for period in months:
            now[0] = datetime(period.end.year, period.end.month, 5, tzinfo=UTC)
            rows += _month(workshop.archive, period, options.people)
            if period != months[-1]:
                with bookkeeping(workshop) as desk:
                    desk.close(period, by="bench", reason="the books close on the fifth", forced=True)
    print(json.dumps({"rows": rows, "period": str(months[-1])}))


def _month(archive: Archive, period: Period, people: int) -> int:
    with duckdb.connect() as db:
        db.execute("set timezone = 'UTC'")
        span = {"start": period.start, "days": period.length, "month": period.month, "people": people}
        made = db.execute(_ROWS, span).to_arrow_table()
        db.register("made", made)
        days = db.execute("select day, count(*) as rows, sum(amount) as amount from made group by 1 order by 1")
        sums = days.to_arrow_table()
    for report in (COST, USAGE):
        _commit(archive, report, period, made, sums)
    return made.num_rows


def _commit(archive: Archive, report: Report, period: Period, made: pa.Table, sums: pa.Table) -> None:
    """A pull of the month and its fold, as the pipeline would have left them."""
    refreshed = midnight(period.end)
    window = [rfc3339(midnight(period.start)), rfc3339(midnight(period.end))]
    pull = archive.commit(
        Draft(
            kind="pull",
            stream=report.stream,
            window=window,
            complete=True,
            objects=[],
            data_refreshed_at=rfc3339(refreshed),
        )
    )
    known = {"version": 1, "commit_seq": pull.seq, "data_refreshed_at": refreshed, "observed_at": refreshed}
    known |= {"list_amount": None}
    day_columns = {"total_amount": sums["amount"], "agrees": True, "final": True}
    objects = [
        _put(archive, report.rows_table, report.rows, made, known, pull.seq),
        _put(archive, report.days_table, report.days, sums, known | day_columns, pull.seq),
    ]
    archive.commit(
        Draft(
            kind="table",
            stream=report.stream,
            table=report.rows_table,
            window=window,
            complete=True,
            objects=objects,
            derived_from=[pull.seq],
            counts={"records": made.num_rows},
            data_refreshed_at=rfc3339(refreshed),
        )
    )


def _put(
    archive: Archive, table: str, schema: pa.Schema, rows: pa.Table, known: dict[str, object], seq: int
) -> ObjectRef:
    columns = []
    for field in schema:
        value = known.get(field.name)
        if field.name in rows.column_names:
            columns.append(rows[field.name].cast(field.type))
        elif isinstance(value, pa.ChunkedArray):
            columns.append(value.cast(field.type))
        else:
            columns.append(pa.array([value] * rows.num_rows, field.type))
    data = parquet.write([pa.table(columns, schema=schema)], schema)
    first = pc.min(rows["day"]).as_py()
    stored = archive.put(keys.recent(table, first, seq, sha256_hex(data)), data)
    return ObjectRef(
        key=stored.key,
        version_id=stored.version_id,
        sha256=stored.sha256,
        bytes=stored.bytes,
        records=rows.num_rows,
        table=table,
        dt=first.isoformat(),
    )


if __name__ == "__main__":
    main()
