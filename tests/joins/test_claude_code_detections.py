"""Rules over telemetry: what a genuine client said of a machine raises an alert once, which can be followed
to the event, its commit and its file. Accounts are held against the directory and the feed.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assets.alerts import every_commit_was_looked_at
from assets.backtesting import look_back
from assets.computed_turns import looked_at
from assets.delivering import deliver
from assets.detecting import Detected, detect
from assets.directory_pulling import pull_snapshot
from assets.pulling import pull_activities
from assets.telemetry_landing import land_telemetry
from assets.workshop import Workshop
from orchestration.workshop import open_workshop
from sandbox import Served, Tenant, serve
from tests.delivery.receiver import alerts_module, receiving, settings
from tests.promises.site import Site
from tests.telemetry.client import IDENTITY, Client, as_json
from warehouse.config import load as load_settings
from warehouse.detections.claude_code import ATTRIBUTES, EVENTS
from warehouse.detections.rulebook import load
from warehouse.tables.catalog import connect
from warehouse.wire.windows import Window

NOW = datetime(2026, 11, 20, 21, 30, tzinfo=UTC)
AT = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
RULES = [rule for rule in load() if rule.source.name == "claude_code"]
OTHER = "11111111-1111-4111-8111-111111111111"


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class Machines:
    """Clients that send files to a folder, which lands."""

    def __init__(self, workshop: Workshop, clock: Hand, folder: Path) -> None:
        self.workshop, self.clock, self._folder, self._files = workshop, clock, folder, 0

    def land(self, *clients: Client) -> None:
        for client in clients:
            self._files += 1
            (self._folder / f"logs_{self._files}.json").write_bytes(as_json(client.logs()))
        land_telemetry(self.workshop, [str(self._folder)], settled=timedelta(0))

    def detect(self) -> Detected:
        return detect(self.workshop, RULES)

    def listed(self) -> list[str]:
        with connect(self.workshop.archive) as db:
            found = db.execute("select id from directory_users where fold <> 'withdrawn' order by id").fetchall()
        return [row[0] for row in found]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve(Tenant(seed=3, users=12, days=3, clock=NOW.isoformat(), quiet=True)) as running:
        yield running


@pytest.fixture(scope="module")
def machines(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    folder, clock = tmp_path_factory.mktemp("site"), Hand()
    keys = ""
    for name, there in {"directory": "directory", "organization": "org_data"}.items():
        (folder / f"{name}.key").write_text(served.keys[there])
        keys += f'keys.{name} = "file:./{name}.key"\n'
    Site(folder, served.url, served.keys["compliance"], (NOW - timedelta(days=2)).date(), anthropic=keys)
    (folder / "otel").mkdir()
    with open_workshop(load_settings(folder / "ledgerline.toml"), clock=clock) as opened:
        for stream in ("users", "organizations"):
            pull_snapshot(opened, stream)  # type: ignore[arg-type]
        pull_activities(opened)
        yield Machines(opened, clock, folder / "otel")


def names(done: Detected) -> list[str]:
    return sorted(alert.find.rule.path.stem for alert in done.alerts)


def client_of(account: str, session: str, **more: str) -> Client:
    client = Client(session)
    client._common |= {"user.account_id": account, "user.email": f"{account.lower()}@example.com", **more}
    return client


def ours(served: Served) -> str:
    return str(served.tenant.world.main.uuid)


def test_what_a_client_said_raises_alerts_that_lead_to_the_event_and_its_file(
    machines: Machines, served: Served
) -> None:
    client = client_of(machines.listed()[0], "s1", **{"organization.id": ours(served)})
    client.event("user_prompt", {"prompt_length": 12}, at=AT)
    bypass = {"from_mode": "default", "to_mode": "bypassPermissions", "trigger": "shift_tab"}
    client.event("permission_mode_changed", bypass, at=AT)
    for number in range(12):
        tool = {"tool_name": "Bash", "tool_use_id": f"toolu_{number}", "decision": "reject", "source": "config"}
        client.event("tool_decision", tool, at=AT + timedelta(seconds=30 * number))
    taken = {"tool_name": "Bash", "tool_use_id": "toolu_x", "decision": "accept", "source": "user_temporary"}
    client.event("tool_decision", taken, at=AT + timedelta(minutes=7))
    machines.land(client)
    done = machines.detect()
    assert names(done) == ["many_denied_tools", "permission_prompts_bypassed", "tool_accepted_after_denials"]
    with connect(machines.workshop.archive) as db:
        for alert in done.alerts:
            for event, seq in zip(alert.find.event_ids, alert.find.commit_seqs, strict=True):
                _, entry, position = event.split("/")
                assert int(entry) == seq
                rows = db.execute(
                    "select e.session_id, f.source_file from otel_events as e join otel_files as f "
                    "on f.commit_seq = e.commit_seq and f.source_file = e.source_file "
                    "where e.commit_seq = ? and e.position = ?",
                    [int(entry), int(position)],
                ).fetchall()
                assert rows == [("s1", "logs_1.json")]
                (named,) = machines.workshop.archive.entry(seq).counts["by_file"]
                assert named["name"] == "logs_1.json"
    machines.land(client)  # sent again, in another file: the same events
    assert names(machines.detect()) == []
    assert looked_at(machines.workshop.archive.refresh(), "claude_code") > 0


def test_accounts_are_held_against_the_directory_and_the_feed_and_organisations_against_ours(
    machines: Machines, served: Served
) -> None:
    _, staying, leaving, *_ = machines.listed()
    served.tenant.change_directory({"remove": leaving})
    served.tenant.clock.set(NOW + timedelta(minutes=30))
    machines.clock.now = NOW + timedelta(minutes=30)
    pull_snapshot(machines.workshop, "users")
    newcomer = {"type": "user_actor", "user_id": "user_01Newcomer", "email_address": "new@example.com"}
    served.tenant.inject([{"created_at": NOW.isoformat(), "type": "sso_login_succeeded", "actor": newcomer}])
    pull_activities(machines.workshop)
    known = {"organization.id": ours(served)}
    later = NOW + timedelta(hours=1)
    said = {
        staying: (known, later),
        leaving: (known, later),
        "user_01Newcomer": (known, later),
        "user_01Stranger": (known, later),
        machines.listed()[3]: ({"organization.id": OTHER}, later),
    }
    clients = []
    for number, (account, (facts, at)) in enumerate(said.items()):
        client = client_of(account, f"session-{number}", **facts)
        client.event("user_prompt", {"prompt_length": 5}, at=at)
        clients.append(client)
    before = client_of(leaving, "session-before", **known)  # from when the account was still there
    before.event("user_prompt", {"prompt_length": 5}, at=AT)
    machines.land(*clients, before)
    found = {alert.find.rule.path.stem: dict(alert.find.group) for alert in machines.detect().alerts}
    assert found == {
        "claude_code_after_removal": {"actor": leaving},
        "claude_code_of_a_stranger": {"actor": "user_01Stranger"},
        "claude_code_in_another_organisation": {"actor": machines.listed()[3], "organization_id": OTHER},
    }


def test_a_kind_of_server_that_is_new_to_a_person_is_told_from_what_landed_weeks_before(
    machines: Machines,
) -> None:
    usual = {"status": "connected", "server_scope": "user", "transport_type": "http", "is_plugin": "false"}
    account = machines.listed()[4]
    for number in range(9):
        client = client_of(account, f"server-{number}")
        client.event("mcp_server_connection", usual, at=AT - timedelta(days=number))
        machines.land(client)
    assert names(machines.detect()) == []
    client = client_of(account, "server-new")
    client.event("mcp_server_connection", usual | {"server_scope": "project", "transport_type": "stdio"}, at=NOW)
    machines.land(client)
    done = machines.detect()
    assert names(done) == ["mcp_server_new_to_a_person", "mcp_server_of_a_project"]
    assert {len(alert.find.event_ids) for alert in done.alerts} == {1}


def test_a_backtest_finds_in_the_past_what_was_told_at_the_time(machines: Machines) -> None:
    with connect(machines.workshop.archive) as db:
        told = dict(db.execute("select rule_id, count(*) from alerts group by 1").fetchall())
    past = look_back(machines.workshop, RULES, Window(NOW - timedelta(days=20), NOW + timedelta(days=1)))
    assert {test.rule.id: test.alerts for test in past.tests if test.alerts} == told


def test_alerts_over_telemetry_go_out_by_the_slice_of_alerts(machines: Machines) -> None:
    with receiving() as receiver:
        shop = replace(machines.workshop, destinations=[settings("soc", receiver.url, slice="alerts")])
        deliver(shop, load={"plain": alerts_module()}.__getitem__)
    arrived = {one["title"]: one for one in receiver.stored if "alert_id" in one}
    one = arrived["Claude Code without permission prompts"]
    assert one["severity"] == "high"
    assert one["event_ids"][0].startswith("claude_code/")
    assert one["events"] == []  # the archive has the event; the alert names it


def test_the_check_knows_what_waits_for_the_rules_over_telemetry(machines: Machines) -> None:
    def check() -> Any:
        return every_commit_was_looked_at(machines.workshop)

    detect(machines.workshop, load())
    assert check().passed
    client = client_of(machines.listed()[0], "unseen")
    client.event("user_prompt", {"prompt_length": 1}, at=NOW)
    machines.land(client)
    assert check().passed  # it has only just landed
    machines.clock.now += timedelta(hours=3)
    told = check()
    assert not told.passed
    assert "claude_code for " in told.metadata["waiting"].value
    detect(machines.workshop, load())
    assert "claude_code" not in check().metadata["waiting"].value


def test_samples_name_fields_that_are_there_and_an_event_has_an_attribute_for_each() -> None:
    judged = {"actor", "actor_email", "mcp_server", "denied_before", "account", "organization"}
    assert set(EVENTS.names) == set(ATTRIBUTES) | judged | {"id", "created_at", "commit_seq"}
    steps = {"repeat", "every", "after", "source"}
    for rule in RULES:
        for _, sample in rule.samples:
            for record in sample:
                if len(rule.parts) == 1 or record.get("source") == "claude_code":
                    assert set(record) <= set(EVENTS.names) | steps, rule.path.stem
    assert IDENTITY["user.id"]
