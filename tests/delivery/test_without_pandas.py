"""Delivery loads no pandas: it would take tens of megabytes, and most of the time of a short run."""

import json
import sys

from tests.delivery.conftest import FIRST, NEXT, Shop
from tests.delivery.receiver import Receiver
from tests.delivery.test_command import configured, table

_RUN = """
import json, sys
from orchestration.cli.app import run
codes = [run(command) for command in json.loads(sys.argv[1])]
print(json.dumps({"codes": codes, "loaded": sorted({"pandas", "scipy"} & set(sys.modules))}))
"""


def test_events_are_delivered_and_sent_again_without_pandas(shop: Shop, receiver: Receiver) -> None:
    configured(shop, table("soc", receiver.url))
    window = ["--from", FIRST.isoformat(), "--to", NEXT.isoformat()]
    commands = [["deliver"], ["replay", "soc", *window], ["dead-letters"]]
    ended = shop.site.begin_program(sys.executable, "-c", _RUN, json.dumps(commands)).ended()
    assert json.loads(ended.out.splitlines()[-1]) == {"codes": [0, 0, 0], "loaded": []}, ended.err
    assert sorted(set(receiver.ids())) == shop.events()
    assert len(receiver.ids()) == 2 * len(shop.events())
