"""A real S3 server that enforces Object Lock, on loopback: versitygw (Apache-2.0) over a folder.

Built once with `go install` at a fixed version into the user's cache folder; where there is neither that
binary nor Go, `start` skips the test and says how to have it.
"""

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

MODULE = "github.com/versity/versitygw/cmd/versitygw"
VERSION = "v1.8.0"
HOW = f"install Go and run again, or set VERSITYGW to a binary of versitygw {VERSION}"
_BUILD_SECONDS = 900
_START_SECONDS = 20


@dataclass(frozen=True)
class Gateway:
    """A running server; `client` may do everything that the owner of the account could do.

    `objects` is the folder below it: `<bucket>/<key>` holds the current version.
    """

    endpoint: str
    client: Any
    objects: Path

    def new_bucket(self, *, lock: bool = True) -> str:
        name = f"archive-{secrets.token_hex(6)}"
        self.client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=lock)
        return name


@cache
def binary() -> Path:
    """The server's program; builds it if need be. Skips the test where that cannot be."""
    given = os.environ.get("VERSITYGW")
    if given:
        return Path(given)
    cache_folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ledgerline" / "tools"
    built = cache_folder / f"versitygw-{VERSION}"
    if built.exists():
        return built
    go = shutil.which("go")
    if go is None:
        pytest.skip(f"versitygw is not here: {HOW}")
    room = cache_folder / f"build-{os.getpid()}"
    room.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            [go, "install", f"{MODULE}@{VERSION}"],
            env={**os.environ, "GOBIN": str(room), "CGO_ENABLED": "0"},
            capture_output=True,
            text=True,
            check=False,
            timeout=_BUILD_SECONDS,
        )
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            pytest.skip(f"versitygw could not be built ({reason[:200]}): check Go and its module proxy")
        (room / "versitygw").replace(built)  # in one step, so that no other test run sees half a program
    finally:
        shutil.rmtree(room, ignore_errors=True)
    return built


@contextmanager
def start(folder: Path) -> Iterator[Gateway]:
    """The server over `folder`, which must be on a file system with extended attributes (ext4, xfs, btrfs)."""
    program = binary()
    for name in ("objects", "versions"):
        (folder / name).mkdir()
    key, secret = "EXAMPLEKEY", secrets.token_hex(16)
    port = free_port()
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
        _wait_for(port, server, log)
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
        yield Gateway(f"http://127.0.0.1:{port}", client, folder / "objects")
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait_for(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"versitygw did not start: {log.read_text(errors='replace')[-500:]}")
