"""A store that would overwrite silently, or drops the lock: the command line refuses to start on it."""

from collections.abc import Iterator

import pytest

from tests.promises.conftest import Command, Standing
from tests.promises.site import Site
from tests.warehouse.archive import azure_server, gcs_server, s3_server
from tests.warehouse.archive.azure_server import AzureServer
from tests.warehouse.archive.s3_server import SECRET, Answer, Meddler, Request, drop_lock

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "EXAMPLEKEY",
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture
def way() -> Iterator[Meddler]:
    with s3_server.meddler() as meddler:
        yield meddler


@pytest.fixture
def bucket() -> str:
    return s3_server.new_bucket()


@pytest.fixture
def behind(standing: Standing, way: Meddler, bucket: str) -> Site:
    """An installation whose bucket stands behind the meddler."""
    _, site = standing(days=1)
    site.env = CREDENTIALS
    site.configure(archive_url=f"s3://{bucket}/ledger", archive=f's3_endpoint = "{way.endpoint}"')
    return site


def ignore_if_none_match(request: Request) -> Answer | None:
    request.headers.pop("if-none-match", None)
    return None


def forget_the_lock(request: Request) -> Answer | None:
    drop_lock(request)
    return None


@pytest.mark.fault(
    "A bucket overwrites, forgets versions or ignores locks.",
    area="store",
    data="Nothing is written to it.",
    user="Exit 2 with what the bucket does not keep.",
    recovery="Use a store that locks.",
)
@pytest.mark.parametrize(
    ("meddle", "said"), [(ignore_if_none_match, "silently overwrote"), (forget_the_lock, "lock")]
)
def test_a_store_that_does_not_keep_what_it_takes_is_refused_before_anything_is_written(
    behind: Site, way: Meddler, bucket: str, ledgerline: Command, meddle: object, said: str
) -> None:
    way.before = meddle  # type: ignore[assignment]
    ended = ledgerline(behind, "pull", "activities")
    assert ended.code == 2
    assert said in ended.err
    assert bucket in ended.err
    listed = s3_server.client().list_objects_v2(Bucket=bucket).get("Contents", [])
    assert [item["Key"] for item in listed if "probe" not in item["Key"]] == []
    checked = ledgerline(behind, "doctor", "--json")
    assert checked.code == 1
    assert any(check["state"] == "failed" and bucket in check["detail"] for check in checked.json()["checks"])
    assert SECRET not in checked.out + checked.err


@pytest.mark.parametrize("meddle", [ignore_if_none_match, forget_the_lock])
def test_a_store_that_was_refused_once_is_refused_the_next_time_too(
    behind: Site, way: Meddler, bucket: str, ledgerline: Command, meddle: object
) -> None:
    way.before = meddle  # type: ignore[assignment]
    for _ in range(2):
        assert ledgerline(behind, "pull", "activities").code == 2
    listed = s3_server.client().list_objects_v2(Bucket=bucket).get("Contents", [])
    assert [item["Key"] for item in listed if "probe" not in item["Key"]] == []


@pytest.mark.fault(
    "An Azure or Google store takes a lock and ignores it.",
    area="store",
    data="Nothing is written to it.",
    user="Exit 2 with what the store does not keep.",
    recovery="Use a store that locks.",
)
@pytest.mark.parametrize(
    ("lie", "said"), [("overwrite", "silently overwrote"), ("no lock", "lock"), ("forgets", "deleted")]
)
@pytest.mark.parametrize("cloud", ["az", "gs"])
def test_a_cloud_that_does_not_keep_what_it_takes_is_refused(
    standing: Standing, ledgerline: Command, cloud: str, lie: str, said: str
) -> None:
    _, site = standing(days=1)
    with azure_server.running() if cloud == "az" else gcs_server.running() as server:
        server.pretends.add(lie)
        if isinstance(server, AzureServer):
            site.env = {"EXAMPLE_STORAGE_KEY": azure_server.KEY}
            name = server.new_container()
            endpoint = f"{server.endpoint}/{azure_server.ACCOUNT}"
            settings = f'azure_endpoint = "{endpoint}"\nazure_credential = "env:EXAMPLE_STORAGE_KEY"'
        else:
            name = server.new_bucket()
            settings = f'gcs_endpoint = "{server.endpoint}"'
        site.configure(archive_url=f"{cloud}://{name}/ledger", archive=settings)
        for _ in range(2):
            ended = ledgerline(site, "pull", "activities")
            assert ended.code == 2
            assert said in ended.err
            assert name in ended.err
        checked = ledgerline(site, "doctor", "--json")
        assert checked.code == 1
        assert azure_server.KEY not in checked.out + checked.err + ended.err
        written = [request.path for request in server.asked if request.method in ("PUT", "POST")]
        assert [path for path in written if "/log/" in path or "/pages/" in path] == []


@pytest.mark.parametrize(
    ("environment", "said"),
    [({"AWS_SECRET_ACCESS_KEY": "", "AWS_ACCESS_KEY_ID": "", "AWS_CONFIG_FILE": "/nonexistent"}, "redential")],
)
def test_a_bucket_without_credentials_is_exit_2_and_says_so(
    behind: Site, ledgerline: Command, environment: dict[str, str], said: str
) -> None:
    ended = ledgerline(behind, "pull", "activities", **environment)
    assert ended.code == 2
    assert said in ended.err


def test_a_bucket_that_is_not_there_is_exit_2_and_named(behind: Site, ledgerline: Command) -> None:
    behind.configure(archive_url="s3://no-such-bucket-of-ours/ledger")
    for command in (("pull", "activities"), ("status",), ("verify",)):
        ended = ledgerline(behind, *command)
        assert ended.code == 2
        assert "no-such-bucket-of-ours" in ended.err
