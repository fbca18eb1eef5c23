"""A period as FOCUS Cost and Usage rows: one for each allocated line of a day, its corrections, and its rounding.

Promise: `BilledCost` adds up to the statement, to the cent: the exact amounts, and one Adjustment row for what the
rounding of the statement added. Rule book: reference finops, section 1.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.finops.allocation import AllocatedLine
from warehouse.finops.cost_centers import UNALLOCATED
from warehouse.finops.customer_files import Number, csv_bytes
from warehouse.finops.errors import InputRefused
from warehouse.finops.focus_columns import COST_AND_USAGE, arrow_schema
from warehouse.finops.inputs import CURRENCY
from warehouse.finops.money import EXACT, SCALE, ZERO, minus, text, total
from warehouse.finops.periods import Period
from warehouse.finops.seats import PRODUCT as SEATS
from warehouse.finops.statement import Line, Statement
from warehouse.wire.times import midnight, rfc3339

SCHEMA = arrow_schema(COST_AND_USAGE)
ISSUER = "Anthropic"
SERVICE_NAMES = {
    "chat": "Claude.ai",
    "chat_cowork_unified": "Claude.ai",
    "claude_code": "Claude Code",
    "cowork": "Claude Cowork",
    "claude_console": "Claude API",
    "messages_api": "Claude API",
    "message_batches_api": "Claude API",
    "managed_agents_api": "Claude API",
    SEATS: "Claude seats",
}
_METERS = {
    "uncached_input_tokens": "Input Tokens",
    "output_tokens": "Output Tokens",
    "cache_read_input_tokens": "Cache Read Tokens",
    "cache_creation.ephemeral_5m_input_tokens": "Cache Write 5m Tokens",
    "cache_creation.ephemeral_1h_input_tokens": "Cache Write 1h Tokens",
}
_RESOURCE_TYPES = {
    "user_actor": "User",
    "service_account_actor": "Service Account",
    "api_actor": "API Key",
    "federated_actor": "Federated Identity",
}
_FINEST = Decimal(1).scaleb(-SCALE)
_FINEST_PRICE = Decimal(1).scaleb(-12)
_ROUGH = Context(prec=60)
_WIDE = Context(prec=38)
_BATCH = 20_000


@dataclass(frozen=True)
class Account:
    """Whose bill it is: FOCUS BillingAccount. `host` is who runs the service (Anthropic, or a cloud)."""

    id: str
    name: str | None = None
    host: str = ISSUER


def cost_and_usage(
    statement: Statement,
    allocated: Iterable[AllocatedLine],
    account: Account,
    *,
    mapping_version: str,
    rules_version: str,
    invoice_id: str | None = None,
) -> pa.Table:
    """The rows of a period, in the order of the allocated lines, then corrections, then the rounding.

    `allocated` are the lines that the statement's own lines were made from. Corrections stand for a whole month,
    the original one, since a statement books them by month. Amounts finer than eight decimals are rounded to
    eight, and the rounding row makes up for it.
    """
    context = _Context(statement, account, mapping_version, rules_version, invoice_id)
    batches, exact = [], ZERO
    for rows in _chunks(context.rows(allocated)):
        exact = total([exact, *(row["BilledCost"] for row in rows)])
        batches.append(pa.RecordBatch.from_pylist(rows, schema=SCHEMA))
    rest = minus(statement.total, exact)
    if rest:
        batches.append(pa.RecordBatch.from_pylist([context.rounding(rest)], schema=SCHEMA))
    return pa.Table.from_batches(batches, schema=SCHEMA)


@dataclass(frozen=True)
class _Context:
    statement: Statement
    account: Account
    mapping_version: str
    rules_version: str
    invoice_id: str | None

    def rows(self, allocated: Iterable[AllocatedLine]) -> Iterator[dict[str, Any]]:
        for line in allocated:
            yield self._of_a_day(line)
        for correction in self.statement.lines:
            if correction.original_period:
                yield self._correction(correction, correction.original_period)

    def _of_a_day(self, line: AllocatedLine) -> dict[str, Any]:
        row = line.row
        tax = row.charge_category == "Tax"
        usage = row.charge_category == "Usage"
        quantity, unit = line.quantity, row.unit
        if quantity is None and line.requests is not None:
            quantity, unit = Decimal(line.requests), "Requests"
        if quantity is None:
            unit = None
        seat = row.product == SEATS
        split = line.share is None or line.share != Decimal(100)
        return self._row(
            center=line.cost_center,
            begin=row.day,
            end=row.day + timedelta(days=1),
            product=row.product,
            model=row.model,
            category=row.charge_category,
            billed=line.amount,
            listed=line.list_amount,
            BillingAccountId=row.organization or self.account.id,
            ChargeDescription=_description(line),
            ChargeFrequency="Recurring" if seat else "Usage-Based" if usage else "One-Time",
            ConsumedQuantity=fine(quantity) if usage else None,
            ConsumedUnit=unit if usage else None,
            PricingQuantity=None if tax else fine(quantity),
            PricingUnit=None if tax else unit,
            ResourceId=row.actor_id or row.actor_email,
            ResourceName=row.actor_email if row.actor_id else None,
            ResourceType=_RESOURCE_TYPES.get(row.actor_kind or "", row.actor_kind) if row.actor_id else None,
            SkuMeter=_METERS.get(row.token_type or "", row.token_type) or row.cost_type,
            AllocatedMethodId=line.rule_id if split else None,
            AllocatedMethodDetails=_json({"share_percent": text(line.share, 0) if line.share else None})
            if split
            else None,
            x_AllocationRule=line.rule_id,
            x_PrincipalId=row.actor_id or row.actor_email,
            x_PrincipalType=row.actor_kind,
            x_SourceCommit=row.source_commit,
            x_TokenType=row.token_type,
        )

    def _correction(self, line: Line, original: Period) -> dict[str, Any]:
        # a correction is money that was booked, so its cents count and not what they were rounded from
        return self._row(
            center=line.key.cost_center,
            begin=original.start,
            end=original.end,
            product=line.key.service,
            model=line.key.model,
            category=line.key.charge_category,
            billed=line.billed,
            listed=line.list_amount,
            ChargeClass=line.charge_class,
            ChargeDescription=f"{'Reversal' if line.reversal else 'Rebooking'} of {original}",
            ChargeFrequency="One-Time",
            ConsumedQuantity=fine(line.quantity) if line.key.charge_category == "Usage" else None,
            ConsumedUnit=line.key.unit
            if line.quantity is not None and line.key.charge_category == "Usage"
            else None,
            PricingQuantity=fine(line.quantity) if line.key.charge_category != "Tax" else None,
            PricingUnit=line.key.unit if line.quantity is not None and line.key.charge_category != "Tax" else None,
            x_OriginalPeriod=str(original),
        )

    def rounding(self, amount: Decimal) -> dict[str, Any]:
        """The row that turns the exact amounts into the cents of the statement."""
        period = self.statement.period
        return self._row(
            center=UNALLOCATED,
            begin=period.start,
            end=period.end,
            product=None,
            model=None,
            category="Adjustment",
            billed=amount,
            listed=amount,
            ChargeDescription="Rounding of the statement to whole cents",
            ChargeFrequency="One-Time",
            x_AllocationRule="rounding",
        )

    def _row(
        self,
        *,
        center: str,
        begin: date,
        end: date,
        product: str | None,
        model: str | None,
        category: str,
        billed: Decimal,
        listed: Decimal | None,
        **more: Any,
    ) -> dict[str, Any]:
        period = self.statement.period
        cost, quantity = fine(billed), more.get("PricingQuantity")
        list_cost = cost if listed is None else fine(listed)
        return {
            "BilledCost": cost,
            "EffectiveCost": cost,
            "ContractedCost": cost,
            "ListCost": list_cost,
            "ContractedUnitPrice": unit_price(cost, quantity),
            "ListUnitPrice": None if listed is None else unit_price(list_cost, quantity),
            "BillingAccountId": self.account.id,
            "BillingAccountName": self.account.name,
            "BillingAccountType": "Organization",
            "BillingCurrency": CURRENCY,
            "BillingPeriodStart": midnight(period.start),
            "BillingPeriodEnd": midnight(period.end),
            "ChargePeriodStart": midnight(begin),
            "ChargePeriodEnd": midnight(end),
            "ChargeCategory": category,
            "InvoiceId": self.invoice_id,
            "InvoiceIssuerName": ISSUER,
            "ProviderName": ISSUER,
            "PublisherName": ISSUER,
            "ServiceProviderName": ISSUER,
            "HostProviderName": self.account.host,
            "ServiceCategory": "AI and Machine Learning",
            "ServiceSubcategory": "Generative AI",
            "ServiceName": SERVICE_NAMES.get(product or "", "Claude"),
            "SkuId": model,
            "Tags": _json({"cost_center": center}),
            "x_CostCenter": center,
            "x_MappingVersion": self.mapping_version,
            "x_AllocationVersion": self.rules_version,
            "x_Model": model,
            "x_Product": product,
            "x_StatementNumber": self.statement.number,
            **more,
        }


def _description(line: AllocatedLine) -> str:
    row = line.row
    parts = [row.product or "no product", row.model, row.cost_type, row.token_type]
    return ", ".join(part for part in parts if part)


def fine(amount: Decimal | None) -> Decimal | None:
    """An amount with eight decimals, which is how fine the columns are."""
    if amount is None:
        return None
    return amount.quantize(_FINEST, rounding=ROUND_HALF_EVEN, context=_WIDE)


def unit_price(cost: Decimal | None, quantity: Decimal | None) -> Decimal | None:
    """What one unit cost: only where price times quantity is the cost exactly, as decimals and as the floats that
    consumers compare; else None, because a price that does not multiply is worse than none."""
    if cost is None or not quantity:
        return None
    price = _ROUGH.divide(cost, quantity).quantize(_FINEST_PRICE, rounding=ROUND_HALF_EVEN, context=_WIDE)
    exact = EXACT.multiply(price, quantity) == cost
    return price if exact and float(price) * float(quantity) == float(cost) else None


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _chunks(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == _BATCH:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def check_ending(path: Path) -> None:
    """Raises InputRefused where a path ends in neither .parquet nor .csv."""
    if path.suffix.lower() not in (".parquet", ".csv"):
        raise InputRefused(f"{path.name}: a FOCUS file ends in .parquet or .csv; give --out such a name")


def file_bytes(table: pa.Table, path: Path) -> bytes:
    """A FOCUS table as a file: Parquet or CSV, by the ending of the path. Raises InputRefused for another ending.

    The same table gives the same bytes. In CSV every decimal has its point, times are RFC 3339, null is empty.
    """
    check_ending(path)
    if path.suffix.lower() == ".parquet":
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", compression_level=3)
        return bytes(sink.getvalue())
    rows = (_csv_row(record) for batch in table.to_batches() for record in batch.to_pylist())
    return csv_bytes(table.schema.names, rows)


def _csv_row(record: Mapping[str, Any]) -> Sequence[str | int | None]:
    return [_csv_cell(value) for value in record.values()]


def _csv_cell(value: Any) -> str | int | None:
    if isinstance(value, Decimal):
        return Number(text(value))
    if isinstance(value, datetime):
        return rfc3339(value)
    return value  # type: ignore[no-any-return]
