"""Azurite, Microsoft's emulator of Azure Storage, on loopback: it signs, stores, lists and refuses as Azure does,
and it keeps no lock, which is what we want of it here.

Installed once with `npm install` at a fixed version into the user's cache folder; where there is neither that
folder nor npm, `start` skips the test and says how to have it.
"""

import base64
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from azure.core.exceptions import AzureError
from azure.storage.blob import ContainerClient

from tests.real.go_program import free_port
from warehouse.archive.azure_client import container_client

VERSION = "3.37.0"
ACCOUNT = "exampleaccount"
_INSTALL_SECONDS = 600
_START_SECONDS = 30


@dataclass(frozen=True)
class Emulator:
    """A running emulator with one account."""

    endpoint: str  # of the account
    key: str

    def client(self, container: str, **options: object) -> ContainerClient:
        """A client of the account's owner."""
        return container_client(container, endpoint=self.endpoint, credential=lambda: self.key, **options)

    def new_container(self) -> str:
        name = f"archive-{secrets.token_hex(6)}"
        self.client(name).create_container()
        return name


@cache
def program() -> Path:
    """The emulator's main file; installs it if need be. Skips the test where that cannot be."""
    cache_folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ledgerline" / "tools"
    installed = cache_folder / f"azurite-{VERSION}"
    main = Path("node_modules", "azurite", "dist", "src", "azurite.js")
    if (installed / main).exists():
        return installed / main
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Azurite is not here: install Node.js with npm and run again")
    room = cache_folder / f"build-{os.getpid()}"
    room.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", room,
             f"azurite@{VERSION}"],
            capture_output=True, text=True, check=False, timeout=_INSTALL_SECONDS,
        )  # fmt: skip
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            pytest.skip(f"Azurite could not be installed ({reason[:200]}): check npm and its registry")
        room.replace(installed)  # in one step, so that no other test run sees half of it
    finally:
        shutil.rmtree(room, ignore_errors=True)
    return installed / main


@contextmanager
def start(folder: Path) -> Iterator[Emulator]:
    """The emulator over `folder`."""
    main, port, node = program(), free_port(), shutil.which("node") or "node"
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    emulator = Emulator(f"http://127.0.0.1:{port}/{ACCOUNT}", key)
    log = folder / "azurite.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [node, str(main), "--silent", "--skipApiVersionCheck", "--disableTelemetry", "--location", str(folder),
             "--blobHost", "127.0.0.1", "--blobPort", str(port), "--queuePort", "0", "--tablePort", "0"],
            env={**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{key}"}, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        _wait_for(emulator, server, log)
        yield emulator
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for(emulator: Emulator, server: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            emulator.client("probe", retry_total=0).create_container()
        except AzureError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"Azurite did not start: {log.read_text(errors='replace')[-500:]}")
