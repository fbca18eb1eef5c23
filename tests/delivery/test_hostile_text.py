"""Names that somebody chose to do harm, to every type of destination: they arrive as data and as nothing else."""

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pyarrow.parquet as pq
import pytest

from sandbox import Clock
from tests.delivery.conftest import NEXT, Command, Shop
from tests.delivery.everywhere import CLOUD, Everywhere, everywhere
from tests.warehouse.archive.s3_server import client
from warehouse.config import load
from warehouse.config.destinations import TYPES
from warehouse.delivery import destinations

WHO = "mallory@example.com"
HOSTILE = {
    "control": "a\x00b\x1b[31mred\x07\x7f\x85\u2028end",
    "cef": 'CEF:0|Evil|x|1|2|drop|10|act="none" src=203.0.113.9 msg=a\\=b',
    "syslog": 'x"] <165>1 2026-11-20T00:00:00Z evil - - - [a b="c\\]"]\r\n<13>1 - - - - - forged\n',
    "crlf": 'a\r\nAuthorization: Basic Zm9yZ2Vk\r\n\r\n{"index":{}}\n{"forged":1}\n',
    "html": "<script>alert(1)</script><img src=x onerror='alert(2)'>",
    "unicode": "\u202egnp.exe\u200b" + "\u00e9" * 400 + "\U0001f469\u200d\U0001f467" * 50 + "\U0010fffd",
    "formula": "=SUM(A1:A9)+cmd|' /C calc'!A0",
    "sql": "'; drop table audit_events; --",
    "template": "${jndi:ldap://198.51.100.1/a}{{7*7}}%{[@metadata][x]}%s%n",
    "path": "../../../../etc/passwd\x00.parquet",
}
# a type that nobody has listed, named to break a header, a path and a structured-data element
TYPE = 'evil"]\r\n<13>1 - - - - - x/../../y=z'


@pytest.fixture
def world(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Everywhere]:
    with everywhere(f"actor_email = '{WHO}'", clock=shop.served.clock) as world:
        world.served["secops"].clock = Clock.parse("real")  # whoever asks for a token says the true time
        for name, value in world.env.items():
            monkeypatch.setenv(name, value)
        yield world


def leaves(value: Any) -> Iterator[str]:
    """Every text in a document, and in a text that is itself JSON."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield str(name)
            yield from leaves(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from leaves(inner)
    elif isinstance(value, str):
        yield value
        if value[:1] in ("{", "["):
            try:
                inner = json.loads(value)
            except ValueError:
                return
            yield from leaves(inner)


def arrived(world: Everywhere, type: str) -> dict[str, Any]:
    """What a receiver holds, by the id of the event."""
    if type not in CLOUD:
        return {str(one.id): one.event for one in world.served[type].stored}
    found: dict[str, Any] = {}
    prefix = "ext/" if type == "security_lake" else "stage/"
    for listed in client().list_objects_v2(Bucket=world.bucket, Prefix=prefix)["Contents"]:
        assert ".." not in listed["Key"]
        data = client().get_object(Bucket=world.bucket, Key=listed["Key"])["Body"].read()
        for row in pq.read_table(BytesIO(data)).to_pylist():
            found[row["event_id"] if type == "snowflake" else row["metadata"]["uid"]] = row
    return found


def test_whatever_somebody_calls_a_file_arrives_as_data_at_every_type(
    shop: Shop, world: Everywhere, ledgerline: Command
) -> None:
    records = [
        {
            "created_at": f"{NEXT}T12:00:{number:02d}Z",
            "actor": {
                "type": "user_actor",
                "email_address": WHO,
                "user_id": "user_01Mallory",
                "ip_address": "203.0.113.66",
                "user_agent": text,
            },
            "type": "claude_file_uploaded",
            "filename": text,
        }
        for number, text in enumerate(HOSTILE.values())
    ]
    ids = shop.served.tenant.inject([*records, records[0] | {"type": TYPE}])
    shop.pull_more()
    path = shop.site.folder / "ledgerline.toml"
    path.write_text(path.read_text() + world.toml())
    configured = load(path).destinations
    reports = shop.deliver(*configured, modules={type: destinations.load(type) for type in TYPES})
    for one in configured:
        report = reports[one.name]
        assert (one.type, report.stopped, report.dead, report.delivered) == (one.type, None, 0, len(ids))
    for type in TYPES:
        held = arrived(world, type)
        feed = {id: event for id, event in held.items() if not id.startswith("ledgerline_checkpoint")}
        assert set(feed) == set(ids), type
        if type not in CLOUD:
            assert world.served[type].violations == [], type
            assert len(world.served[type].stored) == len(held)
        for id, (name, text) in zip(ids, HOSTILE.items(), strict=False):
            assert text in set(leaves(feed[id])), (type, name)
        assert TYPE in set(leaves(feed[ids[-1]])), type
    receipts = shop.site.sql("select destination, count(*) from deliveries where entry_seq is not null group by 1")
    assert dict(receipts) == {one.name: len(ids) for one in configured}
    shown = ledgerline(shop.site, "status")
    assert "\x1b" not in shown.out + shown.err
