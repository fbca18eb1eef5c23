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
