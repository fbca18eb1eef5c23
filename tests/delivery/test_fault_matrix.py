"""Every destination and every class of fault, from the archive through the engine over real connections.

What is expected of each pair is the table of `docs/destinations.md`: it is read here, so that it cannot drift.
"""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.delivery.conftest import FIRST, LAST, Command, Shop, Standing
from tests.delivery.matrix import Receiver, receivers
from tests.delivery.test_doctor import closed_port, tls
from tests.promises.quick import pull
from tests.warehouse.archive.s3_server import SECRET
from tests.warehouse.delivery.destinations.certificates import make
from tests.warehouse.delivery.destinations.rig import settings
from warehouse.config.destinations import TYPES
from warehouse.delivery import destinations, over_http
from warehouse.delivery.chunk import Report
from warehouse.delivery.destinations import syslog_socket
from warehouse.delivery.patience import Patience

__all__ = ["Command", "Standing"]

PATIENT = Patience(tries=8, first=0.002, longest=0.01, asked=2.0)
IMPATIENT = Patience(tries=2, first=0.002, longest=0.01, asked=2.0)
PAGE = Path(__file__).parents[2] / "docs" / "destinations.md"
ONE = "claude_chat_created"  # the slice: some dozens of events, so that a request for each is no burden
LARGE = "claude_example_of_a_large_event"
NEVER = "\u2013"
FAULTS: dict[str, dict[str, Any]] = {
    "busy, with a time to wait": {"kind": "retry_after", "seconds": 0.01, "next": 1},
    "500": {"kind": "error", "status": 500, "next": 1},
    "503": {"kind": "error", "status": 503, "next": 1},
    "a gateway's 502": {"kind": "gateway", "status": 502, "next": 1},
    "too large": {"kind": "too_large", "next": 1},
    "closes before it has stored anything": {"kind": "cut", "next": 1},
    "stores, then closes without an answer": {"kind": "cut_before_reply", "next": 1},
    "stores, and answers what nobody can read": {"kind": "malformed_reply", "next": 1},
    "slow": {"kind": "slow", "seconds": 0.3, "next": 1},
    "refuses one event": {"kind": "bad_event"},
    "credential not known": {"kind": "unauthorized"},
    "credential may not": {"kind": "forbidden"},
    "credential ends in mid-work": {"kind": "expired_token", "next": 1, "skip": 2},
    "another address (404)": {"kind": "error", "status": 404},
    "redirects": {"kind": "redirect"},
    "fails one time in five": {"kind": "error", "probability": 0.2},
}
# what is wrong with the way there: the address of each receiver is another one
WAYS = ("nobody is there", "its name is not known", "a certificate of another name")


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
    large = {"created_at": "2026-11-21T12:00:00Z", "actor": {"type": "user_actor", "user_id": "user_01Large"}}
    shop.served.tenant.inject([large | {"type": LARGE, "filename": "x" * 1_200_000}])
    pull(shop.site, shop.served, FIRST, LAST)
    yield shop
    next(made, None)


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "EXAMPLEKEY",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)


def given(told: dict[str, Any], name: str, type: str, slice: str = f"type = '{ONE}'") -> Any:
    return settings(type, told, name=name, slice=slice, late="restamp", batch_events=10)


def became(type: str, report: Report, expected: list[str], found: Counter[Any]) -> str:
    """The page's words for what happened to one destination."""
    assert set(found) <= set(expected)
    doubled = sum(found.values()) - len(found)
    assert doubled <= (10 if type != "otlp" else 30)  # one batch; in OTLP the halves that look for a bad record
    if report.stopped is not None:
        assert report.dead == 0
        assert report.delivered <= len(found)
        assert report.stopped.remedy or not report.stopped.halted
        return ("halts" if report.stopped.halted else "stops") + (", having delivered some" if found else "")
    assert report.delivered + report.dead == len(expected)
    assert report.delivered == len(found)
    if report.dead:
        return ("one dead" if report.dead == 1 else f"{report.dead} dead") + (", repeats" if doubled else "")
    return "delivered, one batch twice" if doubled else "delivered"


def outcome_of_each(
    shop: Shop,
    at: dict[str, Receiver],
    configured: dict[str, Any],
    expected: list[str],
    able: set[str],
    patience: Patience = PATIENT,
) -> dict[str, str]:
    """Deliver to all of them at once; what became of it, by type."""
    modules = {type: destinations.load(type) for type in TYPES}
    reports = shop.deliver(*configured.values(), modules=modules, patience=patience)
    table = {}
    for type, one in configured.items():
        ids = Counter(id for id in at[type].ids() if id in set(expected))
        found = became(type, reports[one.name], expected, ids)
        assert at[type].wrong() == [], type
        assert type in able or found == "delivered"
        table[type] = found if type in able else NEVER
    return table


def mended(shop: Shop, at: dict[str, Receiver], right: dict[str, Any], expected: list[str]) -> None:
    """Everything is there once what was wrong is mended: at least once, and what was settled no second time."""
    modules = {type: destinations.load(type) for type in TYPES}
    before = {type: Counter(at[type].ids()) for type in right}
    again = shop.deliver(*right.values(), modules=modules)
    for type, one in right.items():
        assert again[one.name].stopped is None
        ids = Counter(id for id in at[type].ids() if id in set(expected))
        assert set(ids) == set(expected), type
        assert sum(ids.values()) - len(ids) <= 40, type  # the batches that were on their way when it halted
        if not any(before[type].values()):
            assert max(ids.values()) == 1


def test_the_page_has_a_row_for_each_fault_and_a_column_for_each_type() -> None:
    table = published()
    assert list(table) == [*FAULTS, *WAYS, "an event over its limit"]
    assert all(list(row) == list(TYPES) for row in table.values())


def _rows(names: Iterable[str]) -> list[Any]:
    """All of them; those that a like row stands for are left to the slow suite."""
    alike = {"503", "a gateway's 502", "credential may not", "another address (404)", "redirects", *WAYS[:2]}
    return [pytest.param(one, marks=pytest.mark.slow) if one in alike else one for one in names]


@pytest.mark.parametrize("fault", _rows(FAULTS))
def test_what_becomes_of_each_fault_is_what_the_page_says(
    shop: Shop, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = shop.events(f"type = '{ONE}'")
    assert len(expected) > 30
    if "closes" in fault:  # on a busy machine a reset may come later than the moment for which syslog waits
        monkeypatch.setattr(syslog_socket, "WATCH_SECONDS", 0.5)
    label = str(list(FAULTS).index(fault))
    with receivers(shop.served.clock) as at:
        switch = FAULTS[fault] | ({"id": expected[13]} if FAULTS[fault]["kind"] == "bad_event" else {})
        able = {type for type in TYPES if at[type].on(**switch)}
        configured = {type: given(at[type].given, f"{type.replace('_', '-')}-{label}", type) for type in TYPES}
        table = outcome_of_each(shop, at, configured, expected, able)
        assert table == published()[fault]
        for receiver in at.values():
            receiver.clear()
        if any("halts" in words or "stops" in words for words in published()[fault].values()):
            mended(shop, at, configured, expected)


@pytest.mark.parametrize("way", _rows(WAYS))
def test_what_becomes_of_a_way_that_is_closed_is_what_the_page_says(
    shop: Shop, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = shop.events(f"type = '{ONE}'")
    certificates = make(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificates.authority))
    over_http._trusted_by_system.cache_clear()
    label = f"way{WAYS.index(way)}"
    try:
        with (
            receivers(shop.served.clock) as at,
            tls(certificates.other_name, certificates.other_name_key) as secure,
        ):
            where = {
                "nobody is there": ("http://127.0.0.1", "127.0.0.1", closed_port(), False),
                "its name is not known": ("https://nowhere.invalid", "nowhere.invalid", 443, False),
                "a certificate of another name": ("https://127.0.0.1", "127.0.0.1", secure, True),
            }[way]
            wrong, right = {}, {}
            for type in TYPES:
                name = f"{type.replace('_', '-')}-{label}"
                right[type] = given(at[type].given, name, type)
                wrong[type] = given(_moved(at[type].given, *where), name, type)
            table = outcome_of_each(shop, at, wrong, expected, set(TYPES), IMPATIENT)
            assert table == published()[way]
            over_http._trusted_by_system.cache_clear()
            monkeypatch.delenv("AWS_CA_BUNDLE")
            mended(shop, at, right, expected)
    finally:
        over_http._trusted_by_system.cache_clear()


def _moved(told: dict[str, Any], address: str, host: str, port: int, secure: bool) -> dict[str, Any]:
    """The settings of a sender with every address in them at another place."""
    moved = {
        name: re.sub(r"http://127\.0\.0\.1:\d+", f"{address}:{port}", text) if isinstance(text, str) else text
        for name, text in told.items()
    }
    return moved | ({"host": host, "port": port, "tls": secure} if "host" in told else {})


def test_what_becomes_of_an_event_over_the_limit_is_what_the_page_says(shop: Shop) -> None:
    either = f"type in ('{ONE}', '{LARGE}')"
    expected = shop.events(either)
    (large,) = shop.events(f"type = '{LARGE}'")
    with receivers(shop.served.clock) as at:
        configured = {
            type: given(at[type].given, f"{type.replace('_', '-')}-large", type, either) for type in TYPES
        }
        table = outcome_of_each(shop, at, configured, expected, set(TYPES))
        assert table == published()["an event over its limit"]
        for type, words in table.items():
            assert (large in at[type].ids()) == (words == "delivered"), type
