"""A Chromium and the whole pipeline behind it: tenant, archive, Dagster's webserver and daemon, each a process."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from warehouse.archive.signing import create_key

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make test-browser installs it")
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Ui:
    """The Dagster UI at `url`, the tenant behind it, and the folder of configuration and archive."""

    url: str
    tenant: str
    folder: Path

    def told(self, name: str, **query: str) -> Any:
        """What the tenant says of itself: what was asked of it, what is true."""
        address = f"{self.tenant}/_sandbox/{name}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=60) as answer:
            return json.load(answer)

    def control(self, name: str, wish: dict[str, Any]) -> dict[str, Any]:
        """One of the tenant's own switches."""
        request = urllib.request.Request(
            f"{self.tenant}/_sandbox/{name}", json.dumps(wish).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            said: dict[str, Any] = json.load(answer)
            return said

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """A GraphQL question to the webserver."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            data: dict[str, Any] = json.load(answer)["data"]
            return data


@contextmanager
def serving(folder: Path, *tenant_options: str, start: str | None = None) -> Iterator[Ui]:
    """The UI as `python -m orchestration.ui` serves it, over a tenant with so many people and days. `start` is the
    first day of the partitions; by default that of the tenant."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here; on Debian: apt-get install chromium")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    tenant = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "serve", "--seed", "7", *tenant_options],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    try:
        assert tenant.stdout is not None
        ready = json.loads(tenant.stdout.readline())
        for name in ("compliance", "analytics"):
            (folder / name).write_text(ready["keys"][name])
        create_key(folder / "signing.key")
        (folder / "ledgerline.toml").write_text(
            '[archive]\nurl = "file:./archive"\nsigning_key = "file:./signing.key"\ncache = "./cache"\n'
            f'[anthropic]\nbase_url = "{ready["url"]}"\nkeys.compliance = "file:./compliance"\n'
            f'keys.analytics = "file:./analytics"\nstart = {start or ready["first_day"]}\n'
            '[warehouse]\nduckdb = "./data/warehouse.duckdb"\n'
        )
        command = [sys.executable, "-m", "orchestration.ui", "--port", "0", "--home", str(folder / "dagster")]
        served = subprocess.Popen(
            [*command, "--config", str(folder / "ledgerline.toml")],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=environment,
            text=True,
        )
        try:
            yield Ui(_url(served), ready["url"], folder)
        finally:
            served.terminate()
            assert served.wait(timeout=40) == 0
    finally:
        tenant.terminate()
        tenant.wait(timeout=10)


@pytest.fixture(scope="session")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    """The UI over a tenant of 40 with five weeks of past."""
    with serving(tmp_path_factory.mktemp("ui"), "--users", "40", "--days", "35") as running:
        yield running


@pytest.fixture
def page() -> Iterator[Page]:
    """A fresh browser profile; the community modal that greets one is skipped whenever it comes up."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here; on Debian: apt-get install chromium")
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        page = browser.new_page(viewport={"width": 1440, "height": 1000}, timezone_id="UTC", locale="en-GB")
        page.set_default_timeout(60_000)
        greeting = page.get_by_role("button", name="Skip")
        page.add_locator_handler(greeting, greeting.click)
        yield page
        browser.close()


@pytest.fixture(scope="session")
def screenshots() -> Path | None:
    """Where screenshots go when LEDGERLINE_SCREENSHOTS=1; None otherwise."""
    if os.environ.get("LEDGERLINE_SCREENSHOTS") != "1":
        return None
    folder = ROOT / "docs" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _url(served: "subprocess.Popen[str]") -> str:
    """The address that the script prints once the UI answers."""
    assert served.stdout is not None
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        line = served.stdout.readline()
        if "http://127.0.0.1:" in line:
            return line.split("UI: ")[1].split()[0]
        if not line and served.poll() is not None:
            break
    raise AssertionError("the UI did not start; see its logs")
