"""What more can be said of a month's statement: by service, by row, by correction, by manifest, by invoice.

Promise: a verdict that is not good says what to do. Knows no Dagster.
Rule book: reference finops, section 7, checks.
"""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from assets.cost_lines import coverage
from assets.invoices import compared, invoice_of
from assets.period_books import bookkeeping, close_entry, file_of
from assets.statement_verdicts import Judge
from assets.verdicts import Verdict
from assets.workshop import Workshop
from warehouse.archive.entry import sha256_hex
from warehouse.finops.closing import MANIFEST, STATEMENT_JSON
from warehouse.finops.cost_centers import UNALLOCATED
from warehouse.finops.money import EXACT, ZERO, text, to_cents, total
from warehouse.finops.preparing import Prepared
from warehouse.finops.seats import PRODUCT
from warehouse.finops.statement import Statement
from warehouse.tables.catalog import connect
from warehouse.tables.masking import ACCOUNTING

_NAMED = 5
_WHOLE = Decimal(100)
_BY_SERVICE = """
select product, sum(coalesce(amount, 0)) from cost_rows where day >= $start and day < $end group by product
"""
_BY_ORGANIZATION = """
select organization_id, sum(coalesce(amount, 0)) from cost_rows where day >= $start and day < $end group by all
"""


def each_service_is_its_source(workshop: Workshop, statement: Statement, done: Prepared | None) -> Verdict:
    """The lines of each service, and the rows of each organisation, are the vendor's rows of it, exactly; what has
    neither is the difference to the ungrouped total. When not, do not send the statement: run `ledgerline verify`
    and report the service. A closed month was held to this at its close."""
    if done is None:
        return Verdict(True, f"{statement.period} is closed; it was held to its services at the close.")
    span = {"start": statement.period.start, "end": statement.period.end}
    with connect(workshop.archive, unmasked=ACCOUNTING) as db:
        services = dict(db.execute(_BY_SERVICE, span).fetchall())
        organizations = dict(db.execute(_BY_ORGANIZATION, span).fetchall())
    ours: dict[str, dict[str | None, Decimal]] = {
        "service": defaultdict(Decimal),
        "organisation": defaultdict(Decimal),
    }
    for line in statement.own_lines:
        ours["service"][line.key.service] = EXACT.add(ours["service"][line.key.service], line.exact)
    for part in done.allocation.lines:
        name = part.row.organization
        ours["organisation"][name] = EXACT.add(ours["organisation"][name], part.amount)
    wrong = [
        f"{what} {name}: the statement has {text(sums.get(name, ZERO))}, the vendor {text(theirs.get(name, ZERO))}"
        for what, sums, theirs in (
            ("service", ours["service"], services),
            ("organisation", ours["organisation"], organizations),
        )
        for name in sorted({*sums, *theirs} - {None, PRODUCT}, key=str)
        if sums.get(name, ZERO) != theirs.get(name, ZERO)
    ]
    facts = {"services": len(services), "organisations": len(organizations), "that differ": len(wrong)}
    if wrong:
        named = "; ".join(wrong[:_NAMED])
        return Verdict(False, f"{named}. Do not send it; run `ledgerline verify`.", True, facts=facts)
    return Verdict(True, f"{len(services)} services and {len(organizations)} organisations tie.", facts=facts)


def every_dollar_has_one_centre(workshop: Workshop, statement: Statement, done: Prepared | None) -> Verdict:
    """Each row of the month is taken by one rule, and its parts add up to it and to 100 percent. When not, the
    allocation is wrong: do not send the statement, and report the rule. A closed month was held to this at its
    close."""
    if done is None:
        return Verdict(True, f"{statement.period} is closed; it was held to its rows at the close.")
    parts: dict[int, list[Any]] = defaultdict(list)
    for line in done.allocation.lines:
        parts[id(line.row)].append(line)
    wrong = [
        lines[0]
        for lines in parts.values()
        if total(line.amount for line in lines) != lines[0].row.amount
        or len({line.rule_id for line in lines}) != 1
        or (None not in {line.share for line in lines} and total(line.share for line in lines) != _WHOLE)
        or len({line.cost_center for line in lines}) != len(lines)
    ]
    facts = {"rows": len(parts), "parts": len(done.allocation.lines), "wrong rows": len(wrong)}
    if wrong:
        first = wrong[0]
        return Verdict(
            False,
            f"{len(wrong)} rows are not allocated exactly once, first one of {first.row.day} by rule "
            f"{first.rule_id!r} over {text(first.row.amount)} USD. Do not send it; report the rule.",
            severe=True,
            facts=facts,
        )
    return Verdict(
        True, f"{len(parts):,} rows in {len(done.allocation.lines):,} parts, each in one centre.", facts=facts
    )


def closed_month_is_as_published(workshop: Workshop, statement: Statement, done: Prepared | None) -> Verdict:
    """A closed month has the bytes that its close published: statement and manifest hash to what the log names.
    When not, somebody has changed the archive: run `ledgerline verify` before anything else."""
    entry = close_entry(workshop.archive, statement.period)
    if entry is None:
        return Verdict(True, f"{statement.period} is not closed yet.")
    step = entry.period if isinstance(entry.period, dict) else {}
    body = workshop.archive.read(file_of(entry, STATEMENT_JSON))
    manifest = sha256_hex(workshop.archive.read(file_of(entry, MANIFEST)))
    facts = {"statement": sha256_hex(body), "manifest": manifest, "entry": entry.seq}
    if manifest != step.get("manifest_sha256") or body != statement.to_json():
        return Verdict(
            False,
            f"What entry {entry.seq} published for {statement.period} is not what is there now. Run "
            "`ledgerline verify`, and send nothing until it is clean.",
            severe=True,
            facts=facts,
        )
    return Verdict(True, f"As published in entry {entry.seq}, byte for byte.", facts=facts)


def corrections_are_of_closed_months(workshop: Workshop, statement: Statement, done: Prepared | None) -> Verdict:
    """Each correction is of an earlier month that is closed, and what was published, taken back and booked anew
    adds up to what that month costs today. When not, reopen nothing and report the month."""
    about = sorted({line.original_period for line in statement.lines if line.original_period})
    facts: dict[str, Any] = {"months corrected": ", ".join(map(str, about)) or "none"}
    early = [month for month in about if month >= statement.period]
    if early:
        return Verdict(
            False, f"{statement.period} corrects {early[0]}, which is not before it. Report it.", True, facts=facts
        )
    if not about or done is None:
        return Verdict(True, f"{len(about)} closed months are corrected.", facts=facts)
    wrong = []
    with bookkeeping(workshop) as desk:
        for month in about:
            if desk.books.state(month) != "closed":
                wrong.append(f"{month} is {desk.books.state(month)}, not closed")
                continue
            booked = total(line.billed for line in desk.books.booked(month).values())
            here = total(line.billed for line in statement.lines if line.original_period == month)
            today = desk.recomputed(month).statement.total
            facts[f"{month} today"] = text(today, 2)
            if EXACT.add(booked, here) != today:
                wrong.append(
                    f"{month}: {text(booked, 2)} booked and {text(here, 2)} corrected are not {text(today, 2)}"
                )
    if wrong:
        return Verdict(False, f"{'; '.join(wrong[:_NAMED])}. Do not close; report the month.", True, facts=facts)
    return Verdict(True, f"{len(about)} closed months are corrected, and explained to the cent.", facts=facts)


def invoice_is_explained(workshop: Workshop, statement: Statement, done: Prepared | None) -> Verdict:
    """The vendor's invoice of the month is our cost by steps with reasons, and nothing is left. When something is,
    `ledgerline finops reconcile` shows the steps: ask the vendor about the rest, or correct the file. The invoice
    is the file of the month in the folder of `finops.invoices`."""
    with bookkeeping(workshop) as desk:
        invoice = invoice_of(desk, statement.period)
        if not invoice:
            return Verdict(True, f"No invoice of {statement.period} is there to compare with.")
        bridge = compared(desk, statement.period, invoice)
    facts = {step.reason: text(step.amount, 2) for step in bridge.steps}
    facts |= {"invoice": text(bridge.invoice_total, 2), "unexplained": text(bridge.unexplained, 2)}
    if bridge.ties:
        return Verdict(True, f"The invoice over {facts['invoice']} USD is explained.", facts=facts)
    return Verdict(
        False,
        f"{facts['unexplained']} of the invoice's {facts['invoice']} USD are unexplained. Look at "
        f"`ledgerline finops reconcile --period {statement.period}`, then ask the vendor or correct the file.",
        severe=True,
        facts=facts,
    )


def days_are_complete(workshop: Workshop, statement: Statement, done: Prepared | None) -> Verdict:
    """Every day of the month that has passed was read to its last page. Where one is missing, backfill cost_rows
    for it: the statement lacks its cost, and the month cannot be closed."""
    held = coverage(workshop.archive.state, statement.period)
    today = workshop.clock().date()
    # the vendor's figures are normally there within four hours, at most 24
    due = [day for day in statement.period.days if (today - day).days > 2]
    missing = [day for day in due if day not in held.complete]
    facts = {"days due": len(due), "days missing": len(missing)}
    if missing:
        named = ", ".join(str(day) for day in missing[:_NAMED])
        return Verdict(False, f"{len(missing)} days are missing: {named}. Backfill cost_rows there.", facts=facts)
    return Verdict(True, f"All {len(due)} days that are due are there.", facts=facts)


def actors_are_known(workshop: Workshop, statement: Statement, done: Prepared | None) -> Verdict:
    """Everybody who costs something stands in cost_centers.csv on some day. Who does not is new, or was forgotten:
    add a row, or a rule. Until then it is UNALLOCATED."""
    unknown = {} if done is None else done.allocation.unknown
    cost = to_cents(total(unknown.values()))
    facts = {"unknown actors": len(unknown), "their cost": text(cost, 2)}
    if not unknown:
        return Verdict(True, "Everybody who costs something has had a cost centre.", facts=facts)
    said = f"{len(unknown)} actors that cost_centers.csv has never named cost {text(cost, 2)} USD."
    return Verdict(False, f"{said} unallocated_is_small names the largest: add rows.", facts=facts)


def centres_have_somebody(workshop: Workshop, statement: Statement, done: Prepared | None) -> Verdict:
    """Every centre that pays by a rule or a seat contract is one of the mapping. One that is not may be a spelling
    mistake: look at the rules and contracts, or give the centre a row in cost_centers.csv."""
    if done is None:
        return Verdict(True, f"{statement.period} is closed; its centres were looked at before.")
    with bookkeeping(workshop) as desk:
        known = desk.payers.mapping.centers | {UNALLOCATED}
    strange = sorted({line.key.cost_center for line in statement.lines} - known)
    facts = {"centres": len(known), "without a row": ", ".join(strange[:_NAMED]) or "none"}
    if strange:
        named = ", ".join(strange[:_NAMED])
        return Verdict(False, f"No row of the mapping has {named}. Is it spelled as elsewhere?", facts=facts)
    return Verdict(True, "Every centre that pays stands in the mapping.", facts=facts)


# Each judge, and whether a severe failure stops what is built on the statement.
OF_TIE_OUT: tuple[tuple[Judge, bool], ...] = (
    (each_service_is_its_source, True),
    (every_dollar_has_one_centre, True),
    (closed_month_is_as_published, True),
    (corrections_are_of_closed_months, True),
    (invoice_is_explained, True),
    (days_are_complete, False),
    (actors_are_known, False),
    (centres_have_somebody, False),
)
