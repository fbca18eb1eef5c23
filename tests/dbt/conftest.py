"""One week of events with every actor kind, built once; each test starts from that build and may change it."""

import shutil
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt.feed import BROWSER, Feed
from warehouse.tables.marts import BuildReport, build_marts

PRIYA_LATER = {
    "type": "user_actor",
    "user_id": "user_01XyDMpzjS89pFZXqSFUBDr6",
    "email_address": "priya.s@example.com",
}
KIM = {"type": "user_actor", "user_id": "user_01KimAbCdEfGhJkLmNpQrStU", "email_address": "kim@example.com"}
KEY = {"type": "api_actor", "api_key_id": "apikey_01HxPipeline0000000000000", "user_agent": "ledger-test/1"}
ADMIN_KEY = {"type": "admin_api_key_actor", "admin_api_key_id": "adminkey_01AdminAbCdEfGhJkLmNpQr"}
SERVICE = {"type": "service_account_actor", "service_account_id": "svac_01ServiceAbCdEfGhJkLmNpQ"}
DIRECTORY = {
    "type": "scim_directory_sync_actor",
    "directory_id": "directory_01",
    "idp_connection_type": "OktaSCIMV2",
}
FEDERATED = {"type": "federated_identity_actor", "issuer": "https://idp.example.com", "subject": "repo:x"}
CLOUD = {"type": "federated_actor", "provider": {"type": "aws", "account_id": "111122223333"}, "subject": "role/x"}
DEVICE = {"type": "attested_device_actor", "external_client_id": "app1", "kid_hash": "k9"}
STRANGER = {"type": "unauthenticated_user_actor", "unauthenticated_email_address": "Kim@example.com", **BROWSER}
ANTHROPIC = {"type": "anthropic_actor", "email_address": None}
SYSTEM = {"type": "system_actor", "service": "billing"}
ROBOT = {"type": "robot_actor", "robot_id": "r1"}


def fill(feed: Feed) -> None:
    """What happened from the 20th to the 23rd."""
    feed.record("chat", "20 08:00", "claude_chat_created", claude_chat_id="chat_1")
    feed.record("upload", "20 08:05", "claude_file_uploaded", claude_file_id="claude_file_1", filename="q3.xlsx")
    feed.record("renamed", "22 09:00", "claude_chat_viewed", {**PRIYA_LATER, **BROWSER}, claude_chat_id="chat_1")
    feed.record("begun", "20 09:00", "sso_login_initiated", STRANGER)
    feed.record("failed", "20 09:01", "sso_login_failed", STRANGER)
    feed.record("signed-in", "20 09:02", "sso_login_succeeded", {**KIM, **BROWSER}, auth_method="sso")
    feed.record(
        "poll", "20 10:00", "compliance_api_accessed", KEY, status_code=200, url="https://api.example.com/"
    )
    feed.record(
        "refused", "21 10:00", "compliance_api_accessed", KEY, status_code=403, url="https://api.example.com/"
    )
    feed.record(
        "role", "21 11:00", "claude_user_role_updated", {**KIM, **BROWSER},
        user_id="user_9", user_email="bo@example.com", previous_role="user", current_role="admin",
    )  # fmt: skip
    feed.record("member", "21 11:05", "scim_user_created", DIRECTORY, user_id="user_9")
    feed.record("workspace", "21 11:10", "platform_workspace_created", ADMIN_KEY, workspace_id="wrkspc_1")
    feed.record("service-key", "21 11:15", "platform_api_key_created", SERVICE, api_key_id="apikey_2")
    feed.record("pipeline", "21 11:20", "platform_cost_report_viewed", FEDERATED)
    feed.record("cloud", "21 11:25", "platform_cost_report_viewed", CLOUD)
    feed.record("device", "21 11:30", "platform_app_attest_authentication", DEVICE, status={"outcome": "denied"})
    feed.record("export", "22 03:00", "org_data_export_started", {**KIM, **BROWSER}, export_type="conversations")
    feed.record("credit", "22 12:00", "extra_usage_credit_granted", ANTHROPIC)
    feed.record("renewal", "22 12:05", "subscription_renewed", SYSTEM)
    feed.record("novel", "22 12:10", "quantum_teleport_succeeded")
    feed.record("robot", "22 12:15", "claude_chat_viewed", ROBOT, claude_chat_id="chat_1")
    feed.record("typeless", "22 12:20", None)
    feed.record("gone", "22 13:00", "claude_chat_deleted", claude_chat_id="chat_2")
    feed.record("gone-login", "22 13:05", "sso_login_succeeded", {**KIM, **BROWSER}, auth_method="sso")
    feed.record("fixed", "22 14:00", "claude_file_uploaded", claude_file_id="claude_file_2", filename="secret.txt")
    feed.withdraw("gone")
    feed.withdraw("gone-login")
    feed.revise("fixed", filename="[redacted]")
    feed.record("last", "23 08:00", "claude_chat_created", claude_chat_id="chat_3")


@dataclass
class House:
    """An archive, the marts file built from it, and how to build and ask."""

    feed: Feed
    database: Path

    def build(self, **options: Any) -> BuildReport:
        return build_marts(catalog_sql=options.pop("catalog_sql", None) or self.feed.statements(),
                           database=self.database, **options)  # fmt: skip

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.database), read_only=True) as db:
            db.execute("set timezone = 'UTC'")
            return db.execute(query).fetchall()

    def column(self, query: str) -> list[Any]:
        return [row[0] for row in self.ask(query)]

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table that dbt made, in a fixed order."""
        tables = self.ask(
            "select schema_name, table_name from duckdb_tables() where table_name not like 'marts_build%' "
            "and database_name = current_database() order by all"
        )
        return {f"{schema}.{name}": self.ask(f'select * from "{schema}"."{name}" order by all')
                for schema, name in tables}  # fmt: skip


@dataclass
class Built:
    """The one full build that the other tests start from."""

    house: House
    report: BuildReport
    saved: Path
    feed: Feed


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    root = tmp_path_factory.mktemp("marts")
    feed = Feed(root / "archive")
    fill(feed)
    house = House(feed, root / "data" / "warehouse.duckdb")
    house.database.parent.mkdir()
    report = house.build()
    saved = root / "saved.duckdb"
    shutil.copyfile(house.database, saved)
    return Built(house, report, saved, deepcopy(feed))


@pytest.fixture
def house(built: Built) -> House:
    """The built house as it was after the first build, whatever earlier tests did to it."""
    built.house.feed = deepcopy(built.feed)
    shutil.copyfile(built.saved, built.house.database)
    return built.house


@pytest.fixture
def empty_house(built: Built) -> House:
    """The same place with nothing built and nothing recorded."""
    built.house.feed = Feed(built.feed.root / "other")
    built.house.database.unlink(missing_ok=True)
    return built.house


@pytest.fixture(scope="session")
def ask(built: Built) -> Callable[[str], list[tuple[Any, ...]]]:
    """Ask the first build, which no test has changed."""

    def query(text: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(built.saved), read_only=True) as db:
            db.execute("set timezone = 'UTC'")
            return db.execute(text).fetchall()

    return query
