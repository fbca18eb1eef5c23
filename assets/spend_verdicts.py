"""What can be said of usage and cost: one function per promise that is watched, for either stream.

Promise: a verdict that is not good says what to do. Asks the vendor nothing. Knows no Dagster.
"""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from assets.status import coverage_begins, stream_gaps
from assets.verdicts import Verdict
from assets.workshop import Workshop
from warehouse.anthropic.spend_queries import Stream
from warehouse.tables.catalog import connect
from warehouse.tables.masking import ACCOUNTING
from warehouse.wire.times import parse_rfc3339

# Documented: normally within 4 hours, up to 24.
LATE, TOO_LATE = timedelta(hours=24), timedelta(hours=48)
_NAMED = 10


def grouped_equals_total(workshop: Workshop, stream: Stream) -> Verdict:
    """The rows by actor, product and model add up to the total that the vendor gives for the same day. Where they
    do not, the difference has no owner: the next refresh reads the day again; if it stays so, ask the vendor."""
    sums = "total_amount, amount" if stream == "cost" else "total_tokens, tokens"
    with connect(workshop.archive, unmasked=ACCOUNTING) as db:
        days = db.execute(f"select count(*) from {stream}_days").fetchall()[0][0]  # noqa: S608 - one of two names
        found = db.execute(
            f"select day, {sums} from {stream}_days where not agrees order by day desc"  # noqa: S608
        ).fetchall()
    facts = {"days": days, "days that differ": len(found)}
    if not found:
        return Verdict(True, f"The rows of all {days} days add up to the total.", facts=facts)
    named = "; ".join(f"{day}: the total is {total}, the rows are {rows}" for day, total, rows in found[:_NAMED])
    return Verdict(
        False,
        f"{len(found)} days do not add up ({_unit(stream)}): {named}. The next refresh reads them again; if they "
        f"stay so, send the request ids in audit_pages to the vendor. Until then the difference has no owner.",
        severe=True,
        facts=facts,
    )


def every_day_is_pulled(workshop: Workshop, stream: Stream) -> Verdict:
    """Every day from the first one that the vendor serves to the newest window lies in a complete pull. A window
    that failed is tried again by the next run; a hole is filled by a backfill."""
    return coverage_verdict(workshop, stream, f"{stream}_rows")


def coverage_verdict(workshop: Workshop, stream: str, asset: str) -> Verdict:
    """Whether the days of a stream are covered without a hole. `asset` is what to backfill where they are not."""
    state = workshop.archive.state.stream(stream)
    holes = stream_gaps(state, coverage_begins(stream, state, workshop.start, workshop.clock()))
    facts = {"holes": len(holes), "failed windows": len(state.dead)}
    if state.dead:
        worst = max(state.dead, key=lambda dead: dead.tries)
        return Verdict(
            False,
            f"{len(state.dead)} windows failed; {worst.window} in {worst.tries} runs, the last with: "
            f"{worst.error}",
            severe=True,
            facts=facts,
        )
    if not state.covered:
        return Verdict(False, f"Nothing is pulled yet. Backfill {asset}.", facts=facts)
    if holes:
        named = ", ".join(str(hole) for hole in holes[:_NAMED])
        return Verdict(False, f"No complete pull covers {named}. Backfill {asset} there.", facts=facts)
    return Verdict(True, f"Whole from {state.covered[0].start.date()} on.", facts=facts)


def figures_are_fresh(workshop: Workshop, stream: Stream) -> Verdict:
    """The vendor's figures reach to within 24 hours of now (severe: 48). When not, see that the schedule
    spend_when_refreshed is running and what the vendor's status page says."""
    refreshed = workshop.archive.state.stream(stream).refreshed_at
    if refreshed is None:
        return Verdict(False, f"Nothing is pulled yet. Backfill {stream}_rows.")
    behind = workshop.clock() - parse_rfc3339(refreshed)
    facts = {"figures reach to": refreshed, "hours behind": round(behind / timedelta(hours=1), 1)}
    if behind <= LATE:
        return Verdict(True, f"The figures reach to {refreshed}.", facts=facts)
    return Verdict(
        False,
        f"The newest figures reach to {refreshed} only. Is the schedule spend_when_refreshed running, and did its "
        "last run fail?",
        severe=behind > TOO_LATE,
        facts=facts,
    )


def restatements_are_known(workshop: Workshop, stream: Stream) -> Verdict:
    """Days whose figures the vendor has changed since they were first pulled. That is normal for 30 days and never
    after that; each is in the table of restatements, with both figures. One after the day was final may concern a
    month that is closed: ask the vendor."""
    with connect(workshop.archive, unmasked=ACCOUNTING) as db:
        total, days, change, late, after = db.execute(
            f"""
            select count(*), count(distinct day), coalesce(sum(change), 0),
                   count(*) filter (where date_diff('day', day, cast(refreshed_before as date)) >= 31),
                   max(day) filter (where date_diff('day', day, cast(refreshed_before as date)) >= 31)
            from {stream}_restatements where change <> 0"""  # noqa: S608 - one of two names
        ).fetchall()[0]
    facts = {"restatements": total, "days": days, "change": _shown(change), "after they were final": late}
    if not late:
        return Verdict(
            True,
            f"{days} days were restated, {_shown(change)} {_unit(stream)} in all; none after it was final.",
            facts=facts,
        )
    return Verdict(
        False,
        f"{late} restatements came after the day was final, the newest of {after}: a closed month may be "
        f"concerned. Look at {stream}_restatements and ask the vendor.",
        severe=True,
        total=late,
        facts=facts,
    )


OF_SPEND = (grouped_equals_total, every_day_is_pulled, figures_are_fresh, restatements_are_known)


def day_facts(workshop: Workshop, stream: Stream, days: list[str]) -> dict[str, dict[str, Any]]:
    """What the tables say of days: version, freshness, whether it is final, sums; by day."""
    if not days:
        return {}
    sums = "tokens, requests, total_tokens" if "usage" in stream else "amount, list_amount, total_amount"
    wanted = ", ".join(f"date '{date.fromisoformat(day)}'" for day in days)
    with connect(workshop.archive, unmasked=ACCOUNTING) as db:
        cursor = db.execute(
            f"select day, version, data_refreshed_at, final, rows, agrees, {sums} from {stream}_days "  # noqa: S608
            f"where day in ({wanted})"
        )
        names = [column[0] for column in cursor.description or []]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {str(row["day"]): row for row in found}


def _unit(stream: Stream) -> str:
    return "USD" if stream == "cost" else "tokens"


def _shown(value: Any) -> str:
    return f"{value:,.2f}" if isinstance(value, Decimal) else f"{int(value):,}"
