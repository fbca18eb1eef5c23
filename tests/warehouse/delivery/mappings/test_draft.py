"""A new event type gets drafted rows from the most alike one; nothing that stands is touched."""

import csv
import shutil

import pytest

from warehouse.delivery.mappings.draft import draft, drafted
from warehouse.delivery.mappings.tables import HERE, SCHEMA_TABLES
from warehouse.taxonomy import load

TABLES = (*SCHEMA_TABLES, "targets")


@pytest.fixture
def folder(tmp_path):
    for name in TABLES:
        shutil.copy(HERE / f"{name}.csv", tmp_path)
    return tmp_path


def without(folder, *types):
    for name in TABLES:
        path = folder / f"{name}.csv"
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if line.split(",")[0] not in types))


def test_where_nothing_is_missing_nothing_is_written(folder):
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert draft(folder) == []
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_missing_type_is_drafted_in_its_place_and_the_rest_stays(folder):
    without(folder, "claude_file_uploaded", "rbac_role_unassigned")
    said = draft(folder)
    assert len(said) == 2 * len(TABLES)
    for name in TABLES:
        drafted = list(csv.reader((folder / f"{name}.csv").open(newline="")))
        committed = list(csv.reader((HERE / f"{name}.csv").open(newline="")))
        assert [row[0] for row in drafted] == [row[0] for row in committed]
        changed = {one[0] for one, other in zip(drafted, committed, strict=True) if one != other}
        assert changed <= {"claude_file_uploaded", "rbac_role_unassigned"}


def test_a_drafted_place_is_a_field_that_the_type_has(folder):
    without(folder, "claude_chat_deletion_failed")
    draft(folder)
    rows = {row["type"]: row for row in csv.DictReader((folder / "targets.csv").open(newline=""))}
    assert rows["claude_chat_deletion_failed"]["object_id"] == "claude_chat_id"
    assert rows["claude_chat_deletion_failed"]["group_id"] == ""


@pytest.mark.parametrize(("name", "least"), [*((name, 0.7) for name in SCHEMA_TABLES), ("targets", 0.7)])
def test_most_drafts_are_what_a_person_had_written(name, least):
    with (HERE / f"{name}.csv").open(newline="") as file:
        rows = {row["type"]: row for row in csv.DictReader(file)}
    alike = 0
    for known in load().types.values():
        others = {type: row for type, row in rows.items() if type != known.type}
        alike += drafted(name, known, others) == rows[known.type]
    assert alike / len(load().types) > least
