"""The copy by actor and month: statements that Athena and Trino read, and a view that masks.

Rows and buckets are compared on a real Trino (tests/real/test_trino.py).
"""

from datetime import date

import pytest
import sqlglot

from warehouse.archive.restriction import digest, normal
from warehouse.archive.state import LogState, Restriction
from warehouse.tables.athena import ENGINES, copies_by_actor

MONTHS = [date(2026, 1, 1), date(2025, 12, 1)]
FOLDER = "s3://example-results/marts/"


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_each_month_is_a_table_of_its_own_days_and_the_view_holds_them_all(engine: str) -> None:
    january, december, view = copies_by_actor(LogState(), "archive", MONTHS, FOLDER, ENGINES[engine])
    assert january.startswith("create table archive.audit_events_by_actor_2026_01\n")
    assert "dt >= date '2026-01-01' and dt < date '2026-02-01'" in january
    assert "dt >= date '2025-12-01' and dt < date '2026-01-01'" in december
    assert "external_location = 's3://example-results/marts/audit_events_by_actor/2025-12/'" in december
    assert ("ZSTD" in january) == (engine == "athena")
    tree = sqlglot.parse_one(view, read="trino", error_level=sqlglot.ErrorLevel.RAISE)
    assert {table.name for table in tree.expression.find_all(sqlglot.exp.Table)} == {
        "audit_events_by_actor_2026_01", "audit_events_by_actor_2025_12",
    }  # fmt: skip


def test_who_is_restricted_is_masked_in_the_view_over_a_copy_made_before() -> None:
    jane, salt = "jane.doe@example.com", "00" * 16
    restricted = Restriction(
        1, "2026-11-20T00:00:00Z", "a request", salt, [digest(salt, normal(jane))], [len(jane)]
    )
    state = LogState(restrictions={"dsr-1": restricted})
    *_, view = copies_by_actor(state, "archive", MONTHS, FOLDER, ENGINES["athena"])
    *_, plain = copies_by_actor(LogState(), "archive", MONTHS, FOLDER, ENGINES["athena"])
    assert "[restricted]" in view
    assert "[restricted]" not in plain
    assert jane not in view
