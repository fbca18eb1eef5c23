"""Several organisations from one installation: nothing of one gets into the archive of another."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from sandbox import Served, Tenant, serve
from tests.promises.site import Site

FIRST = date(2026, 11, 20)


@dataclass
class Customer:
    """One organisation, and the folder from which it is served."""

    site: Site
    served: Served

    @property
    def organization(self) -> str:
        return self.served.tenant.world.parent.uuid


def customer(folder: Path, served: Served, key: str | None = None) -> Customer:
    made = Customer(Site(folder, served.url, key or served.keys["compliance"], FIRST), served)
    made.site.configure(anthropic=f'organizations = ["{made.organization}"]')
    return made


@pytest.fixture(scope="module")
def two() -> Iterator[tuple[Served, Served]]:
    with (
        serve(Tenant(seed=1, users=3, days=2, clock="2026-11-22T10:00:00Z")) as one,
        serve(Tenant(seed=2, users=3, days=2, clock="2026-11-22T10:00:00Z")) as other,
    ):
        yield one, other


@pytest.fixture
def customers(two: tuple[Served, Served], tmp_path: Path) -> dict[str, Customer]:
    return {name: customer(tmp_path / name, served) for name, served in zip(("acme", "zenith"), two, strict=True)}


def configurations(customers: dict[str, Customer]) -> list[str]:
    return [str(one.site.folder / "ledgerline.toml") for one in customers.values()]


def test_each_pulls_its_own_and_they_share_nothing(customers: dict[str, Customer]) -> None:
    ids = {}
    for name, one in customers.items():
        assert one.site.pull(code=None)["records"] > 0
        ids[name] = {id for id, _, _ in one.site.versions()}
        named = one.site.sql(
            "select distinct organization_uuid from audit_events where organization_uuid is not null"
        )
        assert ids[name]
        assert {found for (found,) in named} <= {own.uuid for own in one.served.tenant.world.organizations}
    assert not ids["acme"] & ids["zenith"]
    ended = customers["acme"].site.run("tenants", *configurations(customers), "--json")
    assert (ended.code, ended.json()["crossings"], ended.json()["unnamed"]) == (0, [], [])


def test_the_key_of_another_organisation_brings_nothing_in(
    two: tuple[Served, Served], customers: dict[str, Customer]
) -> None:
    """The key was laid into the wrong tenant's folder: the vendor would answer it."""
    acme, zenith = customers["acme"].site, customers["zenith"]
    acme.url, acme.key = zenith.site.url, zenith.site.key
    acme.configure()
    ended = acme.run("pull", "activities", "--json")
    assert ended.code == 2
    assert zenith.organization in ended.err
    assert "anthropic.organizations" in ended.err
    assert list(acme.root.rglob("pages/**/*.zst")) == []
    doctor = acme.run("doctor", "--json").json()
    (found,) = [check for check in doctor["checks"] if "foreign organization" in check["detail"]]
    assert found["state"] == "failed"


def test_another_tenants_archive_is_not_written_to(customers: dict[str, Customer]) -> None:
    """Both configurations name one archive: the second's key is not its log's."""
    acme, zenith = customers["acme"].site, customers["zenith"].site
    acme.pull(code=None)
    before = sorted(acme.root.rglob("*"))
    zenith.configure(archive_url=f"file:{acme.root}")
    ended = zenith.run("pull", "activities")
    assert ended.code == 2, ended.out
    assert "key" in ended.err
    assert [path for path in sorted(acme.root.rglob("*")) if path not in before and "probe" not in str(path)] == []
    doctor = zenith.run("doctor", "--json").json()
    assert "failed" in [check["state"] for check in doctor["checks"] if check["check"] == "signing key"]


def test_what_two_share_is_named_before_anything_is_pulled(customers: dict[str, Customer]) -> None:
    acme, zenith = customers["acme"].site, customers["zenith"].site
    inside = f"file:{acme.root}/zenith"
    zenith.configure(archive_url=inside, anthropic="")
    (zenith.folder / "signing.key").write_bytes((acme.folder / "signing.key").read_bytes())
    zenith.key = acme.key
    zenith.configure()
    ended = zenith.run("tenants", *configurations(customers), "--json")
    assert ended.code == 1
    told = ended.json()
    assert {one["setting"] for one in told["crossings"]} == {
        "archive.url", "archive.signing_key", "anthropic.keys.compliance",
    }  # fmt: skip
    assert told["unnamed"] == ["zenith"]
    assert acme.key not in json.dumps(told)
