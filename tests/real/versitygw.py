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


class Server:
    """The process of a server, which may be killed and started again: the same port, the same data."""

    def __init__(self, command: list[str], environment: dict[str, str], port: int, log: Path) -> None:
        self._command, self._environment, self._port, self._log = command, environment, port, log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdout=out, stderr=subprocess.STDOUT
            )
        go_program.wait_for(self._port, self._process, self._log)

    def kill(self) -> None:
        """Kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None:
            go_program.stop(self._process)


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
    server: Server

    @property
    def credentials(self) -> dict[str, str]:
        """The owner's, as the environment of a process that uses them."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

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
    server = Server(
        [str(program), "--port", f"127.0.0.1:{port}", "--quiet", *backend],
        {**os.environ, "ROOT_ACCESS_KEY": key, "ROOT_SECRET_KEY": secret},
        port,
        folder / "versitygw.log",
    )
    try:
        server.start()
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
        yield Gateway(f"http://127.0.0.1:{port}", client, folder / "objects", key, secret, server)
    finally:
        server.stop()
