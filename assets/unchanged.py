"""Whether a closed month is still what it was closed as, told without adding it up again. Knows no Dagster.

Promise: yes only where the same rows, mapping and rules would be added up to the same lines; else no, and whoever
asked adds up.
"""

from collections.abc import Mapping
from typing import Any

import duckdb

from assets.cost_lines import refreshed_at
from warehouse.finops.periods import Period
from warehouse.wire.times import rfc3339

# The entries that the rows of the month come from now; and whether its usage was told anew since.
_SOURCES = """
select distinct commit_seq from cost_rows where day >= $start and day < $end union
select d.commit_seq from cost_days as d left join (
  select day, sum(coalesce(amount, 0)) as amount from cost_rows group by day) as r on r.day = d.day
where d.day >= $start and d.day < $end and d.total_amount <> coalesce(r.amount, 0)
"""
_USAGE_SINCE = """
select count(*) from usage_day_versions
where day >= $start and day < $end and observed_at > cast($closed_at as timestamptz)
"""


def is_unchanged(
    db: duckdb.DuckDBPyConnection, period: Period, manifest: Mapping[str, Any], versions: Mapping[str, str]
) -> bool:
    """Compare the tables of now and the versions of mapping and rules of now with the manifest of a close.

    `versions` has `mapping` and `rules`. Seats are not compared: with contracts, add up.
    """
    if manifest["mapping"]["sha256"] != versions["mapping"] or manifest["rules"]["sha256"] != versions["rules"]:
        return False
    span = {"start": period.start, "end": period.end}
    sources = {seq for (seq,) in db.execute(_SOURCES, span).fetchall()}
    if sources != set(manifest["sources"]["entries"]):
        return False
    # a day that lost all of its rows comes from no entry any more; its newer version is still one of the month
    told = refreshed_at(db, period)
    if manifest["sources"]["data_refreshed_at"] != (rfc3339(told) if told is not None else None):
        return False
    since = db.execute(_USAGE_SINCE, span | {"closed_at": manifest["closed_at"]}).fetchone()
    return since is not None and since[0] == 0
