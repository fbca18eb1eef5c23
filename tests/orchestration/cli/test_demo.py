"""The demo, whole, in a process of its own as a newcomer runs it."""

import csv
import hashlib
import json
import re
import urllib.request
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestration.cli.names import ENGAGEMENT
from orchestration.cli.output import Output
from orchestration.cli.status import _show
from orchestration.demo_company import _shares
from orchestration.demo_receivers import serve_receivers
from orchestration.demo_tenant import DemoFolder, InUse, months_before, serve_tenant
from tests.orchestration.cli.conftest import Terminal, in_a_process

SMALL = ("demo", "--days", "3", "--users", "12")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A small demo that was kept: where, and what it said."""
    folder = tmp_path_factory.mktemp("demo")
    ended = in_a_process(*SMALL, "--keep", "--json", folder=folder, timeout=480)
    assert ended.code == 0, ended.err
    return folder, json.loads(ended.out)


def test_the_demo_pulls_models_answers_and_verifies(kept: tuple[Path, dict[str, Any]]) -> None:
    folder, document = kept
    assert document["ok"]
    pulled = [document["pull"], *document["pulls"]]
    assert {one["stream"] for one in pulled} >= {"activities", "usage", "cost", "users", "rbac_groups", "api_keys"}
    engaged = {one["stream"]: one["records"] for one in pulled if one["stream"] in ENGAGEMENT}
    assert set(engaged) == set(ENGAGEMENT)
    assert min(engaged.values()) > 0
    assert document["verify"]["checked"]["records"] >= sum(one["records"] for one in pulled[:3]) > 0
    assert document["marts"]["fct_actor_activity_daily"] > 0
    assert (folder / "data/demo/archive/log/entry/000000000000.json").exists()


def test_the_demo_delivers_to_three_receivers_that_hold_what_the_receipts_say(
    kept: tuple[Path, dict[str, Any]],
) -> None:
    _, document = kept
    rows = {row["type"]: row for row in document["deliveries"]}
    assert set(rows) == {"splunk", "elastic", "webhook"}
    for row in rows.values():
        assert row["delivered"] == row["selected"]
        assert row["stored"] == row["delivered"] + row["checkpoints"]  # of the log
        assert (row["dead"], row["violations"]) == (0, [])
    assert rows["elastic"]["delivered"] == document["pull"]["records"]
    assert rows["splunk"]["delivered"] == document["alerts"]["raised"]


def test_status_names_the_receivers_that_the_demo_delivered_to(kept: tuple[Path, dict[str, Any]]) -> None:
    folder, document = kept
    told = in_a_process("status", "--config", "data/demo/ledgerline.toml", folder=folder).out
    assert "not in this configuration" not in told
    for row in document["deliveries"]:
        (line,) = [
            line for line in told.splitlines() if line.startswith(f"{row['name']} ({row['slice']}): at entry ")
        ]
        assert line.endswith(", 0 rows behind, 0 dead")


def test_the_receivers_start_again_and_take_what_is_new(kept: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = kept
    demo, config = DemoFolder(folder / "data/demo"), ("--config", "data/demo/ledgerline.toml")
    stopped = in_a_process("doctor", *config, folder=folder).out
    assert stopped.count("pretend ones: `make ui` serves the demo's") == 3
    with serve_tenant(demo), serve_receivers(demo):
        asked = in_a_process("doctor", "--json", *config, folder=folder).json()
        assert [one["state"] for one in asked["checks"] if one["check"] == "destination"] == ["ok"] * 3
        ended = in_a_process("deliver", "--json", *config, folder=folder)
    assert ended.code == 0, ended.err
    assert {one["name"] for one in ended.json()["destinations"]} == {"soc", "search", "unheard-of"}


@pytest.mark.parametrize("window", [80, 100, 120])
def test_status_has_a_line_for_each_stream_in_every_window(
    kept: tuple[Path, dict[str, Any]], window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(window))
    status, out = kept[1]["status"], Terminal()
    _show(status, Output(json=False, out=out))
    lines = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue()).splitlines()
    assert max(map(len, lines)) <= window
    heading = next(at for at, line in enumerate(lines) if line.split()[:1] == ["stream"])
    streams = status["streams"]
    assert len(streams) > 12
    for stream, line in zip(streams, lines[heading + 2 :], strict=False):
        told = line.split()
        assert (told[0], told[-1]) == (stream["stream"], f"{stream['records']:,}")
        if stream["covered_from"]:
            assert told[1:3] == [stream["covered_from"][:10], f"{stream['covered_to'][:16]}Z"]


def test_the_demo_ends_with_a_statement_that_is_the_tenants_ledger_to_the_cent(
    kept: tuple[Path, dict[str, Any]],
) -> None:
    folder, document = kept
    statement, tied = document["statement"], document["tie_out"]
    start = date.fromisoformat(statement["period"] + "-01")
    end = months_before(start.replace(day=28), -1)
    (at,) = {pull["refreshed_at"] for pull in document["pulls"] if pull["stream"] == "cost"}
    with serve_tenant(DemoFolder(folder / "data/demo")) as tenant:
        asked = f"{tenant['url']}/_sandbox/spend?start={start}&end={end}&at={at}"
        with urllib.request.urlopen(asked, timeout=30) as answer:
            (ledger,) = json.load(answer)
    truth = Decimal(ledger["amount"]) / 100
    assert truth > 0
    assert Decimal(statement["total"]) == truth.quantize(Decimal("0.01"))
    assert (tied["vendor"], tied["difference"], tied["ties"]) == (statement["total"], "0.00", True)
    assert sum(Decimal(amount) for amount in statement["cost_centers"].values()) == Decimal(statement["total"])


def test_the_demo_leaves_the_report_and_the_statement_as_files(kept: tuple[Path, dict[str, Any]]) -> None:
    folder, document = kept
    reports = folder / "data/demo/data/reports" / document["statement"]["period"]
    assert {"report.html", "statement.json", "statement.xlsx", "journal.csv"} <= {
        path.name for path in reports.iterdir()
    }
    assert json.loads((reports / "statement.json").read_text())["total"] == document["statement"]["total"]


def test_the_demo_leaves_the_auditors_page_with_its_proofs(kept: tuple[Path, dict[str, Any]]) -> None:
    folder, document = kept
    place, told = folder / "data/demo/evidence", document["evidence"]
    assert hashlib.sha256((place / "report.html").read_bytes()).hexdigest() == told["sha256"]
    assert len(list((place / "report-proofs").glob("[0-9]*.proof"))) == told["proofs"] > 0
    assert (told["days"]["partial"], told["days"]["missing"]) == (0, 0)


def test_the_months_that_are_final_are_closed(kept: tuple[Path, dict[str, Any]]) -> None:
    _, document = kept
    today = datetime.now(UTC).date()
    closable = [
        f"{first:%Y-%m}"
        for first in (months_before(today, 2), months_before(today, 1))
        if (today - months_before(first.replace(day=28), -1)).days >= 30
    ]
    assert document.get("closed", []) == closable


def test_everybody_in_a_group_has_a_cost_centre(kept: tuple[Path, dict[str, Any]]) -> None:
    folder, document = kept
    rows = list(csv.DictReader((folder / "data/demo/cost_centers.csv").read_text().splitlines()))
    assert len({row["user_id"] for row in rows}) == document["cost_centers"]["actors"] > 0
    assert any(row["user_id"].startswith("apikey_") for row in rows)


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_a_member_of_several_groups_is_shared_out_whole(parts: int) -> None:
    shares = _shares(parts)
    assert len(shares) == parts
    assert parts == 1 or sum(Decimal(share) for share in shares) == 100


def test_a_demo_in_use_is_not_swept_away(tmp_path: Path) -> None:
    with DemoFolder(tmp_path / "data/demo").in_use():
        ended = in_a_process(*SMALL, "--keep", folder=tmp_path)
    assert ended.code == 2
    assert "at work in data/demo" in ended.err
    assert "make ui" in ended.err


def test_a_folder_is_held_by_one(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path / "demo")
    with folder.in_use(), pytest.raises(InUse, match="demo"), folder.in_use():
        raise AssertionError("held twice")
    with folder.in_use():
        pass


def test_a_file_where_the_demo_keeps_things_is_named_and_kept(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")
    ended = in_a_process(*SMALL, "--keep", folder=tmp_path)
    assert ended.code == 2
    assert "data is a file" in ended.err
    assert (tmp_path / "data").read_text() == "mine"
