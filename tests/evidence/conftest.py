"""A small tenant of 31 days with a history: pulled, redacted, withdrawn, pulled again. Tests only read it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assets.pulling import pull_activities
from assets.workshop import Workshop
from orchestration.workshop import open_workshop
from sandbox import Served, Tenant, serve
from warehouse.archive.signing import create_key
from warehouse.config import Settings, parse
from warehouse.tables.catalog import connect
from warehouse.wire.times import midnight

NOW = "2026-11-22T10:00:00Z"
FIRST, CHANGED, LAST = date(2026, 10, 22), date(2026, 11, 19), date(2026, 11, 22)
CONFIG = """\
[archive]
url = "file:./archive"
signing_key = "file:./signing.key"
cache = "./cache"
[anthropic]
base_url = "{url}"
keys.compliance = "file:./compliance.key"
start = {start}
[warehouse]
duckdb = "./warehouse.duckdb"
"""


@dataclass(frozen=True)
class Evidence:
    """The installation in `folder`; `truth` is each record ever served in its last form, by id."""

    folder: Path
    settings: Settings
    truth: dict[str, dict[str, Any]]
    stories: list[dict[str, Any]]
    changed: frozenset[str]
    withdrawn: frozenset[str]
    now: datetime
    own_key: str

    def open(self) -> Any:
        return open_workshop(self.settings, for_writing=False, clock=lambda: self.now)

    def story(self, kind: str) -> dict[str, Any]:
        """The newest planted story of a kind that is over."""
        return [told for told in self.stories if told["kind"] == kind][-1]


def install(folder: Path, served: Served, start: date) -> Settings:
    """A configuration with its keys, for a tenant that answers."""
    folder.mkdir(exist_ok=True)
    create_key(folder / "signing.key")
    (folder / "compliance.key").write_text(served.keys["compliance"])
    (folder / "ledgerline.toml").write_text(CONFIG.format(url=served.url, start=start))
    return parse((folder / "ledgerline.toml").read_text(), folder / "ledgerline.toml", {})


@pytest.fixture(scope="session")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    folder = tmp_path_factory.mktemp("evidence")
    with serve(Tenant(seed=7, users=14, days=31, clock=NOW, rate_limit=0)) as served:
        settings = install(folder, served, FIRST)
        with open_workshop(settings, clock=served.clock.now) as workshop:
            pull_activities(workshop)
            before = _by_id(served.tenant.records(midnight(FIRST), midnight(LAST)))
            served.clock.advance(3600)
            pull_activities(workshop)
            someone = next(r["actor"]["user_id"] for r in before.values() if r["actor"]["type"] == "user_actor")
            served.tenant.redact(user_id=someone)
            withdrawn = served.tenant.withdraw(day=CHANGED, count=3)
            pull_activities(workshop, start=midnight(FIRST), end=midnight(LAST))
        after = _by_id(served.tenant.records(midnight(FIRST), midnight(LAST)))
        return Evidence(
            folder=folder,
            settings=settings,
            truth=before | after,
            stories=served.tenant.stories(),
            changed=frozenset(name for name in after if name in before and after[name] != before[name]),
            withdrawn=frozenset(withdrawn),
            now=served.clock.now(),
            own_key=served.tenant.world.key_named("compliance").id,
        )


def _by_id(records: list[bytes]) -> dict[str, dict[str, Any]]:
    return {record["id"]: record for record in map(json.loads, records)}


@pytest.fixture(scope="session")
def workshop(evidence: Evidence) -> Iterator[Workshop]:
    with evidence.open() as opened:
        yield opened


@pytest.fixture
def database(workshop: Workshop) -> Iterator[duckdb.DuckDBPyConnection]:
    """What `ledgerline sql` asks."""
    with connect(workshop.archive) as db:
        yield db
