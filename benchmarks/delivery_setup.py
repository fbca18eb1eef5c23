"""What the delivery contenders share: how each type of destination is told of the receiver, and its documents."""

import argparse
import json
import os
from pathlib import Path
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from benchmarks.delivery_receiver import Sink
from warehouse.archive.archive import Archive
from warehouse.archive.store import open_store
from warehouse.config.destinations import TYPES
from warehouse.delivery import destinations
from warehouse.delivery.mappings.canonical import COLUMNS, canonical_events
from warehouse.tables.page_order import stream
from warehouse.tables.schema import TABLE

BATCH = 5_000
POOL = 20_000  # documents ready in memory, sent again and again: a million of them would be gigabytes
_FAKE = "ZmFrZS1rZXktb2YtdGhlLWJlbmNobWFyaw=="
_RULE = "dcr-" + "0" * 32
_LAKE = {"url": "s3://bench/ext/CLAUDE", "region": "eu-central-1"}


def options(description: str | None) -> argparse.ArgumentParser:
    """What every contender is told."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--http", type=int, required=True)
    parser.add_argument("--syslog", type=int, required=True)
    parser.add_argument("--type", choices=sorted(TYPES), required=True)
    parser.add_argument("--events", type=int, required=True)
    return parser


def destination(type: str, to: Sink, name: str) -> Any:
    """The settings of a destination that is sent everything, old events as they are."""
    url = to.url
    own: dict[str, dict[str, Any]] = {
        "splunk": {"url": url, "token": "env:KEY"},
        "datadog": {"url": url, "api_key": "env:KEY"},
        "elastic": {"url": url, "api_key": "env:KEY"},
        "logstash": {"url": url},
        "sumo": {"url": "env:URL"},
        "webhook": {"url": url, "body": "ndjson"},
        "cribl": {"url": url},
        "sentinel": {
            **{"endpoint": url, "dcr_id": _RULE, "tenant_id": "bench", "client_id": "bench"},
            **{"client_secret": "env:KEY", "authority": url},
        },
        "sentinel_legacy": {"workspace_id": f"{0:08}-0000-0000-0000-{0:012}", "shared_key": "env:KEY", "url": url},
        "syslog": {"host": "127.0.0.1", "port": to.syslog},
        "otlp": {"url": url},
        "security_lake": {**_LAKE, "account_id": f"{0:012}", "s3_endpoint": url},
        "snowflake": {**_LAKE, "s3_endpoint": url},
        "secops": {
            **{"url": url, "region": "eu", "project": "bench", "instance": f"{0:08}-0000-0000-0000-{0:012}"},
            "credentials": "env:ACCOUNT",
        },
    }
    secrets = {"KEY": _FAKE, "URL": f"{url}/receiver/v1/http/fake"}
    if type == "secops":
        secrets["ACCOUNT"] = _account(url)
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "fake",
        "AWS_SECRET_ACCESS_KEY": "fake",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    values = {"name": name, "type": type, "slice": "all", "late": "send", **own[type]}
    return TYPES[type].model_validate(values, context={"env": secrets})


def _account(url: str) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = {"type": "service_account", "project_id": "bench", "private_key_id": "bench", "private_key": text}
    return json.dumps({**account, "client_email": "bench@example.com", "token_uri": f"{url}/token"})


def documents(folder: Path, type: str, to: Sink, count: int = POOL) -> list[dict[str, Any]]:
    """Events of the archive as the documents that this type of destination sends, as Python objects; those of the
    canonical schema where it sends no JSON."""
    module, settings = destinations.load(type), destination(type, to, "documents")
    made: list[dict[str, Any]] = []
    with Archive(open_store(f"file:{folder}/archive", writable=False)) as archive:
        for file in archive.refresh().table(TABLE).recent:
            for rows in stream(archive, file, COLUMNS, BATCH):
                for event in canonical_events(rows):
                    frame = module.encode(event, settings, None)
                    assert isinstance(frame, bytes)
                    made.append(_document(frame) or orjson.loads(_canonical(event)))
                if len(made) >= count:
                    return made[:count]
    return made


def _document(frame: bytes) -> dict[str, Any] | None:
    """The document in a frame: its last line."""
    try:
        found = orjson.loads(frame.strip().rpartition(b"\n")[2])
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) and len(found) > 3 else None


def _canonical(event: Any) -> bytes:
    from warehouse.delivery.documents import as_json, described  # noqa: PLC0415
    from warehouse.delivery.mappings.schemas import SCHEMAS  # noqa: PLC0415

    return as_json(described(event, SCHEMAS["canonical"]))
