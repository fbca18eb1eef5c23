"""The pretend vendor's invoices for the demo: one a month, a line for each product, each rounded by itself.

The amounts are of the tenant's own ledger, not of what was pulled, so that the bridge to an invoice proves
something.
"""

import csv
import json
import urllib.request
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

from warehouse.finops.money import CENT
from warehouse.finops.periods import Period
from warehouse.finops.reconciliation import COLUMNS


def write_invoices(url: str, folder: Path, months: Sequence[Period], at: str) -> None:
    """Write `2026-10.csv` and so on to a folder: what the tenant at `url` bills for each of the months, by its
    figures of the moment `at`."""
    folder.mkdir(parents=True, exist_ok=True)
    for month in months:
        number = f"DEMO-{month}"
        with (folder / f"{month}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            for product, amount in sorted(_billed(url, month, at).items()):
                writer.writerow([number, month.end.isoformat(), "USD", "usage", f"Claude: {product}", amount])


def _billed(url: str, month: Period, at: str) -> dict[str, Decimal]:
    """USD by product, in whole cents."""
    asked = f"{url}/_sandbox/spend?start={month.start}&end={month.end}&by=product&at={at}"
    with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310 - our own loopback address
        rows = json.load(answer)
    return {
        row["product"] or "without a product": Decimal(row["amount"]).scaleb(-2).quantize(CENT, ROUND_HALF_EVEN)
        for row in rows
    }
