"""The operations page: every finding, error, check, schedule and sensor is explained, and no other is."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from tests.docs.conftest import Demo
from tests.docs.emitted import codes_in
from tests.docs.pages import ROOT, first_column, names_in, page, tables
from warehouse.anthropic.errors import AnthropicError
from warehouse.archive.errors import ArchiveError
from warehouse.config.errors import ConfigError
from warehouse.delivery.errors import DeliveryError
from warehouse.evidence.errors import EvidenceError
from warehouse.finops.errors import FinopsError
from warehouse.tables.audit_export.errors import AuditExportError
from warehouse.tables.marts.errors import MartsError
from warehouse.telemetry.errors import TelemetryError

PAGE = page("docs/operations.md")
VERIFIER = sorted((ROOT / "warehouse" / "archive").glob("*.py"))
OTHERS = [
    path
    for floor in ("assets", "warehouse", "orchestration")
    for path in sorted((ROOT / floor).rglob("*.py"))
    if path not in VERIFIER
]


def _codes(paths: list[Path]) -> set[str]:
    return {code for path in paths for code in codes_in(path)}


def test_every_finding_of_the_verifier_is_explained_and_no_other() -> None:
    assert set(first_column(PAGE.section("Findings of `ledgerline verify`"), "code")) == _codes(VERIFIER)


def test_every_other_finding_is_explained_and_no_other() -> None:
    section = PAGE.section("Findings").partition("\n### ")[0]
    assert set(first_column(section, "code")) == _codes(OTHERS)


def test_the_reader_of_codes_sees_every_way_in_which_one_is_named(tmp_path: Path) -> None:
    source = tmp_path / "source.py"
    source.write_text(
        "result.found('one', key, 'x')\n"
        "code = 'two' if moved else 'three'\n"
        "self._result.found(code, key, 'x')\n"
        "for kind in ('four', 'five'):\n    add(kind, name, 'x')\n"
        "seen = _Seen(ref, 'six', 'x')\n"
        "findings.append({'code': 'seven', 'subject': 's', 'detail': 'd'})\n"
        "class Skew:\n    code = 'eight'\n"
        "result.found('nine' if good else 'ten', key, 'x')\n"
    )
    assert codes_in(source) == {"one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"}


def _all_below(kind: type[Exception]) -> Iterator[str]:
    for inner in kind.__subclasses__():
        if inner.__module__.startswith("warehouse."):
            yield inner.__name__
            yield from _all_below(inner)


@pytest.mark.parametrize(
    "root",
    [
        AnthropicError,
        ArchiveError,
        ConfigError,
        DeliveryError,
        MartsError,
        AuditExportError,
        EvidenceError,
        FinopsError,
        TelemetryError,
    ],
)
def test_every_error_is_explained(root: type[Exception]) -> None:
    assert set(_all_below(root)) <= set(names_in(PAGE.section("Errors")))


def test_no_error_is_explained_that_does_not_exist() -> None:
    roots = (
        AnthropicError,
        ArchiveError,
        ConfigError,
        DeliveryError,
        MartsError,
        AuditExportError,
        EvidenceError,
        FinopsError,
        TelemetryError,
    )
    known = {name for root in roots for name in _all_below(root)}
    assert set(first_column(PAGE.section("Errors"), "error")) <= known


@pytest.fixture(scope="module")
def definitions(demo: Demo) -> dg.Definitions:
    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    from orchestration.definitions import definitions_of

    return definitions_of(demo.settings)


def test_every_check_is_explained_with_its_asset_and_no_other(definitions: dg.Definitions) -> None:
    checks = {
        (key.name, "each mart" if key.name == "data_tests" else key.asset_key.to_user_string())
        for key in definitions.resolve_asset_graph().asset_check_keys
    }
    rows = next(rows for header, rows in tables(PAGE.section("Checks in Dagster")) if header[0] == "check")
    assert {(names_in(row[0])[0], row[1].strip("`")) for row in rows} == checks


def test_every_schedule_is_listed_with_its_job_and_no_other(definitions: dg.Definitions) -> None:
    schedules = {(one.name, one.job_name) for one in definitions.schedules or [] if hasattr(one, "job_name")}
    section = PAGE.section("Run it on a schedule")
    rows = next(rows for header, rows in tables(section) if header[0].startswith("schedule"))
    assert {(names_in(row[0])[0], names_in(row[1])[0]) for row in rows} == schedules


def test_every_sensor_and_job_is_named(definitions: dg.Definitions) -> None:
    names = {one.name for one in [*(definitions.sensors or []), *(definitions.jobs or [])]}
    assert names <= set(PAGE.inline())
