"""The statement of a month as an asset: what each cost centre pays, and the checks that hold it to its source.

A partition is a calendar month, UTC. What may not be summed: `exact` of corrections, which are booked in cents.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import dagster as dg

from assets.audit import OWNERS
from assets.failures import told_plainly
from assets.payer_versions import record_payers
from assets.period_books import Bookkeeping, bookkeeping
from assets.report_links import link
from assets.statement_files import write_statement
from assets.statement_verdicts import OF_STATEMENT
from assets.tie_out_verdicts import OF_TIE_OUT
from assets.workshop import Workshop
from warehouse.finops.money import text
from warehouse.finops.periods import Period
from warehouse.finops.preparing import Prepared
from warehouse.finops.statement import Statement

MONTHS = dg.MonthlyPartitionsDefinition(start_date="2026-01-01", timezone="UTC")
NAME = "chargeback_statement"
JUDGES = (*OF_STATEMENT, *OF_TIE_OUT)
_LINKED = ("statement.xlsx", "statement.csv", "statement.pdf", "journal.csv")


@dg.asset(
    name=NAME,
    deps=["cost_rows", "usage_rows"],
    partitions_def=MONTHS,
    group_name="spend",
    kinds={"json", "csv"},
    owners=OWNERS,
    check_specs=[
        dg.AssetCheckSpec(
            judge.__name__, asset=NAME, description=" ".join((judge.__doc__ or "").split()), blocking=blocking
        )
        for judge, blocking in JUDGES
    ],
)
def chargeback_statement(
    context: dg.AssetExecutionContext, workshop: dg.ResourceParam[Workshop]
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """What each cost centre pays for a month, as files: statement as JSON and CSV, and the ledger journal.

    - **Source**: `cost_rows`, `usage_rows`, and the files of `[finops]`: cost centres, rules, seat contracts.
    - **Grain**: one line per cost centre, service, model, category of charge; corrections apart.
    - **Window**: one calendar month. A closed month is written as it was published; closing is a command of a
      person, `ledgerline finops close`.
    - **Promise**: the lines add up to the vendor's ungrouped total of the month, to the cent; the same inputs give
      the same bytes.
    """
    with told_plainly():
        period = Period.parse(context.partition_key[:7])
        with bookkeeping(workshop) as desk:
            statement, done = _made(desk, period)
            if done is not None:  # made from today's files: what they said stays known
                record_payers(desk)
            written = write_statement(statement, workshop.reports / str(period))
            verdicts = [(judge.__name__, judge(workshop, statement, done)) for judge, _ in JUDGES]
        links = {path.name: link(workshop, path) for path in written if path.name in _LINKED}
        yield dg.MaterializeResult(metadata=_metadata(statement, [str(path) for path in written]) | links)
        for name, verdict in verdicts:
            yield dg.AssetCheckResult(
                passed=verdict.good,
                check_name=name,
                severity=dg.AssetCheckSeverity.ERROR if verdict.severe else dg.AssetCheckSeverity.WARN,
                description=verdict.text,
                metadata=verdict.facts,
            )


def _made(desk: Bookkeeping, period: Period) -> tuple[Statement, Prepared | None]:
    published = desk.books.statements.get(period)
    if published is not None:
        return published, None
    done = desk.prepare(period)
    return done.statement, done


def _metadata(statement: Statement, written: list[str]) -> dict[str, Any]:
    rows = "\n".join(f"| {_cell(center)} | {amount:,.2f} |" for center, amount in statement.by_center().items())
    head = "| centre | USD |\n| --- | ---: |"
    return {
        "state": statement.state,
        "number": statement.number,
        "total": text(statement.total, 2),
        "source total": text(statement.source_total),
        "unallocated": text(statement.unallocated, 2),
        # floats are for the plot of the UI only, beside the exact text
        "total USD": _plotted(statement.total),
        "unallocated USD": _plotted(statement.unallocated),
        "summary": dg.MetadataValue.md(f"**{statement.total:,.2f} USD**\n\n{head}\n{rows}"),
        "lines": len(statement.lines),
        "files": dg.MetadataValue.json(written),
    }


def _plotted(amount: Decimal) -> float:
    return round(float(amount), 2)


def _cell(name: str) -> str:
    """A name in a Markdown table: data, whatever is in it."""
    return "".join(f"&#{ord(letter)};" if letter in "|<>&`*_[]\\" else letter for letter in name)
