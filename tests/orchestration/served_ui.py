"""The whole pipeline behind Dagster's UI: tenant, archive, webserver, code server and daemon, each a process."""

import json
import os
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

from warehouse.archive.signing import create_key

ROOT = Path(__file__).parents[2]


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
    """The UI over a tenant with so many people and days. `start` is the first day of the partitions; by default
    that of the tenant."""
    with configured(folder, *tenant_options, start=start) as tenant, ui_process(folder) as served:
        yield Ui(url_of(served), tenant, folder)
        served.terminate()
        assert served.wait(timeout=40) == 0


@contextmanager
def configured(folder: Path, *tenant_options: str, start: str | None = None) -> Iterator[str]:
    """A tenant in a process of its own, and in `folder` the configuration and keys that lead to it; gives its
    URL."""
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
        yield ready["url"]
    finally:
        tenant.terminate()
        tenant.wait(timeout=10)


@contextmanager
def ui_process(folder: Path, home: Path | None = None) -> "Iterator[subprocess.Popen[str]]":
    """`python -m orchestration.ui` over the configuration in `folder`; what it says on stderr is in `ui.err`
    beside Dagster's folder."""
    home = home or folder / "dagster"
    command = [sys.executable, "-m", "orchestration.ui", "--port", "0", "--home", str(home)]
    with (home.parent / "ui.err").open("ab") as err:
        served = subprocess.Popen(
            [*command, "--config", str(folder / "ledgerline.toml")],
            stdout=subprocess.PIPE,
            stderr=err,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            text=True,
        )
    try:
        yield served
    finally:
        served.terminate()
        served.wait(timeout=40)


def url_of(served: "subprocess.Popen[str]") -> str:
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
