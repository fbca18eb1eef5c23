"""The console's export through Dagster: a folder of files, the checks beside them."""

from assets.exports import inbox
from tests.assets.pipeline import Pipeline

HEADER = "created_at,actor_info,event,event_info,entity_info,ip_address,device_id,user_agent,client_platform\n"
ROW = (
    "2026-11-18 10:00:00.000000+00:00,\"{'name': \"\"Zoe O'Neil\"\", 'uuid': 'a1', 'metadata': "
    "{'email_address': 'zoe@example.com'}}\",conversation_created,{},{},192.0.2.7,d1,agent,web\n"
)


def drop(pipeline: Pipeline, name: str, text: str) -> None:
    folder = inbox(pipeline.settings().warehouse.duckdb)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def facts(pipeline: Pipeline) -> dict[str, object]:
    run = pipeline.materialize("audit_export_rows")
    assert run.success, run.failure
    return run.days("audit_export_rows")["None"]


def test_files_in_the_folder_are_imported_once(pipeline: Pipeline) -> None:
    drop(pipeline, "audit_logs.csv", HEADER + ROW)
    assert facts(pipeline)["new"] == 1
    again = facts(pipeline)
    assert (again["files"], again["new"], again["rows"]) == (1, 0, 0)


def test_a_file_that_is_no_export_fails_the_run_after_the_others_are_in(pipeline: Pipeline) -> None:
    drop(pipeline, "a.csv", HEADER + ROW)
    drop(pipeline, "b.csv", "colour,shape\nred,round\n")
    run = pipeline.materialize("audit_export_rows")
    assert not run.success
    assert "b.csv" in run.failure
    assert run.days("audit_export_rows")["None"]["new"] == 1


def test_a_row_that_the_feed_lacks_is_named_by_its_check(pipeline: Pipeline) -> None:
    pipeline.pull("2026-11-17", "2026-11-22")
    drop(pipeline, "audit_logs.csv", HEADER + ROW)
    found = pipeline.materialize("audit_export_rows").checks()["feed_has_the_rows"]
    assert (found.passed, found.severity.value) == (False, "WARN")
    assert found.metadata["feed_lacks"].value == 1


def test_no_file_is_no_trouble(pipeline: Pipeline) -> None:
    assert facts(pipeline)["files"] == 0
