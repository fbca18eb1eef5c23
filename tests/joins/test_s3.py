"""The whole way on S3 over HTTP, with Object Lock: pull, SQL through httpfs, status and verify."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.promises.conftest import Command
from tests.promises.site import Site
from tests.warehouse.archive import s3_server
from tests.warehouse.archive.s3_server import SECRET
from warehouse.wire.times import midnight

pytest.importorskip("duckdb_extension_httpfs")


@pytest.fixture
def on_s3(site: Site) -> tuple[Site, str]:
    """An installation whose archive is a bucket under a prefix, locked in compliance mode."""
    bucket = s3_server.new_bucket()
    site.env = {
        "AWS_ACCESS_KEY_ID": "EXAMPLEKEY",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    site.configure(
        archive_url=f"s3://{bucket}/ledger",
        archive=f's3_endpoint = "{s3_server.moto_endpoint()}"\nretention_days = 400',
    )
    return site, bucket


def objects(bucket: str) -> dict[str, dict[str, Any]]:
    pages = s3_server.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="ledger/")
    return {item["Key"]: item for page in pages for item in page.get("Contents", [])}


def test_the_whole_way_on_s3_gives_the_truth_locked_and_verified(
    on_s3: tuple[Site, str], past: tuple[str, str], ledgerline: Command
) -> None:
    site, bucket = on_s3
    window = ("--from", past[0], "--to", past[1])
    first = site.pull(*window)
    truth = site.truth(None, midnight(date.fromisoformat(past[1])))
    assert first["first"] == len(truth)
    ended = site.run("sql", "--json", "select raw from audit_events order by created_at, id")
    assert [row["raw"].encode() for row in ended.json()] == truth
    asked = "select count(*) as n, sum(records) as records from audit_pages"
    assert ledgerline(site, "sql", "--json", asked).json() == [{"n": first["pages"], "records": len(truth)}]
    verified = ledgerline(site, "verify", "--deep", "--json")
    assert (verified.code, verified.json()["findings"]) == (0, [])
    assert verified.json()["checked"]["records"] == len(truth)
    standing = site.run("status", "--json").json()
    assert (standing["immutable"], standing["storage"]) == (True, "locked")
    assert SECRET not in ended.out + ended.err + verified.out + verified.err

    kept = objects(bucket)
    soon, full = datetime.now(UTC) + timedelta(days=29), datetime.now(UTC) + timedelta(days=399)
    for key in kept:
        if "probe" in key:
            continue
        head = s3_server.client().head_object(Bucket=bucket, Key=key)
        assert head["ObjectLockMode"] == "COMPLIANCE"
        assert head["ObjectLockRetainUntilDate"] > (soon if "/tables/recent/" in key else full)

    second = ledgerline(site, "pull", "activities", *window, "--json").json()
    assert (second["first"], second["revised"], second["withdrawn"]) == (0, 0, 0)
    now = objects(bucket)
    assert {key: item["ETag"] for key, item in kept.items()}.items() <= {
        k: v["ETag"] for k, v in now.items()
    }.items()
    document = ledgerline(site, "status", "--json").json()
    assert [stream["stream"] for stream in document["streams"]] == ["activities"]


def test_an_object_that_was_overwritten_behind_our_back_is_named_and_its_locked_version_still_read(
    on_s3: tuple[Site, str], past: tuple[str, str], ledgerline: Command
) -> None:
    site, bucket = on_s3
    next_day = str(date.fromisoformat(past[0]) + timedelta(days=1))
    assert ledgerline(site, "pull", "activities", "--from", past[0], "--to", next_day).code == 0
    page = next(key for key in objects(bucket) if "/pages/" in key)
    s3_server.client().put_object(Bucket=bucket, Key=page, Body=b"other bytes")
    ended = ledgerline(site, "verify", "--json")
    assert ended.code == 1
    assert {(found["code"], found["subject"]) for found in ended.json()["findings"]} >= {
        ("altered", page.removeprefix("ledger/"))
    }


@pytest.mark.slow
def test_a_machine_with_nothing_but_the_bucket_goes_on_where_the_other_stopped(
    on_s3: tuple[Site, str], past: tuple[str, str], tmp_path: Path, ledgerline: Command
) -> None:
    site, _ = on_s3
    middle = str(date.fromisoformat(past[0]) + timedelta(days=2))
    assert ledgerline(site, "pull", "activities", "--from", past[0], "--to", middle).code == 0
    other = Site(tmp_path / "other", site.url, site.key, site.start, env=site.env)
    (other.folder / "signing.key").write_bytes((site.folder / "signing.key").read_bytes())
    other.configure(archive_url=site.archive_url, archive=site.archive)
    assert ledgerline(other, "pull", "activities").code == 0
    raws = other.run(
        "sql", "--json", f"select raw from audit_events where dt < '{past[1]}' order by created_at, id"
    )
    truth = site.truth(None, midnight(date.fromisoformat(past[1])))
    assert [row["raw"].encode() for row in raws.json()] == truth
