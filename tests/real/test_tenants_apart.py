"""Two tenants, each with a bucket and an account on a real S3 server: neither gets at the other's archive."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pytest

from sandbox import Tenant, serve
from tests.promises.site import Site
from tests.real.servers import Gateway, a_bucket_server

pytestmark = pytest.mark.real
FIRST = date(2026, 11, 20)


@dataclass
class Customer:
    """An installation, its bucket and the environment of its account."""

    site: Site
    bucket: str
    account: dict[str, str]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with a_bucket_server(tmp_path_factory.mktemp("versitygw")) as running:
        yield running


@pytest.fixture(scope="module")
def customers(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Customer]]:
    found = {}
    with (
        serve(Tenant(seed=1, users=3, days=2, clock="2026-11-22T10:00:00Z")) as one,
        serve(Tenant(seed=2, users=3, days=2, clock="2026-11-22T10:00:00Z")) as other,
    ):
        for name, served in (("acme", one), ("zenith", other)):
            bucket = gateway.new_bucket()
            account = gateway.new_account(bucket)
            site = Site(
                tmp_path_factory.mktemp(name), served.url, served.keys["compliance"], FIRST,
                archive_url=f"s3://{bucket}/ledger",
                archive=f's3_endpoint = "{gateway.endpoint}"\nretention_days = 60',
                anthropic=f'organizations = ["{served.tenant.world.parent.uuid}"]', timeout=20, env=account,
            )  # fmt: skip
            assert site.pull(code=None)["records"] > 0
            found[name] = Customer(site, bucket, account)
        yield found


def keys(gateway: Gateway, bucket: str) -> list[str]:
    pages = gateway.client.get_paginator("list_object_versions").paginate(Bucket=bucket)
    return sorted(f"{one['Key']} {one['VersionId']}" for page in pages for one in page.get("Versions", ()))


@pytest.mark.parametrize("command", [("status",), ("sql", "select count(*) from audit_events"), ("verify",)])
def test_the_archive_of_another_tenant_cannot_be_read(
    customers: dict[str, Customer], command: tuple[str, ...]
) -> None:
    """The configuration of acme, word for word, with the account of zenith."""
    acme = customers["acme"].site
    assert acme.run(*command).code in (0, 1)
    before, acme.env = acme.env, customers["zenith"].account
    try:
        ended = acme.run(*command)
    finally:
        acme.env = before
    assert ended.code == 2, ended.out
    assert customers["acme"].bucket in ended.err
    assert "denied" in ended.err.lower() or "refuse" in ended.err.lower()


def test_the_archive_of_another_tenant_cannot_be_written(customers: dict[str, Customer], gateway: Gateway) -> None:
    """The configuration of zenith points at the bucket of acme."""
    acme, zenith = customers["acme"], customers["zenith"].site
    before = keys(gateway, acme.bucket)
    zenith.configure(archive_url=acme.site.archive_url)
    try:
        ended = zenith.run("pull", "activities")
        crossing = zenith.run(
            "tenants", *(str(one.site.folder / "ledgerline.toml") for one in customers.values()), "--json"
        )
    finally:
        zenith.configure(archive_url=f"s3://{customers['zenith'].bucket}/ledger")
    assert ended.code == 2, ended.out
    assert keys(gateway, acme.bucket) == before
    assert [one["setting"] for one in crossing.json()["crossings"]] == ["archive.url"]
    assert zenith.run("status").code in (0, 1)
