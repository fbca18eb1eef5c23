"""A real S3 server that enforces Object Lock, on loopback: versitygw (Apache-2.0) over a folder.

Built once with `go install` at a fixed version into the user's cache folder; where there is neither that
binary nor Go, `start` skips the test and says how to have it.
"""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.real import go_program

MODULE = "github.com/versity/versitygw/cmd/versitygw"
VERSION = "v1.8.0"


@dataclass(frozen=True)
class Gateway:
    """A running server; `client` may do everything that the owner of the account could do.

    `objects` is the folder below it: `<bucket>/<key>` holds the current version.
    """

    endpoint: str
    client: Any
    objects: Path
    access_key: str
    secret_key: str

    def new_bucket(self, *, lock: bool = True) -> str:
        name = f"archive-{secrets.token_hex(6)}"
        self.client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=lock)
        return name


def binary() -> Path:
    """The server's program; builds it if need be. Skips the test where that cannot be."""
    return go_program.built(MODULE, VERSION)


@contextmanager
def start(folder: Path) -> Iterator[Gateway]:
    """The server over `folder`, which must be on a file system with extended attributes (ext4, xfs, btrfs)."""
    program = binary()
    for name in ("objects", "versions"):
        (folder / name).mkdir()
    key, secret = "EXAMPLEKEY", secrets.token_hex(16)
    port = go_program.free_port()
    backend = ["posix", "--versioning-dir", str(folder / "versions"), str(folder / "objects")]
    log = folder / "versitygw.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [program, "--port", f"127.0.0.1:{port}", "--quiet", *backend],
            env={**os.environ, "ROOT_ACCESS_KEY": key, "ROOT_SECRET_KEY": secret},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        go_program.wait_for(port, server, log)
        client = boto3.Session().client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name="us-east-1",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=Config(
                retries={"mode": "standard", "max_attempts": 2},
                max_pool_connections=16,
                s3={"addressing_style": "path"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
        yield Gateway(f"http://127.0.0.1:{port}", client, folder / "objects", key, secret)
    finally:
        go_program.stop(server)
