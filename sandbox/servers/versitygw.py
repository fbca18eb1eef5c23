"""A real S3 server that enforces Object Lock: versitygw (Apache-2.0) over a folder.

Built once with `go install` at a fixed version into the user's cache folder.
"""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.servers import programs

MODULE = "github.com/versity/versitygw/cmd/versitygw"
VERSION = "v1.8.0"
REGION = "us-east-1"


class Server:
    """The process of a server, which may be killed and started again: the same port, the same data."""

    def __init__(self, command: list[str], environment: dict[str, str], port: int, log: Path) -> None:
        self._command, self._environment, self._port, self._log = command, environment, port, log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = programs.begin(self._command, self._log, env=self._environment)
        programs.wait_for(self._port, self._process, self._log)

    def kill(self) -> None:
        """Kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None:
            programs.stop(self._process)


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

    def new_bucket(self, *, lock: bool = True) -> str:
        name = f"archive-{secrets.token_hex(6)}"
        self.client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=lock)
        return name

    @property
    def credentials(self) -> dict[str, str]:
        """The owner's, as the environment of a process that uses them."""
        return _environment(self.access_key, self.secret_key)

    def new_account(self, bucket: str) -> dict[str, str]:
        """An account that has this one bucket and no other right; its environment."""
        name, secret = f"account-{secrets.token_hex(4)}", secrets.token_hex(16)
        self._administer("create-user", "--access", name, "--secret", secret, "--role", "user")
        self._administer("change-bucket-owner", "--bucket", bucket, "--owner", name)
        return _environment(name, secret)

    def _administer(self, *words: str) -> None:
        done = programs.run(
            [
                *(str(binary()), "admin", "--endpoint-url", self.endpoint),
                *("--access", self.access_key, "--secret", self.secret_key, *words),
            ]
        )
        if done.returncode != 0:
            raise RuntimeError(f"versitygw admin {words[0]} failed: {(done.stderr or done.stdout).strip()[-300:]}")


def _environment(key: str, secret: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def binary() -> Path:
    """The server's program; builds it if need be. Raises Missing."""
    return programs.built(MODULE, VERSION)


@contextmanager
def start(folder: Path) -> Iterator[Gateway]:
    """The server over `folder`, which must be on a file system with extended attributes (ext4, xfs, btrfs). Raises
    Missing."""
    program = binary()
    for name in ("objects", "versions", "accounts"):
        (folder / name).mkdir()
    key, secret = "EXAMPLEKEY", secrets.token_hex(16)
    port, log = programs.free_port(), folder / "versitygw.log"
    backend = ["posix", "--versioning-dir", str(folder / "versions"), str(folder / "objects")]
    server = Server(
        [str(program), "--port", f"127.0.0.1:{port}", "--quiet", "--iam-dir", str(folder / "accounts"), *backend],
        {**os.environ, "ROOT_ACCESS_KEY": key, "ROOT_SECRET_KEY": secret},
        port,
        log,
    )
    try:
        server.start()
        endpoint = f"http://127.0.0.1:{port}"
        yield Gateway(endpoint, _client(endpoint, key, secret), folder / "objects", key, secret, server)
    finally:
        server.stop()


def _client(endpoint: str, key: str, secret: str) -> Any:
    import boto3  # noqa: PLC0415 - an extra
    from botocore.config import Config  # noqa: PLC0415

    return boto3.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name=REGION,
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
