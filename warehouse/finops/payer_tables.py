"""Who pays, as Arrow tables for SQL: cost centres, the mapping of people and of other actors, rules, seats.

Promise: every version that a close has kept stays readable beside the files of today; a version is known by the
hash of what it says. Rule book: reference finops, sections 4.1, 4.2 and 7.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

import pyarrow as pa

from warehouse.finops.chargeback_tables import batch_of, fine
from warehouse.finops.cost_centers import UNALLOCATED, CostCenters, Membership
from warehouse.finops.preparing import Prepared
from warehouse.finops.rules import Rule, Rules
from warehouse.finops.seats import PRODUCT, Contract

T = TypeVar("T")

_MONEY = pa.decimal128(38, 8)
_VERSION = [
    pa.field("version", pa.string()),
    pa.field("recorded_at", pa.timestamp("us", "UTC")),
    pa.field("is_current", pa.bool_()),
]
_VALID = [pa.field("valid_from", pa.date32()), pa.field("valid_to", pa.date32())]
_PLACED = [("cost_center", pa.string()), ("percent", pa.decimal128(18, 12)), *_VALID]
_PERSON = [("user_id", pa.string()), ("user_email", pa.string())]

SCHEMAS = {
    "dim_cost_center": pa.schema(
        [
            ("cost_center", pa.string()), ("is_unallocated", pa.bool_()), ("named_by", pa.list_(pa.string())),
            *_VALID, ("is_active", pa.bool_()),
        ]
    ),
    "map_user_cost_center": pa.schema([*_VERSION, ("row", pa.int32()), *_PERSON, *_PLACED]),
    "map_actor_cost_center": pa.schema(
        [*_VERSION, ("row", pa.int32()), ("actor_kind", pa.string()), ("actor_id", pa.string()), *_PLACED]
    ),
    "allocation_rule": pa.schema(
        [
            *_VERSION, ("position", pa.int32()), ("rule_id", pa.string()), ("method", pa.string()),
            ("driver", pa.string()), ("conditions", pa.string()), ("centers", pa.list_(pa.string())),
            ("weights", pa.string()), ("grace_days", pa.int32()), *_VALID,
        ]
    ),
    "seat_contract": pa.schema(
        [
            *_VERSION, ("row", pa.int32()), ("tier", pa.string()), ("quantity", pa.int64()),
            ("unit_price", _MONEY), *_VALID, ("proration", pa.string()), ("owner_cost_center", pa.string()),
        ]
    ),
    "fct_seat_day": pa.schema(
        [
            ("period", pa.string()), ("day", pa.date32()), ("tier", pa.string()), ("seat_status", pa.string()),
            *_PERSON, ("cost_center", pa.string()), ("seats", _MONEY), ("fee", _MONEY),
        ]
    ),
}  # fmt: skip
_KINDS = {"svac_": "service_account_actor", "apikey_": "api_actor"}


@dataclass(frozen=True)
class Payers:
    """One state of the customer's files. `recorded_at` is when a close first kept it; None for files that none has
    kept yet. `contracts_sha256` is over the file as it was."""

    mapping: CostCenters
    rules: Rules
    contracts: Sequence[Contract]
    contracts_sha256: str
    recorded_at: datetime | None


def payer_batches(versions: Sequence[Payers], statement_centers: Iterable[str]) -> dict[str, pa.RecordBatch]:
    """The tables of all versions, oldest first; the last is that of today. `fct_seat_day` is not among them."""
    mappings = _distinct([(one.mapping.sha256, one.recorded_at, one.mapping) for one in versions])
    rules = _distinct([(one.rules.version, one.recorded_at, one.rules) for one in versions])
    contracts = _distinct([(one.contracts_sha256, one.recorded_at, one.contracts) for one in versions])
    records: dict[str, list[tuple[object, ...]]] = {
        "dim_cost_center": _centers(versions, statement_centers),
        "map_user_cost_center": [
            (*head, row.line, row.user_id or None, row.user_email or None, *_placed(row))
            for head, mapping in mappings
            for row in mapping.all_rows
            if _kind(row) is None
        ],
        "map_actor_cost_center": [
            (*head, row.line, _kind(row), row.user_id, *_placed(row))
            for head, mapping in mappings
            for row in mapping.all_rows
            if _kind(row) is not None
        ],
        "allocation_rule": [
            (*head, position, *_rule(rule))
            for head, version in rules
            for position, rule in enumerate(version.rules, start=1)
        ],
        "seat_contract": [
            (
                *head, one.line, one.tier, one.quantity, fine(one.unit_price), one.valid_from, one.valid_to,
                one.proration, one.owner_cost_center,
            )
            for head, version in contracts
            for one in version
        ],
    }  # fmt: skip
    return {name: batch_of(rows, SCHEMAS[name]) for name, rows in records.items()}


def seat_day_batch(done: Prepared) -> pa.RecordBatch:
    """The seats of a month by day, as they are in its statement."""
    records = [
        (
            str(done.statement.period), line.row.day, line.row.model,
            (line.row.cost_type or "").removeprefix("seat_"), line.row.actor_id, line.row.actor_email,
            line.cost_center, fine(line.quantity), fine(line.amount),
        )
        for line in done.allocation.lines
        if line.row.product == PRODUCT
    ]  # fmt: skip
    return batch_of(records, SCHEMAS["fct_seat_day"])


def _distinct(versions: Sequence[tuple[str, datetime | None, T]]) -> list[tuple[tuple[object, ...], T]]:
    """Each version once, under the time at which it was first recorded, with its three leading columns."""
    found: dict[str, tuple[datetime | None, T]] = {}
    for version, recorded_at, what in versions:
        found.setdefault(version, (recorded_at, what))
    current = versions[-1][0]
    return [((version, recorded_at, version == current), what) for version, (recorded_at, what) in found.items()]


def _kind(row: Membership) -> str | None:
    """The kind of actor of a row that is not about a person: by the tag of its id, `unknown` for another id."""
    if row.user_email or row.user_id.startswith("user_"):
        return None
    return next((kind for tag, kind in _KINDS.items() if row.user_id.startswith(tag)), "unknown")


def _placed(row: Membership) -> tuple[object, ...]:
    return row.cost_center, 100 if row.percent is None else row.percent, row.valid_from, row.valid_to


def _rule(rule: Rule) -> tuple[object, ...]:
    facts = rule.facts()
    begin = None if rule.valid_from == date.min else rule.valid_from
    end = None if rule.valid_to == date.max else rule.valid_to
    shown = [json.dumps(facts[name], sort_keys=True) for name in ("where", "weights")]
    driver = rule.driver if rule.method == "proportional" else None
    return rule.rule_id, rule.method, driver, shown[0], list(rule.centers), shown[1], rule.grace_days, begin, end


def _centers(versions: Sequence[Payers], statement_centers: Iterable[str]) -> list[tuple[object, ...]]:
    """Every centre that any version or statement names. Active is what the files of today name with no end."""
    named: dict[str, set[str]] = {UNALLOCATED: {"statement"}}
    spans: dict[str, list[tuple[date, date]]] = {}
    for center in statement_centers:
        named.setdefault(center, set()).add("statement")
    for one in versions:
        for row in one.mapping.all_rows:
            named.setdefault(row.cost_center, set()).add("mapping")
            spans.setdefault(row.cost_center, []).append((row.valid_from, row.end))
        for center in one.rules.centers:
            named.setdefault(center, set()).add("rules")
        for contract in one.contracts:
            named.setdefault(contract.owner_cost_center, set()).add("seat_contracts")
    today = versions[-1]
    lasting = {row.cost_center for row in today.mapping.all_rows if row.valid_to is None} | today.rules.centers
    lasting |= {one.owner_cost_center for one in today.contracts if one.valid_to is None} | {UNALLOCATED}
    rows: list[tuple[object, ...]] = []
    for center, by in sorted(named.items()):
        begin = min((begin for begin, _ in spans.get(center, [])), default=None)
        end = None if center in lasting else max((end for _, end in spans.get(center, [])), default=None)
        rows.append((center, center == UNALLOCATED, sorted(by), begin, end, center in lasting))
    return rows
