"""Upkeep of the archive through Dagster: adoption, snapshot, verification."""

from tests.assets.pipeline import Pipeline


def test_upkeep_snapshots_and_verifies(pipeline: Pipeline) -> None:
    pipeline.pull("2026-11-18")
    run = pipeline.materialize("archive_log")
    assert run.success
    assert run.checks()["archive_verified"].passed
    state = pipeline.state()
    assert state.snapshot == state.seq


def test_an_altered_object_fails_verification_as_an_error_and_is_named(pipeline: Pipeline) -> None:
    pipeline.pull("2026-11-18")
    page = next((pipeline.folder / "archive" / "pages").rglob("*.zst"))
    page.chmod(0o644)
    page.write_bytes(page.read_bytes()[:-1] + b"x")
    run = pipeline.materialize("archive_log", config={"days": 0})
    found = run.checks()["archive_verified"]
    assert run.success
    assert (found.passed, found.severity.value) == (False, "ERROR")
    assert page.name in str(found.metadata["findings"].value)


def test_upkeep_of_an_empty_archive_is_no_trouble(pipeline: Pipeline) -> None:
    run = pipeline.materialize("archive_log")
    assert run.success, run.failure
    assert run.checks()["archive_verified"].passed


def test_upkeep_anchors_the_checkpoint_where_that_is_set(pipeline: Pipeline) -> None:
    pipeline.pull("2026-11-18")
    pipeline.archive = 'anchors = ["file:./anchored"]'
    run = pipeline.materialize("archive_log")
    check = run.checks()["checkpoint_anchored"]
    assert (check.passed, check.metadata["places"].value) == (True, 1)
    (copy,) = [path for path in (pipeline.folder / "anchored").rglob("*") if path.is_file()]
    assert copy.name == f"{pipeline.state().size:012d}"


def test_an_anchor_that_fails_is_a_warning_and_stops_nothing(pipeline: Pipeline) -> None:
    pipeline.pull("2026-11-18")
    pipeline.archive = 'anchors = ["git:./nowhere.git"]'
    run = pipeline.materialize("archive_log")
    assert run.success
    checks = run.checks()
    assert (checks["checkpoint_anchored"].passed, checks["checkpoint_anchored"].severity.value) == (False, "WARN")
    assert "nowhere.git" in (checks["checkpoint_anchored"].description or "")
    assert checks["archive_verified"].passed


def test_an_anchor_with_another_history_is_an_error(pipeline: Pipeline) -> None:
    pipeline.pull("2026-11-18")
    pipeline.archive = 'anchors = ["file:./anchored"]'
    pipeline.materialize("archive_log")
    (copy,) = [path for path in (pipeline.folder / "anchored").rglob("*") if path.is_file()]
    copy.rename(copy.with_name("000000099999"))
    check = pipeline.materialize("archive_log").checks()["checkpoint_anchored"]
    assert (check.passed, check.severity.value) == (False, "ERROR")
