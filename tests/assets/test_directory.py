"""The directory through Dagster: one run takes all lists, and says who came and who left."""

from tests.assets.pipeline import Pipeline


def test_a_run_takes_every_list_and_counts_what_changed(pipeline: Pipeline) -> None:
    first = pipeline.materialize("directory")
    assert first.success
    [facts] = first.days("directory").values()
    assert facts["first"] == facts["records"] > 0
    assert first.checks("directory")["snapshot_is_fresh"].passed
    pipeline.later(days=1)
    [facts] = pipeline.materialize("directory").days("directory").values()
    assert facts["unchanged"] > 0


def test_a_list_that_cannot_be_read_fails_the_run(pipeline: Pipeline) -> None:
    pipeline.served.faults.on("error_500_final", path="/v1/organizations/users")
    run = pipeline.materialize("directory")
    assert not run.success
    assert "1 of 4 lists could not be read" in run.failure


def test_snapshots_that_have_stopped_are_seen(pipeline: Pipeline) -> None:
    from assets.directory import CHECKS

    pipeline.materialize("directory")
    with pipeline.open() as workshop:
        assert CHECKS[0](workshop).passed  # type: ignore[attr-defined]
        pipeline.later(hours=37)
        assert not CHECKS[0](workshop).passed  # type: ignore[attr-defined]


def test_a_list_that_was_tried_in_vain_is_not_fresh(pipeline: Pipeline) -> None:
    from assets.directory import CHECKS

    pipeline.materialize("directory")
    pipeline.served.faults.on("error_500_final", path="/v1/organizations/rbac_groups")
    pipeline.materialize("directory")
    with pipeline.open() as workshop:
        found = CHECKS[0](workshop)  # type: ignore[operator]
    assert not found.passed
    assert "The last snapshot of rbac_groups failed: It was not read to its end" in (found.description or "")


def test_settings_and_limits_are_assets_with_a_key_of_their_own(pipeline: Pipeline) -> None:
    run = pipeline.materialize("organization_settings", "spend_limits")
    assert run.success
    for name in ("organization_settings", "spend_limits"):
        [facts] = run.days(name).values()
        assert facts["first"] == facts["records"] > 0
        assert run.checks(name)["snapshot_is_fresh"].passed
