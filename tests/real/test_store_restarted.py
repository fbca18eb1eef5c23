"""A real S3 server is killed (kill -9) in the middle of a pull and of seals, and started again on the same port
and data: nothing is lost, nothing doubled, and whoever had to give up was told what to do.
"""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.stopping import files
from tests.promises.conftest import tenant_process
from tests.promises.site import Site
from tests.real.servers import Gateway, a_bucket_server
from warehouse.wire.times import parse_rfc3339

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with a_bucket_server(tmp_path_factory.mktemp("versitygw")) as running:
        yield running


@pytest.fixture(scope="module")
def long_past() -> Iterator[dict[str, Any]]:
    """A tenant whose feed goes back eight days, with about sixty events in each."""
    with tenant_process("--users", "3", "--days", "8", "--seed", "24", "--events-per-day", "60") as ready:
        yield ready


@pytest.fixture
def site(gateway: Gateway, long_past: dict[str, Any], tmp_path: Path) -> Site:
    bucket = gateway.new_bucket()
    first = date.fromisoformat(long_past["first_day"])
    made = Site(tmp_path, long_past["url"], long_past["keys"]["compliance"], first, timeout=20)
    made.env = gateway.credentials
    made.configure(
        archive_url=f"s3://{bucket}/ledger",
        archive=f's3_endpoint = "{gateway.endpoint}"\nretention_days = 400',
    )
    return made


def assert_the_truth(site: Site) -> None:
    document = site.run("status", "--json").json()
    (stream,) = document["streams"]
    assert (stream["gaps"], stream["pending_fold"]) == ([], 0)
    end = parse_rfc3339(stream["covered_to"])
    rows = site.run(
        "sql", "--json", "select raw, version from audit_event_versions order by created_at, id"
    ).json()
    assert [row["raw"].encode() for row in rows] == site.truth(None, end)
    assert {row["version"] for row in rows} == {1}
    verified = site.run("verify", "--deep", "--json")
    assert (verified.code, verified.json()["findings"]) == (0, []), verified.out


def killed_in_the_midst(site: Site, gateway: Gateway, folder: str, more: int, *, down: float) -> int:
    """Kill the server when a pull has put so many more objects into a folder, start it again `down` seconds later;
    returns how the pull ended."""
    place = gateway.objects / site.archive_url.removeprefix("s3://") / folder
    enough = files(place) + more
    run = site.begin("pull", "activities")
    deadline = time.monotonic() + 60
    while run.process.poll() is None and files(place) < enough:
        assert time.monotonic() < deadline, f"nothing more came into {folder}"
        time.sleep(0.001)
    assert run.process.poll() is None, "the pull was over before the server was killed"
    gateway.server.kill()
    time.sleep(down)
    gateway.server.start()
    ended = run.ended(timeout=180)
    if ended.code != 0:
        assert ended.code == 2
        told = " ".join(ended.err.split())
        assert gateway.endpoint in told or site.archive_url in told, told
        assert "safe" in told, told
        assert "again" in told, told
    return ended.code


@pytest.mark.fault(
    "A real S3 server is killed (kill -9) in the middle of work and started again.",
    area="store",
    data="Nothing is lost and nothing doubled.",
    user="Nothing unusual where it is back within the tries. Else exit 2, what is safe and what to do.",
    recovery="Run the same command again.",
)
@pytest.mark.parametrize(("folder", "more"), [("pages", 3), ("log", 4), ("tables", 2)])
def test_a_pull_whose_server_is_killed_and_started_again_ends_in_the_truth(
    site: Site, gateway: Gateway, folder: str, more: int
) -> None:
    killed_in_the_midst(site, gateway, folder, more, down=0.3)
    killed_or_done = site.run("pull", "activities")
    assert killed_or_done.code == 0, killed_or_done.err
    assert_the_truth(site)


@pytest.mark.fault(
    "A real S3 server is killed (kill -9) in the middle of seals and started again.",
    area="store",
    data="Each row is there once.",
    user="Nothing unusual where it is back within the tries. Else exit 2 and what to do.",
    recovery="Nothing: the next run completes the seal.",
)
def test_seals_whose_server_is_killed_and_started_again_are_completed(site: Site, gateway: Gateway) -> None:
    yesterday = str(datetime.now(UTC).date() - timedelta(days=1))
    site.pull("--from", str(site.start), "--to", yesterday)
    site.pull("--from", str(site.start), "--to", yesterday)  # read again, so that days may be sealed
    killed_in_the_midst(site, gateway, "tables/sealed", 1, down=0.3)
    assert site.run("pull", "activities").code == 0
    seals = site.run("sql", "--json", "select count(*) as n from log_entries where kind = 'seal'").json()
    assert seals[0]["n"] > 0
    assert_the_truth(site)
