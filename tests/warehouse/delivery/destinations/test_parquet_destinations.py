"""Security Lake and Snowflake on moto's S3: what a reader of the bucket finds, and what each refusal means."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot

from tests.docs.pages import page
from tests.warehouse.archive import s3_server
from tests.warehouse.archive.s3_server import SECRET, client, moto_endpoint, new_bucket
from tests.warehouse.delivery.destinations.alerts import alert
from tests.warehouse.delivery.destinations.wire import (
    event,
    events,
    frames,
    kinds,
    of_every_type,
    send,
    settings_of,
)
from warehouse.delivery.destinations import load, security_lake, snowflake
from warehouse.delivery.errors import Halted
from warehouse.delivery.mappings.ocsf import to_ocsf

ACCOUNT = "123456789012"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "EXAMPLEKEY",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def bucket() -> str:
    return new_bucket(lock=False)


def lake(bucket: str, **values: Any) -> Any:
    return settings_of(
        "security_lake", url=f"s3://{bucket}/ext/CLAUDE", region="us-east-1", account_id=ACCOUNT,
        **{"s3_endpoint": moto_endpoint(), **values},
    )  # fmt: skip


def stage(bucket: str, **values: Any) -> Any:
    return settings_of("snowflake", url=f"s3://{bucket}/stage", **{"s3_endpoint": moto_endpoint(), **values})


def objects(bucket: str) -> dict[str, bytes]:
    listed = client().list_objects_v2(Bucket=bucket).get("Contents", [])
    return {one["Key"]: client().get_object(Bucket=bucket, Key=one["Key"])["Body"].read() for one in listed}


def send_in_groups(kind: str, settings: Any, some: list[Any]) -> set[str]:
    """As the engine does: events of different groups never share a request."""
    groups: dict[str, list[Any]] = {}
    for one in some:
        groups.setdefault(load(kind).group(one), []).append(one)  # type: ignore[attr-defined]
    return {found for group in groups.values() for found in kinds(send(kind, settings, group))}


def read(data: bytes) -> list[dict[str, Any]]:
    return pq.read_table(io.BytesIO(data)).to_pylist()  # type: ignore[no-any-return]


def test_the_lake_holds_every_listed_type_under_its_class_and_day(bucket: str) -> None:
    some = [*of_every_type(), event(9999, ago=timedelta(days=3)), alert(events(2))]
    assert send_in_groups("security_lake", lake(bucket), some) == {"delivered"}
    found: dict[str, dict[str, Any]] = {}
    for key, data in objects(bucket).items():
        ext, source, region, account, day, name = key.split("/")
        assert (ext, region, account) == ("ext", "region=us-east-1", f"accountId={ACCOUNT}")
        assert (name.endswith(".parquet"), len(source) <= 20) == (True, True)
        rows = read(data)
        assert {f"CLAUDE-{row['class_uid']}" for row in rows} == {source}
        days = {f"eventDay={pa.scalar(row['time'], pa.timestamp('ms')).as_py():%Y%m%d}" for row in rows}
        assert days == {day}
        assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
        found |= {row["metadata"]["uid"]: row for row in rows}
    assert set(found) == {getattr(one, "event_id", "alert_0001") for one in some}
    for one in some[:-1]:
        row, mapped = found[one.event_id], to_ocsf(one)
        assert {name: row[name] for name in mapped if name.endswith(("_uid", "_id", "_name"))} == {
            name: value for name, value in mapped.items() if name.endswith(("_uid", "_id", "_name"))
        }
        assert json.loads(dict(row["unmapped"])["record"]) == json.loads(bytes(one.raw))
        assert row["actor"]["user"]["email_addr"] == one.actor_email
    assert found["alert_0001"]["class_uid"] == 2004
    assert len(found["alert_0001"]["evidences"]) == 2


def test_objects_of_the_lake_are_as_aws_asks_and_another_reader_reads_them(bucket: str, tmp_path: Path) -> None:
    send_in_groups("security_lake", lake(bucket), events(50))
    (data,) = objects(bucket).values()
    file = pq.ParquetFile(io.BytesIO(data))
    assert file.schema_arrow.equals(security_lake.SCHEMA, check_metadata=False)
    chunk = file.metadata.row_group(0).column(0)
    assert chunk.compression == "ZSTD"
    (tmp_path / "lake.parquet").write_bytes(data)  # DuckDB has a reader of its own
    asked = "select count(*), count(distinct metadata.uid), any_value(unmapped['type']) from read_parquet($1)"
    found = duckdb.execute(asked, [str(tmp_path / "lake.parquet")]).fetchone()
    assert found == (50, 50, "sso_login_failed")


def test_a_stage_holds_every_listed_type_in_typed_columns(bucket: str) -> None:
    some = [*of_every_type(), event(9999, ago=timedelta(days=3)), alert(events(2))]
    assert send_in_groups("snowflake", stage(bucket), some) == {"delivered"}
    rows = {}
    for key, data in objects(bucket).items():
        assert pq.read_schema(io.BytesIO(data)).equals(snowflake.SCHEMA)
        for row in read(data):
            assert key.startswith(f"stage/dt={row['stamp']:%Y-%m-%d}/")
            rows[row["event_id"]] = row
    assert set(rows) == {getattr(one, "event_id", "alert_0001") for one in some}
    for one in some[:-1]:
        row = rows[one.event_id]
        assert f"{row['event_time']:%Y-%m-%dT%H:%M:%S.%fZ}" == one.event_time
        assert (row["raw"].encode(), row["type"], row["kind"]) == (bytes(one.raw), one.type, "event")
    assert (rows["alert_0001"]["kind"], json.loads(rows["alert_0001"]["event_ids"])) == (
        "alert", ["activity_0000", "activity_0001"],
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["security_lake", "snowflake"])
def test_a_batch_that_is_sent_again_is_the_same_object(bucket: str, kind: str) -> None:
    settings = (lake if kind == "security_lake" else stage)(bucket)
    some = events(20)
    for _ in range(2):
        send_in_groups(kind, settings, some)
    assert len(objects(bucket)) == 1


def test_an_acknowledgement_names_the_object(bucket: str) -> None:
    (outcome,) = send("snowflake", stage(bucket), events(1))
    (key,) = objects(bucket)
    assert outcome.ack is not None
    assert outcome.ack.startswith(f"s3://{bucket}/{key} etag=")


def test_a_bucket_that_is_not_there_halts_and_one_out_of_reach_is_tried_again(bucket: str) -> None:
    (outcome,) = send("snowflake", stage(f"{bucket}-not"), events(1))
    assert (outcome.kind, "NoSuchBucket" in outcome.reason) == ("halt", True)
    (outcome,) = send("snowflake", stage(bucket, s3_endpoint="http://127.0.0.1:9"), events(1))
    assert outcome.kind == "retry"


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(403, "AccessDenied", "halt"), (503, "SlowDown", "retry"), (400, "RequestTimeout", "retry"),
     (500, "InternalError", "retry"), (400, "EntityTooLarge", "split")],
)  # fmt: skip
def test_what_s3_says_is_told_apart(bucket: str, status: int, code: str, kind: str) -> None:
    with s3_server.meddler() as meddler:
        meddler.before = lambda request: s3_server.refusal(status, code)
        (outcome,) = send("snowflake", stage(bucket, s3_endpoint=meddler.endpoint), events(1))
    assert (outcome.kind, code in outcome.reason) == (kind, True)


def test_without_credentials_it_halts_with_what_to_set(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere/credentials")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere/config")
    with pytest.raises(Halted, match="no AWS credentials"):
        send("snowflake", stage(bucket), events(1))


def test_the_lake_is_written_as_the_role_that_is_set(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto_endpoint())
    role = f"arn:aws:iam::{ACCOUNT}:role/AmazonSecurityLake-Provider-CLAUDE"
    settings = lake(bucket, role_arn=role)
    transport = security_lake.connect(settings)
    key = transport._client._request_signer._credentials.get_frozen_credentials().access_key  # type: ignore[attr-defined]
    assert key.startswith("ASIA")  # of the role, not EXAMPLEKEY
    response = transport.send(security_lake.pack(frames("security_lake", settings, events(1)), settings))
    assert response.status == 200
    transport.close()


def test_the_copy_script_of_the_documentation_names_every_column() -> None:
    texts = [block.text for block in page("docs/destinations.md").blocks("sql")]
    (script,) = [text for text in texts if "copy into" in text.lower()]
    statements = sqlglot.parse(script, dialect="snowflake")
    assert [type(one).__name__ for one in statements] == ["Create", "Create", "Create", "Copy"]
    for name in snowflake.NAMES:
        assert f" {name} " in script, name
