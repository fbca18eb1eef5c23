"""True totals: the mart says of a session what its client counted, however it was sent and however it ended."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from assets.building import build
from tests.telemetry.client import MODEL, Client, as_json
from tests.telemetry.places import Place
from warehouse.tables.catalog import connect

ENDED = ("delta", "cumulative")


def work(
    client: Client, place: Place, part: str, *, exports: int = 3, logs: bool = True, shut_down: bool = True
) -> None:
    """A process that counts and exports a few times; one that is shut down exports once more at its end."""
    session = client.session
    client.count("session.count", 1, start_type="fresh")
    for number in range(exports):
        client.request(125_000 * (number + 1), request_id=f"req_{session}_{part}_{number}")
        client.count("lines_of_code.count", 7, type="added", model=MODEL)
        client.count("lines_of_code.count", 2, type="removed", model=MODEL)
        client.count("commit.count", 1)
        client.count("active_time.total", 12.5, type="user")
        client.count("code_edit_tool.decision", 1, tool_name="Edit", decision="accept", source="user")
        _put(place, f"{session}-{part}-{number}", client, logs=logs)
    if shut_down:
        _put(place, f"{session}-{part}-end", client, logs=logs)


def _put(place: Place, name: str, client: Client, *, logs: bool) -> None:
    message = client.metrics_if_any()
    if message is not None:
        place.put(f"metrics/{name}.json", as_json(message))
    if logs and (logged := client.logs()).ByteSize():
        place.put(f"logs/{name}.binpb", logged.SerializeToString())


def killed(client: Client, place: Place) -> None:
    """Counts that were never exported are nowhere: the client's own exported sum is the truth."""
    work(client, place, "a", shut_down=False)
    exported, cost = dict(client.truth), client.cost
    client.request(999_000, request_id="req_lost")
    client.count("commit.count", 5)
    client.truth.clear()
    client.truth.update(exported)
    client.cost = cost


SESSIONS: dict[str, Callable[[Place], list[Client]]] = {}


def _scenarios(place: Place) -> dict[str, list[Client]]:
    """By session: the processes that worked on it."""
    found: dict[str, list[Client]] = {}
    for cumulative in (False, True):
        kind = ENDED[cumulative]
        whole = Client(f"{kind}-whole", cumulative=cumulative)
        work(whole, place, "a")
        found[whole.session] = [whole]
        restarted = [Client(f"{kind}-restarted", cumulative=cumulative) for _ in range(2)]
        for number, client in enumerate(restarted):
            work(client, place, f"process{number}")
        found[f"{kind}-restarted"] = restarted
        dead = Client(f"{kind}-killed", cumulative=cumulative)
        killed(dead, place)
        found[dead.session] = [dead]
        silent = Client(f"{kind}-no-logs", cumulative=cumulative)
        work(silent, place, "a", logs=False)
        found[silent.session] = [silent]
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, list[Client]], dict[str, dict[str, Any]]]:
    """What the clients counted, and what the mart says, by session."""
    place = Place(tmp_path_factory.mktemp("totals"))
    clients = _scenarios(place)
    report = place.land()
    assert {one["status"] for one in report.files} == {"landed"}
    # delivery is at least once: the same requests come again in another file, with a line break behind them
    for path in sorted((place.inbox / "metrics").glob("*-a-1.json")):
        place.put(f"again/metrics/{path.name}", path.read_bytes() + b"\n")
    again = place.land()
    assert sum(one["status"] == "landed" for one in again.files) == 6
    with place.open() as workshop:
        build(workshop)
        with connect(workshop.archive, database=workshop.marts) as db:
            found = db.execute(
                "select session_id, sum(cost_usd) as cost_usd, sum(metric_cost_usd) as metric_cost_usd, "
                "sum(input_tokens) as input_tokens, sum(cache_read_tokens) as cache_read_tokens, "
                "sum(requests) as requests, sum(commits) as commits, sum(lines_added) as lines_added, "
                "sum(lines_removed) as lines_removed, sum(active_user_seconds) as active_user_seconds, "
                "sum(edits_accepted) as edits_accepted, sum(sessions_started) as sessions_started, "
                "min(cost_source) as cost_source, max(cost_source) as greatest_source "
                "from fct_claude_code_session_day group by session_id"
            )
            names = [column[0] for column in found.description]
            rows = {row[0]: dict(zip(names, row, strict=True)) for row in found.fetchall()}
    return clients, rows


@pytest.mark.parametrize("kind", ENDED)
@pytest.mark.parametrize("how", ["whole", "restarted", "killed", "no-logs"])
def test_the_totals_of_a_session_are_those_its_client_counted(
    how: str, kind: str, built: tuple[dict[str, list[Client]], dict[str, dict[str, Any]]]
) -> None:
    clients, rows = built
    session = f"{kind}-{how}"
    truth: dict[str, float] = {}
    for client in clients[session]:
        for name, amount in client.truth.items():
            truth[name] = truth.get(name, 0) + amount
    cost = sum((client.cost for client in clients[session]), Decimal(0))
    row = rows[session]
    assert row["cost_usd"] == cost
    assert row["metric_cost_usd"] == cost
    assert row["input_tokens"] == truth["token.usage input"]
    assert row["cache_read_tokens"] == truth["token.usage cacheRead"]
    assert row["commits"] == truth["commit.count"]
    assert row["lines_added"] == truth["lines_of_code.count added"]
    assert row["lines_removed"] == truth["lines_of_code.count removed"]
    assert float(row["active_user_seconds"]) == truth["active_time.total user"]
    assert row["edits_accepted"] == truth["code_edit_tool.decision"]
    assert row["sessions_started"] == len(clients[session])
    told = "metrics" if how == "no-logs" else "events"
    assert (row["cost_source"], row["greatest_source"]) == (told, told)


def test_nothing_of_a_running_total_may_be_summed_as_it_stands(
    built: tuple[dict[str, list[Client]], dict[str, dict[str, Any]]], tmp_path: Path
) -> None:
    """The trap itself: the naive sum over cumulative points is too much, so the arithmetic above did something."""
    place = Place(tmp_path)
    client = Client("s", cumulative=True)
    work(client, place, "a")
    place.land()
    ((naive,),) = place.ask("select sum(value) from otel_metric_points where metric = 'claude_code.cost.usage'")
    assert Decimal(str(round(naive, 6))) > client.cost
