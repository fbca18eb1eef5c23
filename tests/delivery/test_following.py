"""`ledgerline deliver --follow` as a process, over real HTTP: new commits, signals, a receiver that goes and
comes; and how far a delivery is, on a terminal and without one.
"""

import io
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from assets.claims import follow
from assets.delivering import BY_HAND
from orchestration.cli.delivery_progress import DeliveryProgress
from tests.delivery.conftest import Shop
from tests.delivery.receiver import Receiver, receiving
from tests.promises.site import ROOT, Running
from warehouse.delivery.chunk import Report
from warehouse.delivery.queues.log import LogQueue


def table(shop: Shop, receiver: Receiver, name: str = "soc", **more: Any) -> None:
    path = shop.site.folder / "ledgerline.toml"
    lines = [f'url = "{receiver.url}"', *(f"{name} = {value}" for name, value in more.items())]
    path.write_text(
        path.read_text()
        + f'\n[[destinations]]\nname = "{name}"\ntype = "webhook"\nbody = "ndjson"\nslice = "all"\n'
        + "\n".join(lines)
    )


def until(true: Callable[[], bool], running: Running, within: float = 60) -> None:
    deadline = time.monotonic() + within
    while not true():
        assert running.process.poll() is None, running.ended()
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_it_delivers_picks_up_what_is_committed_later_and_ends_by_a_signal_with_0(
    shop: Shop, receiver: Receiver, by: int
) -> None:
    table(shop, receiver)
    before = shop.events()
    running = shop.site.begin("deliver", "--follow", "--json")
    until(lambda: set(receiver.ids()) >= set(before), running)
    shop.pull_more()
    events = shop.events()
    assert len(events) > len(before)
    until(lambda: set(receiver.ids()) >= set(events) and len(receiver.checkpoints()) == 2, running)
    running.process.send_signal(by)
    ended = running.ended(timeout=20)
    assert ended.code == 0, ended.err
    assert sorted(receiver.ids()) == events  # each once
    rounds = [json.loads(line)["destinations"][0] for line in ended.out.splitlines()]
    assert sum(one["delivered"] for one in rounds) == len(events)
    assert shop.site.run("deliver").out == "soc: nothing is due\n"


def test_a_signal_in_the_middle_of_a_delivery_puts_on_record_what_was_acknowledged(
    shop: Shop, receiver: Receiver
) -> None:
    table(shop, receiver, batch_events=5)
    events = shop.events()

    def slowly(_number: int, _documents: object) -> Any:
        time.sleep(0.1)
        return 200, {}, b""

    receiver.answer = slowly
    running = shop.site.begin("deliver", "--follow")
    until(lambda: len(receiver.ids()) > 20, running)
    running.process.send_signal(signal.SIGTERM)
    ended = running.ended(timeout=20)
    assert ended.code == 0, ended.err
    arrived = receiver.ids()
    assert len(arrived) < len(events)
    shop.site.run("deliver")
    assert sorted(receiver.ids()) == events  # nothing twice: all that was acknowledged was on record


@pytest.mark.slow
def test_a_receiver_that_goes_away_and_returns_gets_everything_and_a_human_hears_once(
    shop: Shop, receivers: Callable[[], Receiver]
) -> None:
    human = receivers()
    shop.site.env = {"LEDGERLINE_ALERT_WEBHOOK": human.url}
    with ExitStack() as first:
        receiver = first.enter_context(receiving())
        port = int(receiver.url.rpartition(":")[2])
        table(shop, receiver)
        running = shop.site.begin("deliver", "--follow")
        until(lambda: len(receiver.checkpoints()) == 1, running)
    shop.pull_more()
    until(lambda: bool(human.stored), running)
    with receiving(port, receiver):
        until(lambda: set(receiver.ids()) == set(shop.events()), running)
        until(lambda: len(receiver.checkpoints()) == 2, running)
        running.process.send_signal(signal.SIGINT)
        ended = running.ended(timeout=20)
    assert ended.code == 0, ended.err
    assert [one["subject"] for one in human.stored] == ["soc stopped"]
    assert "ledgerline deliver soc" in human.stored[0]["detail"]
    assert "soc stopped: 6 tries failed" in ended.out + ended.err
    assert "nothing is lost" in ended.out + ended.err


def test_a_destination_that_is_slow_delays_no_new_event_of_another_and_has_one_round_at_a_time(
    shop: Shop, receivers: Callable[[], Receiver]
) -> None:
    slow, well = receivers(), receivers()
    gate, stop, done = threading.Event(), threading.Event(), list[Report]()

    def late(_number: int, _documents: object) -> Any:
        gate.wait(60)
        return 200, {}, b""

    slow.answer = late
    table(shop, slow, "slow", batch_events=50)
    table(shop, well, "well")
    with shop.site.open() as workshop, ThreadPoolExecutor(1) as beside:
        kwargs = {"stop": stop, "every_seconds": 0.1, "each": lambda one: done.extend(one.reports)}
        following = beside.submit(follow, workshop, LogQueue(stop), print, **kwargs)
        try:
            for _ in range(2):
                events = shop.events()
                within = time.monotonic() + 20
                while sorted(well.ids()) != events or not any(one.name == "well" for one in done):
                    assert not following.done(), following.result()
                    assert time.monotonic() < within, (len(well.ids()), len(events))
                    time.sleep(0.02)
                assert slow.stored == []
                done.clear()
                shop.pull_more()
            events = shop.events()
            gate.set()
            within = time.monotonic() + 20
            while len(slow.ids()) < len(events) and time.monotonic() < within:
                time.sleep(0.02)
        finally:
            gate.set()
            stop.set()
        following.result(20)
    assert sorted(slow.ids()) == sorted(well.ids()) == events  # each once: no two rounds of one were at work
    assert {str(one.stopped) for one in done} <= {"None", BY_HAND}


def test_it_ends_with_1_where_something_is_dead(shop: Shop, receiver: Receiver) -> None:
    table(shop, receiver)
    poison = shop.events()[3]
    receiver.answer = lambda _number, documents: (
        (400, {}, b"no") if any(one["event_id"] == poison for one in documents) else (200, {}, b"")
    )
    running = shop.site.begin("deliver", "--follow")
    until(lambda: len(receiver.checkpoints()) == 1, running)
    running.process.send_signal(signal.SIGTERM)
    ended = running.ended(timeout=20)
    assert ended.code == 1
    assert "dead-letters soc" in ended.out


# how far it is


def test_on_a_terminal_a_delivery_shows_events_rate_and_time_left(shop: Shop, receiver: Receiver) -> None:
    table(shop, receiver, batch_events=5)

    def slowly(_number: int, _documents: object) -> Any:
        time.sleep(0.03)
        return 200, {}, b""

    receiver.answer = slowly
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LEDGERLINE_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", "deliver", "--json"],
        cwd=shop.site.folder,
        env=environment | {"PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "120"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # the other end is closed
        pass
    out, _ = process.communicate(timeout=30)
    os.close(ours)
    assert process.returncode == 0
    assert json.loads(out)["destinations"][0]["delivered"] == len(shop.events())
    for words in (b"soc", b"events/s"):
        assert words in shown


def test_without_a_terminal_each_destination_has_a_line_every_few_seconds() -> None:
    err, now = io.StringIO(), [0.0]
    progress = DeliveryProgress({"soc": 10_000, "lake": 0}, err=err, every=5, clock=lambda: now[0])
    for second in range(1, 12):
        now[0] = second
        progress(Report("soc", "all", settled=500 * second, looked_at=1000 * second - 500))
        progress(Report("lake", "all", settled=2 * second))
    assert err.getvalue().splitlines() == [
        "soc: 2,500 events, 500 events/s, about 6 s left",
        "lake: 10 events, 2 events/s",
        "soc: 5,000 events, 500 events/s, about 1 s left",
        "lake: 20 events, 2 events/s",
    ]


def test_a_stopped_dry_run_says_what_to_do(shop: Shop, receiver: Receiver) -> None:
    table(shop, receiver)
    path = shop.site.folder / "ledgerline.toml"
    path.write_text(path.read_text().replace('slice = "all"', "slice = \"created_at > 'banana'\""))
    ended = shop.site.run("deliver", "--dry-run")
    assert ended.code == 1
    assert "What to do: `ledgerline sql" in ended.out
