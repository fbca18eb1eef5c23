"""Promise 9 with real processes: `ledgerline deliver` killed by signal 9 at random moments loses nothing.

Three kills to look at while working on it, fifty for the record; both take minutes. Seeded.
"""

import random
import time
from collections import Counter

import pytest

from tests.delivery.conftest import Shop
from tests.delivery.receiver import Answer, Receiver
from warehouse.archive.verify import verify


def kill_until(shop: Shop, receiver: Receiver, kills: int, seed: int) -> int:
    """Kill deliveries to ever new destinations until so many died at work; each destination is then completed and
    compared. Returns how many events arrived more than once."""
    draw, killed, doubled, round_ = random.Random(seed), 0, 0, 0
    events = shop.events()

    def slowly(_number: int, _documents: object) -> Answer:
        time.sleep(0.01)
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
        for _ in range(3):
            before = len(receiver.requests)
            run = shop.site.begin("deliver")
            wanted = draw.randint(0, 12)
            deadline = time.monotonic() + draw.uniform(1, 4) * usual
            died = run.kill_when(
                lambda before=before, wanted=wanted, deadline=deadline: (  # type: ignore[misc]
                    len(receiver.requests) - before > wanted or time.monotonic() > deadline
                )
            )
            killed += died and len(receiver.requests) > before
        assert shop.site.run("deliver").code == 0
        arrived = Counter(receiver.ids())
        assert sorted(arrived) == sorted(events)  # nothing lost
        doubled += sum(count - 1 for count in arrived.values())
        kept = shop.site.sql(
            "select event_id from deliveries where destination = ? and status = 'delivered' "
            "and entry_seq is not null",
            [f"soc-{round_}"],
        )
        assert (
            sorted(row[0] for row in kept) == events
        )  # each with one receipt: those of killed runs name no entry
    assert verify(shop.site.store()).findings == []
    return doubled


@pytest.mark.fault(
    "kill -9 of `ledgerline deliver` at random moments",
    area="delivery",
    data="every event arrives; only what was in flight arrives twice",
    user="nothing",
    recovery="run again",
)
@pytest.mark.slow
def test_three_kills_of_a_delivery_lose_nothing(shop: Shop, receiver: Receiver) -> None:
    kill_until(shop, receiver, 3, seed=1)


@pytest.mark.slow
def test_fifty_kills_of_a_delivery_lose_nothing(shop: Shop, receiver: Receiver) -> None:
    kill_until(shop, receiver, 50, seed=2)
