"""The same answers on a real Trino, the engine under Athena, as in DuckDB: tables, cookbook, detections, as of.

Trino reads the bucket through partition projection and the seals' markers and knows nothing of the log; DuckDB
reads exactly the files that the log names. Every answer is compared row by row; `-rP` shows the table of counts
and hashes.
"""

from collections.abc import Iterator
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.real import two_engines
from tests.real.two_engines import FIRST, LAST, SEALED, House, digest, plain, run
from warehouse.archive import keys
from warehouse.detections.rulebook import load
from warehouse.detections.samples import events
from warehouse.detections.statement import statement
from warehouse.detections.trial import bench
from warehouse.detections.trial import raised as raised_here
from warehouse.evidence.questions import cookbook, filled
from warehouse.tables.athena import ENGINES, copies_by_actor
from warehouse.tables.athena.external import ExternalTable, hive_columns
from warehouse.tables.schema import AUDIT_EVENTS
from warehouse.tables.stored_tables import STORED
from warehouse.tables.telemetry.schema import TABLES as TELEMETRY
from warehouse.wire.times import midnight

pytestmark = pytest.mark.real
pytest.importorskip("duckdb_extension_httpfs")
trino = pytest.importorskip("trino")

# Rows of a computed log source are made on this machine, and places come from a file: Athena has neither.
RULES = [
    rule for rule in load().rules if not rule.needs() and not any(part.source.computed for part in rule.parts)
]
VIEWS = [
    *TELEMETRY,
    *(one.view for one in STORED), "audit_events", "alerts", "audit_pages", "log_entries", "event_types",
    "cost_rows", "cost_days", "cost_restated_rows", "cost_restatements", "usage_rows",
    "usage_days", "usage_restated_rows", "usage_restatements", "legacy_cost_rows", "legacy_cost_days",
    "cost_parity", "legacy_usage_rows", "legacy_usage_days", "usage_parity",
    *(one.folder for one in STORED if one.view.startswith(("directory_", "engagement_"))),
]  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with two_engines.standing(tmp_path_factory.mktemp("engines")) as built:
        yield built


def test_there_is_what_the_comparison_is_about(house: House) -> None:
    counted = dict(house.here("select fold, count(*) from audit_event_versions group by 1"))
    assert counted["revised"] > 0
    assert counted["withdrawn"] == 2
    assert len(house.here("select * from cost_restatements")) > 0
    assert len(house.here("select * from alerts")) > 0
    state = house.archive.state.table("audit_events")
    assert {file.dt for file in state.sealed} >= {str(day) for day in SEALED}
    late = [file for file in state.recent if file.dt in {str(day) for day in SEALED} and file.seq is not None]
    assert late, "rows that came after their day was sealed"


@pytest.mark.parametrize("view", VIEWS)
def test_a_table_has_the_same_columns_and_rows(house: House, view: str) -> None:
    here, there = house.columns(view)
    assert there == here
    listed = ", ".join(f'"{name}"' for name in here)
    compare(view, house.here(f"select {listed} from {view}"), house.there(f"select {listed} from {view}"), view)


@pytest.mark.parametrize("name", list(cookbook()))
def test_a_question_of_the_cookbook_has_the_same_answer(house: House, name: str) -> None:
    sql = question(house, name)
    here, there = house.here(sql), house.there(sql)
    assert there == here
    print(f"| `{name}` | {len(here)} | `{digest(here)}` |")


@pytest.mark.parametrize("name", list(cookbook()))
def test_with_athenas_times_the_answer_differs_in_nothing_but_fractions_of_a_millisecond(
    house: House, name: str
) -> None:
    sql = question(house, name)
    exact, coarse = house.there(sql), house.there(sql, "athena")
    assert sorted(map(without_times, coarse), key=repr) == sorted(map(without_times, exact), key=repr)


def question(house: House, name: str) -> str:
    asked = cookbook()[name]
    person = house.here("select actor_id from audit_events where actor_type = 'user_actor' order by id limit 1")
    event = house.here("select id from audit_event_versions where version = 2 order by id limit 1")
    values = {
        "from": midnight(FIRST), "to": midnight(LAST), "moment": midnight(SEALED[1]),
        "person": person[0][0], "actor": person[0][0], "event": event[0][0],
    }  # fmt: skip
    return filled(asked, {p.name: values.get(p.name, p.default) for p in asked.parameters})


@pytest.mark.parametrize("view", ["audit_events", "audit_event_versions", "cost_rows", "directory_users"])
def test_as_of_a_moment_both_know_the_same(house: House, view: str) -> None:
    listed = ", ".join(f'"{name}"' for name in house.columns(view)[0])
    db = two_engines.as_known_at(house)
    try:
        here = plain(db.execute(f"select {listed} from {view}").fetchall())
    finally:
        db.close()
    there = house.there(f"select {listed} from {view}", schema="archive_as_of")
    if view.startswith("audit"):
        now = house.here(f"select count(*) from {view} where fold <> 'first'")[0][0]
        assert (now > 0, [one for one in here if "revised" in one or "withdrawn" in one]) == (True, [])
    compare(view, here, there, f"{view} as of")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.path.stem)
def test_a_rule_finds_the_same_in_the_archive(house: House, rule: Any) -> None:
    here = house.here(statement(rule))
    there = house.there(statement(rule, dialect="athena"))
    assert there == here
    print(f"| `{rule.path.stem}` | {len(here)} | `{digest(here)}` |")


@pytest.fixture(scope="module")
def samples(house: House, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], str]:
    """Every sample of every rule as a partition of one table; gives each its relation."""
    bucket, _, prefix = house.site.archive_url.removeprefix("s3://").partition("/")
    client = boto3.client("s3", endpoint_url=house.site.archive.split('"')[1])
    relations, statements = {}, []
    for rule in RULES:
        for number, (_, sample) in enumerate(rule.samples):
            name = f"sample_{len(relations)}"
            folder = f"samples/{name}"
            sink = pa.BufferOutputStream()
            pq.write_table(events(sample).select(AUDIT_EVENTS.names), sink)
            client.put_object(
                Bucket=bucket, Key=f"{folder}/dt=2026-11-02/a.parquet", Body=sink.getvalue().to_pybytes()
            )
            table = ExternalTable(
                name,
                f"s3://{bucket}/{folder}/",
                hive_columns(AUDIT_EVENTS),
                "A sample.",
                first_day=two_engines.BEFORE,
            )
            statements.append(table.trino("archive", "timestamp(6)"))
            relations[rule.path.stem, number] = name
    assert prefix == "ledger"
    run(house.trino, statements, "exact", None)
    return relations


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.path.stem)
def test_a_rule_raises_the_same_alerts_on_its_own_samples(
    house: House, samples: dict[tuple[str, int], str], rule: Any
) -> None:
    with bench() as db:
        for number, (should_fire, sample) in enumerate(rule.samples):
            sql = statement(rule, dialect="athena", relation=samples[rule.path.stem, number])
            there = [one[0] for one in house.there(f"select event_ids from ({sql}) as found")]
            assert there == raised_here(db, rule, sample)
            assert bool(there) == should_fire


def test_the_copy_by_actor_has_the_rows_of_its_months_and_keeps_an_actor_in_one_bucket(house: House) -> None:
    bucket = house.site.archive_url.removeprefix("s3://").partition("/")[0]
    months = [FIRST.replace(day=1)]
    made = copies_by_actor(house.archive.state, "archive", months, f"s3://{bucket}/copies/", ENGINES["trino"])
    run(house.trino, made, "exact", None)
    columns = ", ".join(AUDIT_EVENTS.names)
    asked = f"select {columns} from {{}} where dt >= date '{months[0]}' and dt < date '2026-12-01' order by id"
    copied, there = (house.there(asked.format(name)) for name in ("audit_events_by_actor", "audit_events"))
    assert copied == there == house.here(asked.format("audit_events"))
    assert len(copied) > 100
    spread = house.there(
        'select actor_id, count(distinct "$bucket") from audit_events_by_actor_2026_11 group by 1'
    )
    assert {buckets for _, buckets in spread} == {1}
    with pytest.raises(trino.exceptions.TrinoUserError, match="already exists"):
        run(house.trino, made[:1], "exact", None)


def test_a_sealed_file_without_its_marker_is_not_seen_and_its_rows_are(house: House) -> None:
    """What a crash between the entry and the markers leaves; and a file that another writer lost the race with."""
    bucket, _, prefix = house.site.archive_url.removeprefix("s3://").partition("/")
    client = boto3.client("s3", endpoint_url=house.site.archive.split('"')[1])
    before = house.there("select count(*) from audit_event_versions")
    sealed = next(file for file in house.archive.state.table("audit_events").sealed if file.dt == str(SEALED[0]))
    stranger = keys.sealed("audit_events", SEALED[0], 1, "0" * 64)
    body = client.get_object(Bucket=bucket, Key=f"{prefix}/{sealed.key}")["Body"].read()
    client.put_object(Bucket=bucket, Key=f"{prefix}/{stranger}", Body=body)
    assert (
        house.there("select count(*) from audit_event_versions")
        == before
        == house.here("select count(*) from audit_event_versions")
    )


def compare(view: str, here: list[Any], there: list[Any], name: str) -> None:
    here, there = sorted(here, key=repr), sorted(there, key=repr)
    different = [pair for pair in zip(here, there, strict=False) if pair[0] != pair[1]]
    assert (len(there), different[:2]) == (len(here), [])
    print(f"| `{name}` | {len(here)} | `{digest(here)}` |")


def without_times(one: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(value.replace(microsecond=0) if hasattr(value, "microsecond") else value for value in one)
