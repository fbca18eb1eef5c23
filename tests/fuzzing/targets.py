"""Everything of ours that reads bytes from outside: one function for each, and whole examples to begin from.

Promise: whatever the bytes, a target either keeps all of them (and says what was strange), or raises an error of
its room with words for a person. Anything else that it raises is a fault.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from google.protobuf.json_format import MessageToJson

from sandbox.telemetry import messages as otlp
from sandbox.telemetry.sessions import Sessions
from sandbox.tenant.world import World as TenantWorld
from tests.warehouse.archive.proof_files import HandMadeLog, pull_entry
from tests.warehouse.archive.rig import filled
from tests.warehouse.archive.stores import Clock, MemoryStore
from tests.warehouse.tables.conftest import DAY, event, verbatim
from warehouse.anthropic.answers import parse_error
from warehouse.archive import keys, verify_proof
from warehouse.archive.cache import StateCache
from warehouse.archive.errors import EntryUnreadable, PinUnusable
from warehouse.archive.note import Checkpoint, NoteError, parse_note
from warehouse.archive.pins import read_pins
from warehouse.archive.shape import read as read_entry
from warehouse.config import ConfigInvalid, load
from warehouse.finops.budgets import read_budgets
from warehouse.finops.closing import read_statement
from warehouse.finops.cost_centers import read_cost_centers
from warehouse.finops.errors import FileRefused, InputRefused
from warehouse.finops.group_centers import read_group_centers
from warehouse.finops.periods import Period
from warehouse.finops.reconciliation import read_invoice
from warehouse.finops.rules import read_rules
from warehouse.finops.seats import read_contracts
from warehouse.tables.activities import Parser
from warehouse.tables.audit_export import AuditExportError, read_export, rows_to_table
from warehouse.taxonomy import load as load_taxonomy
from warehouse.telemetry import NotTelemetry, Reader
from warehouse.wire.records import NotAPage, split_page

EXPORT = Path(__file__).parents[1] / "samples" / "audit_export" / "export-apostrophe.csv"
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
PROMPT = "a prompt that nobody may see"


@dataclass(frozen=True)
class Target:
    """read: what is fed. own: the errors that may come out. examples: whole files, to be damaged."""

    read: Callable[[bytes], object]
    own: tuple[type[Exception], ...]
    examples: Callable[[], list[bytes]]


@cache
def _parser() -> Parser:
    return Parser(load_taxonomy())


def page(data: bytes) -> None:
    """A page of the feed: every record it holds becomes one row, with its very bytes."""
    records = split_page(data).records
    batch = _parser().parse(records, 1)
    assert batch.rows == len(records) == batch.columns.num_rows
    kept = batch.columns["raw_bytes"].to_pylist()
    shown = batch.columns["raw"].to_pylist()
    for record, exact, text in zip(records, kept, shown, strict=True):
        assert (exact if exact is not None else text.encode()) == record
    assert all(isinstance(name, str) and name for name in batch.ids)


def export(data: bytes) -> None:
    """A file of the console's export, whatever it is packed in."""
    found = read_export(data, "export.csv")
    rows = list(found.rows())
    assert rows_to_table(rows, found.export_id, found.file_name, 1, NOW).num_rows == len(rows)


def config(data: bytes) -> None:
    with tempfile.TemporaryDirectory(dir=_quick_folder()) as folder:
        path = Path(folder) / "ledgerline.toml"
        path.write_bytes(data)
        load(path, {})


def proof(data: bytes) -> None:
    verify_proof.check(data)


def proof_command(data: bytes) -> None:
    """The verifier that auditors run: exit 0, 1 or 2, and plain ASCII."""
    with tempfile.TemporaryDirectory(dir=_quick_folder()) as folder:
        path = Path(folder) / "proof.txt"
        path.write_bytes(data)
        told = io.StringIO()
        with contextlib.redirect_stdout(told):
            code = verify_proof.main([os.fspath(path)])
    assert code in (0, 1, 2)
    assert told.getvalue().isascii()


def checkpoint(data: bytes) -> None:
    text, _ = parse_note(data.decode("utf-8", "surrogateescape"))
    Checkpoint.from_text(text)


def pin(data: bytes) -> None:
    assert read_pins(data, "a file")


def state_cache(data: bytes) -> None:
    """A local copy of the state that is damaged is passed over."""
    with tempfile.TemporaryDirectory(dir=_quick_folder()) as folder:
        path = Path(folder) / "cache"
        path.write_bytes(data)
        StateCache(path).load()


def error_body(data: bytes) -> None:
    told = parse_error(data)
    assert told.message.isprintable()


def telemetry(data: bytes, name: str) -> None:
    """A file of telemetry as the Collector writes it, JSON or protobuf. Whatever is wrong with it, the words about
    it repeat nothing of a prompt."""
    try:
        read = list(Reader().read(io.BytesIO(data), name))
    except NotTelemetry as refused:
        if PROMPT in str(refused):
            raise AssertionError("the error repeats a prompt") from refused
        raise
    for message in read:
        assert message.signal in ("metrics", "logs", "traces")


@cache
def _quick_folder() -> str | None:
    return "/dev/shm" if os.path.isdir("/dev/shm") else None


@cache
def _pages() -> list[bytes]:
    records = [verbatim(event(number, DAY)) for number in range(3)]
    odd = [
        b'{"id":"activity_1","id":"activity_2","created_at":"2026-11-20T10:00:00Z","type":"claude_chat_created"}',
        b'{"id":"a","type":123456789012345678901234567890,"actor":[{"x":1e999}],"created_at":"yesterday"}',
        b'{"id":"b\\ud800","type":"x","created_at":null,"actor":null}',
        b'{"id":"c\xff","type":"user_actor","actor":{"type":"\\u0000"}}',
        b"{}", b"[]", b"null", b'"text"', b"-0.0",
    ]  # fmt: skip
    end = b'],"has_more":false,"first_id":"a","last_id":"b"}'
    return [
        b'{"data":[' + b",".join(records) + end,
        b'{"data":[' + b",".join(odd[:3]) + end,
        b'{"data":[' + b",".join(odd) + end,
        b'{"data":[],"has_more":false,"first_id":null,"last_id":null}',
        b'{"error":{"type":"permission_error","message":"no"}}',
    ]


@cache
def _proofs() -> list[bytes]:
    log = HandMadeLog({3: pull_entry(3)})
    return [log.event(), log.consistency(3)]


@cache
def _notes() -> list[bytes]:
    log = HandMadeLog({3: pull_entry(3)})
    return [log.note().encode(), log.note(1).encode()]


@cache
def _configs() -> list[bytes]:
    root = Path(__file__).parents[2]
    return [
        (root / "ledgerline.example.toml").read_bytes(),
        b'[archive]\nurl = "file:./a"\nsigning_key = "file:./k"\n[anthropic]\nkeys.compliance = "env:K"\n'
        b'start = 2026-01-01\n[[destinations]]\nname = "soc"\ntype = "splunk"\nurl = "https://s.example.com"\n'
        b'token = "env:T"\n',
    ]


@cache
def _entries() -> list[bytes]:
    """One of each kind."""
    store = MemoryStore(Clock())
    filled(store)
    return [store.get(keys.entry(seq)) for seq in (1, 2, 13, 14)]


@cache
def _telemetry() -> dict[str, list[bytes]]:
    """Requests of a machine of the pretend tenant, with a prompt in them, which no machine of its sends."""
    session = next(Sessions(TenantWorld(7, 5), quiet=True).of(DAY.date()))
    logs = otlp.logs([session])
    body = logs.resource_logs[0].scope_logs[0].log_records[0]
    body.body.string_value = PROMPT
    prompt = body.attributes.add()
    prompt.key, prompt.value.string_value = "prompt", PROMPT
    metrics = otlp.metrics([session], 0)
    return {
        "json": [MessageToJson(one).encode() for one in (logs, metrics)],
        "logs": [logs.SerializeToString()],
        "metrics": [metrics.SerializeToString()],
    }


def _csv(*lines: str) -> Callable[[], list[bytes]]:
    return lambda: ["\n".join(lines).encode() + b"\n", "\r\n".join(lines).encode("utf-8-sig")]


TARGETS: dict[str, Target] = {
    "page": Target(page, (NotAPage,), _pages),
    "export file": Target(export, (AuditExportError,), lambda: [EXPORT.read_bytes()[:3000]]),
    "configuration": Target(config, (ConfigInvalid,), _configs),
    "cost centres": Target(
        lambda data: read_cost_centers(data, "cost_centers.csv", NOW),
        (FileRefused,),
        _csv(
            "user_email,user_id,cost_center,valid_from,valid_to,percent",
            "ada@example.com,,platform,2026-01-01,,60", "ada@example.com,,data,2026-01-01,,40",
            ",user_bob,ops,2026-02-01,2026-03-01,",
        ),
    ),
    "group centres": Target(
        lambda data: read_group_centers(data, "groups.csv"),
        (FileRefused,),
        _csv("group,cost_center", "Engineering,platform"),
    ),
    "budgets": Target(
        lambda data: read_budgets(data, "budgets.csv", None),
        (FileRefused,),
        _csv("cost_center,period,amount,currency", "platform,2026-11,100.00,USD"),
    ),
    "seat contracts": Target(
        lambda data: read_contracts(data, "seats.csv"),
        (FileRefused,),
        _csv(
            "tier,quantity,unit_price,currency,valid_from,valid_to", "premium,10,150.00,USD,2026-01-01,"
        ),
    ),
    "invoice": Target(
        lambda data: read_invoice(data, "invoice.csv", Period(2026, 11)),
        (FileRefused,),
        _csv(
            "invoice_id,issue_date,currency,kind,description,amount", "in_1,2026-12-01,USD,usage,Chat,12.34"
        ),
    ),
    "rules": Target(
        lambda data: read_rules(data, "rules.toml"),
        (FileRefused,),
        lambda: [b'grace_days = 7\n[[rules]]\nid = "a"\nmethod = "central"\ncenters = ["IT"]\n'],
    ),
    "statement": Target(read_statement, (InputRefused,), lambda: [b'{"format":"ledgerline-statement/1"}']),
    "proof file": Target(proof, (verify_proof.NotProven,), _proofs),
    "proof file by command": Target(proof_command, (), _proofs),
    "checkpoint": Target(checkpoint, (NoteError,), _notes),
    "pinned checkpoint": Target(pin, (PinUnusable,), _notes),
    "entry of the log": Target(
        lambda data: read_entry(data, "log/entry/000000000003.json"), (EntryUnreadable,), _entries
    ),
    "cached state": Target(state_cache, (), lambda: [b"abc\n{}"]),
    "telemetry, JSON": Target(
        lambda data: telemetry(data, "otel.json"), (NotTelemetry,), lambda: _telemetry()["json"]
    ),
    "telemetry, log records in protobuf": Target(
        lambda data: telemetry(data, "logs/otel.binpb"), (NotTelemetry,), lambda: _telemetry()["logs"]
    ),
    "telemetry, metrics in protobuf": Target(
        lambda data: telemetry(data, "metrics/otel.binpb"), (NotTelemetry,), lambda: _telemetry()["metrics"]
    ),
    "error body": Target(error_body, (), lambda: [b'{"error":{"type":"x","message":"y"},"request_id":"r"}']),
}  # fmt: skip
