"""Every destination with an intake, and every class of fault, from the archive through the engine over real HTTP.

What is expected of each pair is the table of `docs/destinations.md`: it is read here, so that it cannot drift.
"""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sandbox import Clock
from sandbox.intakes import ServedIntakes, serve_intakes
from tests.delivery.conftest import FIRST, LAST, Command, Shop, Standing
from tests.promises.quick import pull
from tests.warehouse.delivery.destinations.rig import settings
from warehouse.delivery import destinations
from warehouse.delivery.engine import Report
from warehouse.delivery.patience import Patience

__all__ = ["Command", "Standing"]

PATIENT = Patience(tries=8, first=0.002, longest=0.01, asked=2.0)
PAGE = Path(__file__).parents[2] / "docs" / "destinations.md"
TYPES = (
    "splunk", "datadog", "elastic", "logstash", "sumo", "webhook", "cribl", "sentinel", "sentinel_legacy", "otlp",
    "secops",
)  # fmt: skip
ONE = "claude_chat_created"  # the slice: some dozens of events, so that a request for each is no burden
FAULTS: dict[str, tuple[dict[str, Any], ...]] = {
    "busy, with a time to wait": ({"kind": "retry_after", "seconds": 0.01, "next": 1},),
    "500": ({"kind": "error", "status": 500, "next": 1},),
    "503": ({"kind": "error", "status": 503, "next": 1},),
    "a gateway's 502": ({"kind": "gateway", "status": 502, "next": 1},),
    "too large": ({"kind": "too_large", "next": 1},),
    "closes before it has stored anything": ({"kind": "cut", "next": 1},),
    "stores, then closes without an answer": ({"kind": "cut_before_reply", "next": 1},),
    "slow": ({"kind": "slow", "seconds": 0.3, "next": 1},),
    "refuses one event": ({"kind": "bad_event"},),
    "credential not known": ({"kind": "unauthorized"},),
    "credential may not": ({"kind": "forbidden"},),
    "redirects": ({"kind": "redirect"},),
    "fails one time in five": ({"kind": "error", "probability": 0.2},),
}


def published() -> dict[str, dict[str, str]]:
    """Fault -> type -> what the page says becomes of it."""
    section = (
        PAGE.read_text(encoding="utf-8").partition("\n## What becomes of each fault\n")[2].partition("\n## ")[0]
    )
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("|") and not set(line) <= set("|- ")
    ]
    head, *body = rows
    kinds = [re.sub(r"`", "", name) for name in head[1:]]
    return {row[0]: dict(zip(kinds, row[1:], strict=True)) for row in body}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from tests.promises.conftest import standing

    made = standing.__wrapped__(tmp_path_factory.mktemp("matrix"))
    start = next(made)
    shop = Shop.__new__(Shop)
    shop.served, shop.site = start()
    pull(shop.site, shop.served, FIRST, LAST)
    yield shop
    next(made, None)


def given(served: ServedIntakes, name: str, type: str) -> Any:
    return settings(
        type, served.settings[type], name=name, slice=f"type = '{ONE}'", late="restamp", batch_events=10
    )


def became(type: str, report: Report, expected: list[str], found: Counter[Any]) -> str:
    """The page's words for what happened to one destination."""
    assert set(found) <= set(expected)
    doubled = sum(found.values()) - len(found)
    assert doubled <= (10 if type != "otlp" else 30)  # one batch; in OTLP the halves that look for a bad record
    if report.stopped is not None:
        assert report.stopped.halted
        assert not found
        assert report.dead == 0
        return "halts"
    assert report.delivered + report.dead == len(expected)
    assert report.delivered == len(found)
    if report.dead:
        return ("one dead" if report.dead == 1 else f"{report.dead} dead") + (", repeats" if doubled else "")
    return "delivered, one batch twice" if doubled else "delivered"


@pytest.mark.parametrize("fault", FAULTS)
def test_what_becomes_of_each_fault_is_what_the_page_says(shop: Shop, fault: str) -> None:
    expected = shop.events(f"type = '{ONE}'")
    assert len(expected) > 30
    label = str(list(FAULTS).index(fault))
    with serve_intakes(*TYPES, clock=shop.served.clock) as served:
        served["secops"].clock = Clock.parse("real")  # whoever asks for a token says the true time
        for type in TYPES:
            for switch in FAULTS[fault]:
                poison = {"id": expected[13]} if switch["kind"] == "bad_event" else {}
                served[type].faults.on(**switch, **poison)
        names = {f"{type.replace('_', '-')}-{label}": type for type in TYPES}
        configured = [given(served, name, type) for name, type in names.items()]
        modules = {type: destinations.load(type) for type in TYPES}
        reports = shop.deliver(*configured, modules=modules, patience=PATIENT)
        table = {}
        for name, type in names.items():
            ids = Counter(id for id in served[type].ids() if id in set(expected))
            table[type] = became(type, reports[name], expected, ids)
            assert served[type].violations == [], type
        assert table == published()[fault]
        # mended, everything is there: at least once, and with one receipt each
        for type in TYPES:
            served[type].faults.clear()
        if any(report.stopped for report in reports.values()):
            again = shop.deliver(*configured, modules=modules)
            for name, type in names.items():
                assert again[name].stopped is None
                assert set(expected) <= set(served[type].ids())
