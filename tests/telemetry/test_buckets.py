"""Telemetry in a bucket, as the awss3 exporter leaves it: landed over HTTP, each object fetched once."""

import gzip
from pathlib import Path

import pytest

from tests.telemetry.client import Client, as_json
from tests.telemetry.places import Place
from tests.warehouse.archive import s3_server
from warehouse.archive.errors import StoreError


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    for name, value in {"ACCESS_KEY_ID": "EXAMPLEKEY", "SECRET_ACCESS_KEY": s3_server.SECRET}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    return Place(tmp_path, f'[telemetry]\ns3_endpoint = "{s3_server.moto_endpoint()}"\n')


def test_objects_of_a_bucket_land_once_and_are_not_fetched_again(place: Place) -> None:
    bucket, client = s3_server.new_bucket(), Client("s1")
    client.request(125_000, request_id="req_1")
    folder = "otel/logs/year=2026/month=11/day=20/hour=10/minute=00"
    store = s3_server.client()
    store.put_object(Bucket=bucket, Key=f"{folder}/logs_1.json.gz", Body=gzip.compress(as_json(client.logs())))
    metrics = f"{folder.replace('logs', 'metrics')}/metrics_2.binpb"
    store.put_object(Bucket=bucket, Key=metrics, Body=client.metrics().SerializeToString())
    report = place.land(f"s3://{bucket}/otel")
    assert [(one["name"], one["status"]) for one in report.files] == [
        (f"{folder}/logs_1.json.gz", "landed"),
        (metrics, "landed"),
    ]
    assert (report.total("events"), report.total("points")) == (1, 5)
    store.delete_object(Bucket=bucket, Key=metrics)
    again = place.land(f"s3://{bucket}/otel")
    assert [one["status"] for one in again.files] == ["duplicate"]
    assert "object" in again.files[0]["reason"]
    assert place.ask("select count(*) from otel_files where source_version is not null") == [(2,)]


def test_a_bucket_that_is_not_there_is_named_with_what_to_do(place: Place) -> None:
    with pytest.raises(StoreError, match="s3://no-such-bucket-here could not be listed"):
        place.land("s3://no-such-bucket-here")
