"""What a close leaves behind: the statement, the inputs it was made from, and a manifest that names them by hash.

Promise: the same inputs give the same bytes; there is no clock in here but the one that is handed in.
Rule book: reference finops, section 5.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from warehouse.finops.cost_centers import CostCenters
from warehouse.finops.errors import InputRefused
from warehouse.finops.inputs import CURRENCY, CostRow
from warehouse.finops.money import parse_amount, text
from warehouse.finops.periods import Period
from warehouse.finops.rules import Rules
from warehouse.finops.statement import FORMAT as STATEMENT_FORMAT
from warehouse.finops.statement import Key, Line, Statement, canonical_json
from warehouse.wire.times import rfc3339

FORMAT = "ledgerline-period/1"
STATEMENT_JSON, STATEMENT_CSV, MANIFEST = "statement.json", "statement.csv", "manifest.json"


@dataclass(frozen=True)
class Sources:
    """Where the rows of a period came from: the entries of the log, how fresh the vendor's figures were, and a
    hash over the rows themselves, whatever their order."""

    rows_sha256: str
    rows: int
    entries: tuple[int, ...]
    data_refreshed_at: datetime | None

    def document(self) -> dict[str, Any]:
        return {
            "rows_sha256": self.rows_sha256,
            "rows": self.rows,
            "entries": list(self.entries),
            "data_refreshed_at": rfc3339(self.data_refreshed_at) if self.data_refreshed_at else None,
        }


def sources_of(
    rows: Iterable[CostRow], data_refreshed_at: datetime | None = None, rows_sha256: str | None = None
) -> Sources:
    """The hash over rows: SHA-256 over the sorted SHA-256 of each row, each written as a JSON array of its
    fields. `rows_sha256` where it is known already: that of a statement that was published."""
    if rows_sha256 is not None:
        listed = list(rows)
        known = {row.source_commit for row in listed if row.source_commit is not None}
        return Sources(rows_sha256, len(listed), tuple(sorted(known)), data_refreshed_at)
    digests, entries = [], set()
    for row in rows:
        fields = [_plain(getattr(row, name)) for name in CostRow.__slots__ if name != "source_commit"]
        digests.append(hashlib.sha256(json.dumps(fields, separators=(",", ":")).encode()).digest())
        if row.source_commit is not None:
            entries.add(row.source_commit)
    whole = hashlib.sha256(b"".join(sorted(digests))).hexdigest()
    return Sources(whole, len(digests), tuple(sorted(entries)), data_refreshed_at)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return text(value, 0)
    return value.isoformat() if isinstance(value, date) else value


@dataclass(frozen=True)
class Closing:
    """The files of a close by name, the manifest among them, and its hash."""

    files: Mapping[str, bytes]
    manifest_sha256: str


def closing(
    statement: Statement,
    *,
    mapping: CostCenters,
    rules: Rules,
    sources: Sources,
    closed_at: datetime,
    closed_by: str,
    reason: str = "",
    because: Sequence[str] = (),
    supersedes: str | None = None,
    inputs: Mapping[str, bytes] | None = None,
) -> Closing:
    """The files of a close. `inputs` are the files people handed in (mapping, rules, contracts), kept as they
    were.

    `because` are the reasons why this close is early; then it was forced, and `reason` says why.
    """
    files = {
        STATEMENT_JSON: statement.to_json(),
        STATEMENT_CSV: statement.to_csv(),
        **{f"input-{name}": body for name, body in sorted((inputs or {}).items())},
    }
    manifest = {
        "format": FORMAT,
        "period": str(statement.period),
        "number": statement.number,
        "state": statement.state,
        "currency": CURRENCY,
        "total": text(statement.total, 2),
        "source_total": text(statement.source_total),
        "closed_at": rfc3339(closed_at),
        "closed_by": closed_by,
        "forced": bool(because),
        "because": list(because),
        "reason": reason,
        "supersedes": supersedes,
        "mapping": {
            "sha256": mapping.sha256,
            "recorded_at": rfc3339(mapping.recorded_at),
            "rows": len(mapping.rows),
        },
        "rules": {"sha256": rules.version, "rules": [rule.facts() for rule in rules.rules]},
        "sources": sources.document(),
        "files": {
            name: {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)} for name, body in files.items()
        },
    }
    files[MANIFEST] = canonical_json(manifest)
    return Closing(files, hashlib.sha256(files[MANIFEST]).hexdigest())


def differences(manifest: bytes, files: Mapping[str, bytes]) -> list[str]:
    """The names of files that are missing or are not those of the manifest; empty for a close that is
    unchanged."""
    named = json.loads(manifest)["files"]
    return sorted(
        name
        for name, facts in named.items()
        if name not in files or hashlib.sha256(files[name]).hexdigest() != facts["sha256"]
    )


def read_statement(body: bytes) -> Statement:
    """A statement from the bytes that `Statement.to_json` wrote. Raises InputRefused."""
    try:
        document = json.loads(body, parse_float=Decimal)
        if document["format"] != STATEMENT_FORMAT:
            raise InputRefused(
                f"a statement of the format {document['format']!r}; this version reads {STATEMENT_FORMAT!r}: "
                "install a newer Ledgerline"
            )
        return Statement(
            period=Period.parse(document["period"]),
            state=document["state"],
            number=document["number"],
            lines=tuple(_line(line) for line in document["lines"]),
            source_total=parse_amount(document["source_total"]),
            versions=document["versions"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise InputRefused(f"a statement is not readable ({error}); run `ledgerline verify`") from error


def _line(document: Mapping[str, Any]) -> Line:
    original, listed, quantity = document["original_period"], document["list"], document["quantity"]
    return Line(
        key=Key(
            document["cost_center"],
            document["service"],
            document["model"],
            document["charge_category"],
            document["unit"],
        ),
        exact=parse_amount(document["exact"]),
        billed=parse_amount(document["billed"]),
        list_amount=None if listed is None else parse_amount(listed),
        quantity=None if quantity is None else parse_amount(quantity),
        original_period=None if original is None else Period.parse(original),
        reversal=document["reversal"],
    )
