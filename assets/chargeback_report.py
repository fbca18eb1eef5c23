"""The report of a month as an asset: the page that people forward, as a link in the UI.

A partition is a calendar month, UTC. It is made only of a statement that is its source.
"""

import dagster as dg

from assets.audit import OWNERS
from assets.chargeback import MONTHS, NAME
from assets.failures import told_plainly
from assets.period_books import bookkeeping
from assets.report_files import PRINTED, REPORT, write_report
from assets.report_links import link
from assets.workshop import Workshop
from warehouse.finops.money import text
from warehouse.finops.periods import Period


@dg.asset(
    deps=[NAME],
    partitions_def=MONTHS,
    group_name="spend",
    kinds={"html"},
    owners=OWNERS,
)
def chargeback_report(
    context: dg.AssetExecutionContext, workshop: dg.ResourceParam[Workshop]
) -> dg.MaterializeResult[None]:
    """A month as one page to read, print and forward, with the files of its statement beside it.

    - **Source**: `chargeback_statement` of the month and of those before it, and the files of `[finops]`.
    - **Grain**: one page for a month.
    - **Window**: one calendar month; a closed one is reported as it was published.
    - **Promise**: fetches nothing, runs no script, names no person; the same books give the same bytes. It is not
      made where the statement is not the vendor's total.
    """
    with told_plainly():
        period = Period.parse(context.partition_key[:7])
        with bookkeeping(workshop) as desk:
            written = write_report(desk, period, workshop.reports / str(period))
    statement, names = written.report.statement, {path.name: path for path in written.files}
    printed = {"printed": link(workshop, names[PRINTED])} if PRINTED in names else {}
    return dg.MaterializeResult(
        metadata={
            "report": link(workshop, names[REPORT]),
            **printed,
            "state": statement.state,
            "total": text(statement.total, 2),
            "summary": dg.MetadataValue.md(f"**{period}: {statement.total:,.2f} USD**, {statement.state}"),
        }
    )
