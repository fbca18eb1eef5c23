"""A small archive with a history: pulled, redacted, withdrawn, pulled again, sealed, an export imported, marts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pytest

from assets.building import build
from assets.importing import import_audit_export
from assets.pulling import pull_activities
from orchestration.workshop import open_workshop
from sandbox import Served, Tenant, serve
from warehouse.archive.signing import create_key
from warehouse.config import Settings, parse
from warehouse.tables.catalog import connect
from warehouse.tables.seal import seal_settled_days
from warehouse.wire.times import midnight

NOW = "2026-11-22T10:00:00Z"
FIRST, CHANGED, WITHDRAWN, LAST = (date(2026, 11, day) for day in (18, 19, 20, 22))
CONFIG = """\
[archive]
url = "file:./archive"
signing_key = "file:./signing.key"
cache = "./cache"
[anthropic]
base_url = "{url}"
keys.compliance = "env:KEY"
start = {start}
[warehouse]
duckdb = "./warehouse.duckdb"
"""
EXPORT = """\
created_at,actor_info,event,event_info,entity_info,ip_address,device_id,user_agent,client_platform
2026-11-20T10:00:00Z,"{'name': 'Jane Doe', 'uuid': '6f0c1d5e-0000-4000-8000-000000000001', \
'metadata': {'email_address': 'jane@example.com'}}",user_signed_in_sso,{},,192.0.2.34,,\
Mozilla/5.0,web
"""


@dataclass(frozen=True)
class Demo:
    """A folder with a configuration, an archive and marts. Tests only read it."""

    folder: Path
    settings: Settings

    @property
    def archive(self) -> Path:
        return self.folder / "archive"


def _fill(served: Served, folder: Path, settings: Settings) -> None:
    with open_workshop(settings, clock=served.clock.now) as workshop:
        pull_activities(workshop)
        who = served.tenant.records(midnight(CHANGED), midnight(WITHDRAWN))
        assert who
        served.tenant.redact(user_id=_somebody(who))
        served.tenant.withdraw(day=WITHDRAWN, count=2)
        pull_activities(workshop, start=midnight(FIRST), end=midnight(LAST))
        seal_settled_days(workshop.archive)
        served.clock.advance(3600)
        pull_activities(workshop)
        export = folder / "audit_logs.csv"
        export.write_text(EXPORT, encoding="utf-8")
        import_audit_export(workshop, [export])
        workshop.archive.settle()
        build(workshop)


def _somebody(records: list[bytes]) -> str:
    for record in records:
        _, mark, rest = record.partition(b'"user_id":"')
        if mark and b'"type":"user_actor"' in record:
            return rest.partition(b'"')[0].decode()
    raise AssertionError("nobody acted that day")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("documented")
    create_key(folder / "signing.key")
    with serve(Tenant(seed=7, users=25, days=4, clock=NOW, rate_limit=0)) as served:
        text = CONFIG.format(url=served.url, start=FIRST)
        (folder / "ledgerline.toml").write_text(text, encoding="utf-8")
        settings = parse(text, folder / "ledgerline.toml", {"KEY": served.keys["compliance"]})
        _fill(served, folder, settings)
    return Demo(folder, settings)


@pytest.fixture(scope="session")
def database(demo: Demo) -> Iterator[duckdb.DuckDBPyConnection]:
    """What `ledgerline sql` asks."""
    with open_workshop(demo.settings, for_writing=False) as workshop:
        db = connect(workshop.archive, database=workshop.marts)
        yield db
        db.close()
