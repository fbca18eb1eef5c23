"""Every table has a row for each listed type, and uses only words that its schema allows."""

import csv

import pytest

from tests.warehouse.delivery.mappings import allowed
from warehouse.delivery.mappings.asim import COLUMNS
from warehouse.delivery.mappings.tables import HERE, SCHEMA_TABLES, outcomes, severities
from warehouse.taxonomy import OUTCOMES, SEVERITIES, VERBS, load

TYPES = load().types
UNLISTED = [f"unlisted:{verb}" for verb in VERBS]


def table(name: str) -> dict[str, dict[str, str]]:
    with (HERE / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = {row["type"]: row for row in rows}
    assert len(found) == len(rows), f"{name}.csv has a type twice"
    return found


@pytest.mark.parametrize("name", SCHEMA_TABLES)
def test_a_table_has_exactly_the_types_of_the_taxonomy_in_its_order_and_then_one_row_for_each_verb(name):
    assert list(table(name)) == [*TYPES, *UNLISTED]


def test_every_severity_and_outcome_of_the_taxonomy_stands_on_every_scale():
    for scale in ("cim", "ecs", "asim", "ocsf", "datadog", "udm", "syslog", "otlp"):
        assert list(severities(scale)) == list(SEVERITIES)
        assert all(severities(scale).values())
    for scale in ("cim_action", "cim_status", "ecs", "asim", "ocsf", "datadog", "udm"):
        assert set(outcomes(scale)) == set(OUTCOMES)


@pytest.mark.parametrize("scale", ["ecs", "ocsf", "otlp"])
def test_a_number_for_severity_rises_with_it_and_in_syslog_falls(scale):
    numbers = [int(number) for number in severities(scale).values()]
    assert numbers == sorted(set(numbers))
    assert [int(number) for number in severities("syslog").values()] == [6, 5, 4, 3, 2]


def test_a_severity_that_no_scale_knows_counts_as_high():
    assert severities("udm")["shattering"] == "HIGH"
    assert severities("udm")["Low"] == "LOW"


def test_ecs_has_only_allowed_categories_and_the_types_that_are_expected_with_them():
    for name, row in table("ecs").items():
        categories, types = row["category"].split("|"), row["event_type"].split("|")
        expected = [allowed.ECS_EXPECTED[category] for category in categories]
        assert all(any(type in known for known in expected) for type in types), name
        assert all(known & set(types) for known in expected), name


def test_cim_has_only_the_actions_and_tags_of_each_data_model():
    for name, row in table("cim").items():
        actions = set(outcomes("cim_action").values()) if row["action"] == "outcome" else {row["action"]}
        assert actions <= allowed.CIM_ACTIONS[row["model"]], name
        assert set(row["tags"].split()) in allowed.CIM_TAGS[row["model"]] or "audit" in row["tags"], name
    assert set(outcomes("cim_status").values()) == {"success", "failure", ""}


def test_asim_has_only_the_event_types_of_each_schema():
    for name, row in table("asim").items():
        assert row["event_type"] in allowed.ASIM_EVENT_TYPES[row["schema"]], name
        if row["schema"] == "AuditEvent":
            assert row["object_type"] in allowed.ASIM_OBJECT_TYPES, name
    assert set(outcomes("asim").values()) <= allowed.ASIM_RESULTS
    assert set(severities("asim").values()) == allowed.ASIM_SEVERITIES


def test_the_sentinel_columns_have_names_and_types_that_the_service_takes():
    for name, kind in COLUMNS.items():
        assert name.isalnum()
        assert name[0].isalpha()
        assert len(name) <= 45
        assert name not in allowed.SENTINEL_RESERVED
        assert kind in {"string", "int", "long", "real", "boolean", "dynamic", "datetime"}


def test_udm_has_only_event_types_resource_types_actions_and_severities_of_the_model():
    for name, row in table("udm").items():
        assert row["event_type"] in allowed.UDM_EVENT_TYPES, name
        assert row["resource_type"] in allowed.UDM_RESOURCE_TYPES, name
    assert set(outcomes("udm").values()) <= {"", *allowed.UDM_ACTIONS}
    assert set(severities("udm").values()) == allowed.UDM_SEVERITIES


def test_datadog_statuses_are_those_it_knows():
    assert set(severities("datadog").values()) <= allowed.DATADOG_STATUSES


def test_a_failed_sign_in_is_told_from_a_good_one_in_every_schema():
    """The same row serves both where the type says how it ended; so this is a matter of the outcomes' table."""
    for scale in ("cim_action", "ecs", "asim", "ocsf", "datadog", "udm"):
        assert outcomes(scale)["success"] != outcomes(scale)["failure"]
