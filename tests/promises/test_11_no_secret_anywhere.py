"""Promise 11: secrets never appear in an archive object, a log line, an error text or a report."""

import base64
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import zstandard
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from tests.promises.conftest import Command, tenant_process
from tests.promises.site import Ended, Site
from tests.warehouse.anthropic.scripted import Given, page, scripted

_ZSTD = b"\x28\xb5\x2f\xfd"
EXPORT = Path(__file__).parents[1] / "samples" / "audit_export" / "export-apostrophe.csv"


@pytest.fixture(scope="module")
def tenant() -> Iterator[dict[str, Any]]:
    with tenant_process("--users", "3", "--days", "2", "--seed", "13") as ready:
        yield ready


@pytest.fixture
def site(tenant: dict[str, Any], tmp_path: Path) -> Site:
    """An installation whose keys come from the environment, as in the README."""
    keys = tenant["keys"]
    made = Site(tmp_path, tenant["url"], keys["compliance"], date.fromisoformat(tenant["first_day"]))
    made.configure(anthropic='keys.analytics = "env:LEDGERLINE_ANALYTICS_KEY"')
    made.env = {"LEDGERLINE_ANALYTICS_KEY": keys["analytics"]}
    return made


def forms(secret: bytes) -> list[bytes]:
    """A secret as it may leak: as it is, in hex, in base64."""
    coded = base64.b64encode(secret)
    return [secret, secret.hex().encode(), coded, coded.rstrip(b"="), base64.urlsafe_b64encode(secret)]


def secrets_of(site: Site, *keys: str) -> list[bytes]:
    pem = (site.folder / "signing.key").read_bytes()
    private = load_pem_private_key(pem, None)
    seed = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    body = b"".join(pem.splitlines()[1:-1])
    # what is peculiar to the key stands at its end; the beginning says only what kind it is
    texts = [part for key in keys for part in (key, key.rpartition("-")[2])]
    return [body, *forms(seed), *(form for text in texts for form in forms(text.encode()))]


def everything_written(site: Site) -> Iterator[tuple[str, bytes]]:
    """Every file that the commands made, and what is inside compressed ones and Parquet."""
    import pyarrow.parquet as pq

    own = {site.folder / "signing.key", site.folder / "compliance.key"}
    for path in site.folder.rglob("*"):
        if not path.is_file() or path in own:
            continue
        data = path.read_bytes()
        yield str(path), data
        if data[:4] == _ZSTD:
            yield f"{path} (inside)", zstandard.ZstdDecompressor().decompress(data)
        if path.suffix == ".parquet":
            yield f"{path} (rows)", str(pq.read_table(path, partitioning=None).to_pylist()).encode()


def test_a_whole_life_of_an_installation_shows_no_key_anywhere(
    site: Site, tenant: dict[str, Any], ledgerline: Command
) -> None:
    wrong = tenant["keys"]["directory"]
    said: list[Ended] = []

    def run(*arguments: str, code: int) -> None:
        said.append(ledgerline(site, *arguments))
        assert said[-1].code == code, said[-1].err

    (site.folder / "export.csv").write_bytes(EXPORT.read_bytes())
    site.tell("faults", faults="error_500:next=1,truncated_json:next=1:skip=1")
    said.append(site.run("pull", "activities", "--json"))
    run("doctor", code=0)
    run("status", code=1)
    run("sql", "--json", "from log_entries", code=0)
    run("import", "audit-export", "export.csv", code=1)  # some cells cannot be read in full
    run("verify", "--json", code=0)
    right, site.key = site.key, wrong
    site.configure()
    run("pull", "activities", "--debug", code=2)
    run("doctor", "--json", code=1)
    spoken = "".join(ended.out + ended.err for ended in said).encode()
    for secret in secrets_of(site, right, wrong, tenant["keys"]["analytics"]):
        assert secret not in spoken
        for name, data in everything_written(site):
            assert secret not in data, name
    assert len(list(everything_written(site))) > 40


@pytest.mark.fault(
    "A server on the way answers with our request, the key in it.",
    area="clock and keys",
    data="The key is taken out before anything is kept.",
    user="The error, without the key.",
    recovery="Find out which server does that.",
)
def test_a_server_that_echoes_the_request_does_not_get_the_key_archived(site: Site) -> None:
    refused = Given(500, {"error": {"message": f"refused: {site.key}"}}, {"x-api-key": site.key}, date=None)
    served = page([], headers={"x-api-key": site.key, "authorization": f"Bearer {site.key}"}, date=None)
    with scripted(refused, after=served) as server:
        site.configure(url=server.url, tries=1)
        ended = site.run("pull", "activities", "--json")
    assert ended.code == 1
    assert "refused" in ended.json()["failed"][0]["error"]
    assert ended.json()["pages"] > 0
    for name, data in everything_written(site):
        assert site.key.encode() not in data, name


def test_the_signing_key_is_for_its_owner_only(site: Site) -> None:
    assert os.stat(site.folder / "signing.key").st_mode & 0o077 == 0
