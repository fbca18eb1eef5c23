"""The columns of our FOCUS files: name, type, whether null is allowed, and the specification that has it.

Data, not code. The file is FOCUS 1.2 with the columns of 1.4 behind it and our own (`x_`) last.
Rule book: reference finops, sections 1.2 and 1.3.
"""

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

Version = Literal["1.2", "1.3", "1.4", "ours"]

MONEY = pa.decimal128(38, 8)
QUANTITY = pa.decimal128(38, 8)
UNIT_PRICE = pa.decimal128(38, 12)
TIME = pa.timestamp("us", "UTC")
TEXT = pa.string()


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `allowed` are the only values it may have, null apart."""

    name: str
    type: pa.DataType
    nullable: bool
    since: Version = "1.2"
    allowed: tuple[str, ...] = ()


CHARGE_CATEGORIES = ("Usage", "Purchase", "Tax", "Credit", "Adjustment")

COST_AND_USAGE = (
    Column("BilledCost", MONEY, False),
    Column("BillingAccountId", TEXT, False),
    Column("BillingAccountName", TEXT, True),
    Column("BillingAccountType", TEXT, True),
    Column("BillingCurrency", TEXT, False, allowed=("USD",)),
    Column("BillingPeriodEnd", TIME, False),
    Column("BillingPeriodStart", TIME, False),
    Column("ChargeCategory", TEXT, False, allowed=CHARGE_CATEGORIES),
    Column("ChargeClass", TEXT, True, allowed=("Correction",)),
    Column("ChargeDescription", TEXT, True),
    Column("ChargeFrequency", TEXT, True, allowed=("One-Time", "Recurring", "Usage-Based")),
    Column("ChargePeriodEnd", TIME, False),
    Column("ChargePeriodStart", TIME, False),
    Column("ConsumedQuantity", QUANTITY, True),
    Column("ConsumedUnit", TEXT, True),
    Column("ContractedCost", MONEY, False),
    Column("ContractedUnitPrice", UNIT_PRICE, True),
    Column("EffectiveCost", MONEY, False),
    Column("InvoiceId", TEXT, True),
    Column("InvoiceIssuerName", TEXT, False),
    Column("ListCost", MONEY, False),
    Column("ListUnitPrice", UNIT_PRICE, True),
    Column("PricingQuantity", QUANTITY, True),
    Column("PricingUnit", TEXT, True),
    Column("ProviderName", TEXT, False),
    Column("PublisherName", TEXT, False),
    Column("RegionId", TEXT, True),
    Column("RegionName", TEXT, True),
    Column("ResourceId", TEXT, True),
    Column("ResourceName", TEXT, True),
    Column("ResourceType", TEXT, True),
    Column("ServiceCategory", TEXT, False, allowed=("AI and Machine Learning",)),
    Column("ServiceName", TEXT, False),
    Column("ServiceSubcategory", TEXT, True, allowed=("Generative AI",)),
    Column("SkuId", TEXT, True),
    Column("SkuMeter", TEXT, True),
    Column("SkuPriceDetails", TEXT, True),
    Column("SkuPriceId", TEXT, True),
    Column("SubAccountId", TEXT, True),
    Column("SubAccountName", TEXT, True),
    Column("SubAccountType", TEXT, True),
    Column("Tags", TEXT, True),
    Column("AllocatedMethodDetails", TEXT, True, "1.3"),
    Column("AllocatedMethodId", TEXT, True, "1.3"),
    Column("AllocatedResourceId", TEXT, True, "1.3"),
    Column("AllocatedResourceName", TEXT, True, "1.3"),
    Column("AllocatedTags", TEXT, True, "1.3"),
    Column("HostProviderName", TEXT, False, "1.3"),
    Column("ServiceProviderName", TEXT, False, "1.3"),
    Column("InvoiceDetailId", TEXT, True, "1.4"),
    Column("x_AllocationRule", TEXT, True, "ours"),
    Column("x_AllocationVersion", TEXT, True, "ours"),
    Column("x_CostCenter", TEXT, False, "ours"),
    Column("x_MappingVersion", TEXT, True, "ours"),
    Column("x_Model", TEXT, True, "ours"),
    Column("x_OriginalPeriod", TEXT, True, "ours"),
    Column("x_PrincipalId", TEXT, True, "ours"),
    Column("x_PrincipalType", TEXT, True, "ours"),
    Column("x_Product", TEXT, True, "ours"),
    Column("x_SourceCommit", pa.int64(), True, "ours"),
    Column("x_StatementNumber", pa.int64(), False, "ours"),
    Column("x_TokenType", TEXT, True, "ours"),
)

BILLING_PERIOD = (
    Column("BillingPeriodCreated", TIME, False, "1.4"),
    Column("BillingPeriodEnd", TIME, False, "1.4"),
    Column("BillingPeriodLastUpdated", TIME, False, "1.4"),
    Column("BillingPeriodStart", TIME, False, "1.4"),
    Column("BillingPeriodStatus", TEXT, False, "1.4", ("Open", "Closed")),
    Column("InvoiceIssuerName", TEXT, False, "1.4"),
)

INVOICE_DETAIL = (
    Column("BilledCost", MONEY, False, "1.4"),
    Column("BillingAccountId", TEXT, False, "1.4"),
    Column("BillingAccountName", TEXT, True, "1.4"),
    Column("BillingCurrency", TEXT, False, "1.4", ("USD",)),
    Column("BillingPeriodEnd", TIME, False, "1.4"),
    Column("BillingPeriodStart", TIME, False, "1.4"),
    Column("InvoiceDetailCreated", TIME, False, "1.4"),
    Column("InvoiceDetailDescription", TEXT, True, "1.4"),
    Column("InvoiceDetailGrain", TEXT, True, "1.4"),
    Column("InvoiceDetailId", TEXT, False, "1.4"),
    Column("InvoiceDetailLastUpdated", TIME, False, "1.4"),
    Column("InvoiceId", TEXT, False, "1.4"),
    Column("InvoiceIssueDate", TIME, True, "1.4"),
    Column("InvoiceIssueStatus", TEXT, False, "1.4", ("Issued",)),
    Column("InvoiceIssuerName", TEXT, False, "1.4"),
    Column("PaymentCurrency", TEXT, True, "1.4", ("USD",)),
    Column("PaymentCurrencyBilledCost", MONEY, True, "1.4"),
    Column("PaymentDueDate", TIME, True, "1.4"),
    Column("PaymentTerms", TEXT, True, "1.4"),
    Column("PurchaseOrderNumber", TEXT, True, "1.4"),
    Column("ReferenceInvoiceId", TEXT, True, "1.4"),
)


def arrow_schema(columns: tuple[Column, ...]) -> pa.Schema:
    """The columns as an Arrow schema, in their order."""
    return pa.schema([pa.field(column.name, column.type, nullable=column.nullable) for column in columns])
