"""A whole day to destinations that are no HTTP: pulled, delivered by the engine, found at the receiver."""

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import pyarrow.parquet as pq
import pytest

from assets.delivering import deliver
from assets.pulling import pull_activities
from sandbox.intakes.syslog import Syslog
from tests.promises.conftest import site, tenant
from tests.promises.site import Site
from tests.warehouse.archive.s3_server import SECRET, client, moto_endpoint, new_bucket
from warehouse.wire.times import midnight

__all__ = ["site", "tenant"]


@pytest.fixture
def receivers(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Syslog, str]]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "EXAMPLEKEY",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    syslog, bucket = Syslog(), new_bucket(lock=False)
    config = site.folder / "ledgerline.toml"
    config.write_text(
        config.read_text()
        + f'''
[[destinations]]
name = "sensor"
type = "syslog"
slice = "all"
host = "127.0.0.1"
port = {syslog.port}
[[destinations]]
name = "lake"
type = "security_lake"
slice = "all"
url = "s3://{bucket}/ext/CLAUDE"
region = "us-east-1"
account_id = "123456789012"
s3_endpoint = "{moto_endpoint()}"
[[destinations]]
name = "stage"
type = "snowflake"
slice = "all"
url = "s3://{bucket}/stage"
s3_endpoint = "{moto_endpoint()}"
'''
    )
    yield syslog, bucket
    syslog.close()


def test_every_event_is_found_at_each_receiver_and_the_ids_equal_the_receipts(
    site: Site, receivers: tuple[Syslog, str]
) -> None:
    syslog, bucket = receivers
    first = midnight(site.start) + timedelta(days=1)
    with site.open() as workshop:
        pull_activities(workshop, start=first, end=first + timedelta(days=1))
        reports = deliver(workshop)
    assert [(one.name, one.dead, one.stopped) for one in reports] == [
        ("sensor", 0, None), ("lake", 0, None), ("stage", 0, None),
    ]  # fmt: skip
    found: dict[str, set[Any]] = {"sensor": set(syslog.ids()), "lake": set(), "stage": set()}
    for listed in client().list_objects_v2(Bucket=bucket)["Contents"]:
        data = client().get_object(Bucket=bucket, Key=listed["Key"])["Body"].read()
        for row in pq.read_table(BytesIO(data)).to_pylist():
            if listed["Key"].startswith("stage/"):
                found["stage"].add(row["event_id"])
            else:
                assert f"/CLAUDE-{row['class_uid']}/" in listed["Key"]
                found["lake"].add(row["metadata"]["uid"])
    assert syslog.violations == []
    for name, ids in found.items():
        asked = "select event_id from deliveries where destination = $1 and status = 'delivered'"
        receipts = {id for (id,) in site.sql(asked, [name])}
        of_the_feed = {id for id in ids if not id.startswith("ledgerline_checkpoint")}
        assert of_the_feed == {id for id, _, _ in site.versions()}
        assert {id for id in receipts if not id.startswith("ledgerline_checkpoint")} == of_the_feed
