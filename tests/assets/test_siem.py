"""The destinations as assets: one step for all of them, metadata and checks for each."""

from collections.abc import Iterator

import pytest

from assets import delivery_rows, siem
from tests.assets.pipeline import CONFIG, Pipeline
from tests.delivery.receiver import Receiver, receiving


@pytest.fixture
def receivers() -> Iterator[tuple[Receiver, Receiver]]:
    with receiving() as one, receiving() as two:
        yield one, two


def destination(name: str, url: str) -> str:
    return f'[[destinations]]\nname = "{name}"\ntype = "webhook"\nbody = "ndjson"\nslice = "all"\nurl = "{url}"\n'


def test_each_destination_is_an_asset_and_trouble_is_a_check_that_fails(
    pipeline: Pipeline, receivers: tuple[Receiver, Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    well, broken = receivers
    broken.answer = lambda _number, _documents: (403, {}, b"")
    further = destination("lake", well.url) + destination("soc-1", broken.url)
    monkeypatch.setattr("tests.assets.pipeline.CONFIG", CONFIG + further)
    pipeline.pull("2026-11-20", "2026-11-21")
    run = pipeline.materialize("siem_lake", "siem_soc_1")
    assert run.success
    facts = run.days("siem_lake")["None"]
    assert sorted(well.ids()) == pipeline.ids()
    assert facts["selected"] == facts["delivered"] == len(pipeline.ids())
    assert {"retried", "dead", "bytes", "p95 age at arrival (s)"} <= set(facts)
    assert {name: check.passed for name, check in run.checks("siem_lake").items()} == {
        "dead_letters_are_empty": True,
        "destination_keeps_up": True,
        "receipts_equal_selections": True,
    }
    failed = run.checks("siem_soc_1")["destination_keeps_up"]
    assert not failed.passed
    assert "ledgerline deliver soc-1" in (failed.description or "")
    assert run.checks("siem_soc_1")["dead_letters_are_empty"].passed


def test_dead_letters_fail_the_check_until_they_are_delivered(
    pipeline: Pipeline, receivers: tuple[Receiver, Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver, _ = receivers
    monkeypatch.setattr("tests.assets.pipeline.CONFIG", CONFIG + destination("soc", receiver.url))
    pipeline.pull("2026-11-20")
    poison = pipeline.ids()[0]
    receiver.answer = lambda _number, documents: (
        (400, {}, b"") if poison in {one["event_id"] for one in documents} else (200, {}, b"")
    )
    check = pipeline.materialize("siem_soc").checks("siem_soc")["dead_letters_are_empty"]
    assert not check.passed
    assert "ledgerline dead-letters soc" in (check.description or "")
    again = pipeline.materialize("siem_soc").checks("siem_soc")["dead_letters_are_empty"]
    assert (again.passed, again.metadata["total"].value) == (False, 1)


def test_a_destination_with_a_long_way_to_go_leaves_the_rest_to_the_next_run(
    pipeline: Pipeline, receivers: tuple[Receiver, Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(siem, "_MOST_SECONDS", 0.0)
    monkeypatch.setattr(delivery_rows, "ROWS_AT_ONCE", 20)
    receiver, _ = receivers
    monkeypatch.setattr("tests.assets.pipeline.CONFIG", CONFIG + destination("soc", receiver.url))
    pipeline.pull("2026-11-20")
    run = pipeline.materialize("siem_soc")
    facts, behind = run.days("siem_soc")["None"], len(pipeline.ids()) - 20
    assert (facts["delivered"], facts["rows behind"], facts["stopped"]) == (20, behind, "no")
    assert {check.passed for check in run.checks("siem_soc").values()} == {True}


def test_the_tail_serves_the_destinations_after_the_alerts(
    pipeline: Pipeline, receivers: tuple[Receiver, Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration.definitions import definitions_of

    assert definitions_of(pipeline.settings()).resolve_job_def("audit_tail")
    receiver, _ = receivers
    monkeypatch.setattr("tests.assets.pipeline.CONFIG", CONFIG + destination("soc", receiver.url))
    job = definitions_of(pipeline.settings()).resolve_job_def("audit_tail")
    keys = {key.to_user_string() for key in job.asset_layer.executable_asset_keys}
    assert keys == {"audit_events", "alerts", "siem_soc"}
