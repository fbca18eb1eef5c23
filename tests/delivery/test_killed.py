"""Promise 9 with real processes: `ledgerline deliver` killed by signal 9 at random moments loses nothing, and what
an entry of the log says is settled is never sent again.

Three kills to look at while working on it, fifty for the record; both take minutes. Seeded.
"""

import random
import sys
import time
from collections import Counter

import pytest

from tests.delivery.conftest import Shop
from tests.delivery.receiver import Answer, Receiver
from warehouse.archive.verify import verify

# the command itself, with an entry as often as it can be, so that kills fall behind entries too
OFTEN = """
import sys
from warehouse.delivery import engine
assert engine.ENTRY_SECONDS > 1
engine.ENTRY_SECONDS = 0.05
from orchestration.cli.app import run
sys.exit(run(sys.argv[1:]))
"""


def kill_until(shop: Shop, receiver: Receiver, kills: int, seed: int) -> tuple[int, int]:
    """Kill deliveries to ever new destinations until so many died at work; each destination is then completed and
    compared. Returns how many events arrived more than once, and how many were on record when a run was killed."""
    draw, killed, doubled, spared, round_ = random.Random(seed), 0, 0, 0, 0
    events = shop.events()

    def slowly(_number: int, _documents: object) -> Answer:
        time.sleep(0.02)
        return 200, {}, b""

    receiver.answer = slowly
    path = shop.site.folder / "ledgerline.toml"
    bare = path.read_text()
    began = time.monotonic()
    shop.site.run("status")
    usual = time.monotonic() - began
    while killed < kills:
        round_ += 1
        receiver.stored.clear()
        table = (
            f'[[destinations]]\nname = "soc-{round_}"\ntype = "webhook"\nbody = "ndjson"\nslice = "all"\n'
            f'url = "{receiver.url}"\nbatch_events = 5\n'
        )
        path.write_text(f"{bare}\n{table}")
        on_record: set[str] = set()
        unsettled = 0  # what arrived since the last entry, over all killed runs: the most that may come twice
        for _ in range(3):
            before, arrived_before = len(receiver.requests), len(receiver.ids())
            run = shop.site.begin_program(sys.executable, "-c", OFTEN, "deliver")
            wanted = draw.randint(0, 60)
            deadline = time.monotonic() + draw.uniform(1, 4) * usual
            died = run.kill_when(
                lambda before=before, wanted=wanted, deadline=deadline: (  # type: ignore[misc]
                    len(receiver.requests) - before > wanted or time.monotonic() > deadline
                )
            )
            killed += died and len(receiver.requests) > before
            time.sleep(0.1)  # requests that the killed process had sent are answered by now
            sent_now = set(receiver.ids()[arrived_before:])
            assert not sent_now & on_record  # what an entry has settled is not sent again
            on_record = set(receipts(shop, f"soc-{round_}"))
            unsettled += len(sent_now - on_record)
            spared += len(on_record) if died else 0
        before_last = len(receiver.ids())
        assert shop.site.run("deliver").code == 0
        assert not set(receiver.ids()[before_last:]) & on_record
        arrived = Counter(receiver.ids())
        assert sorted(arrived) == sorted(events)  # nothing lost
        repeats = sum(count - 1 for count in arrived.values())
        assert repeats <= unsettled
        doubled += repeats
        assert receipts(shop, f"soc-{round_}") == events  # each with one: those of killed runs name no entry
    assert verify(shop.site.store()).findings == []
    return doubled, spared


def receipts(shop: Shop, destination: str) -> list[str]:
    """Ids of the events that entries of the log say are delivered, ascending."""
    found = shop.site.sql(
        "select event_id from deliveries where destination = ? and status = 'delivered' and entry_seq is not null",
        [destination],
    )
    return sorted(row[0] for row in found)


@pytest.mark.fault(
    "`ledgerline deliver` is killed (kill -9) at random moments.",
    area="delivery",
    data="Every event arrives. Only what was on its way arrives twice.",
    user="The process is gone.",
    recovery="Run it again.",
)
@pytest.mark.slow
def test_three_kills_of_a_delivery_lose_nothing(shop: Shop, receiver: Receiver) -> None:
    doubled, spared = kill_until(shop, receiver, 3, seed=1)
    assert doubled + spared > 0


@pytest.mark.slow
def test_fifty_kills_of_a_delivery_lose_nothing(shop: Shop, receiver: Receiver) -> None:
    doubled, spared = kill_until(shop, receiver, 50, seed=2)
    assert doubled > 0
    assert spared > 0  # entries lay before kills, so that the bound was tried
