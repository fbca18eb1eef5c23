"""What can be said of engagement from the log alone: one function per promise, for any of its streams.

Promise: a verdict that is not good says what to do. Asks the vendor nothing. Knows no Dagster.
"""

from datetime import timedelta

from assets.spend_verdicts import coverage_verdict
from assets.verdicts import Verdict
from assets.workshop import Workshop
from warehouse.anthropic.engagement import Engagement
from warehouse.tables.engagement.schema import BY_STREAM

# A day is counted ten hours after its end; what is missing a day later was not read.
LATE, TOO_LATE = timedelta(hours=36), timedelta(hours=72)


def days_are_pulled(workshop: Workshop, stream: Engagement) -> Verdict:
    """Every day of the last 90, and between those that were read, lies in a complete pull. A window that failed is
    tried again by the next run; a hole is filled by a backfill of the asset."""
    return coverage_verdict(workshop, stream, BY_STREAM[stream].table)


def days_are_fresh(workshop: Workshop, stream: Engagement) -> Verdict:
    """The newest day that was read ended no more than 36 hours ago (severe: 72). When it did, see that the
    schedule engagement_daily is running, that its last run did not fail, and what the vendor's status page
    says."""
    covered = workshop.archive.state.stream(stream).covered
    if not covered:
        return Verdict(False, f"Nothing is pulled yet. Backfill {BY_STREAM[stream].table}.")
    behind = workshop.clock() - covered[-1].end
    facts = {"read up to": covered[-1].end.isoformat(), "hours ago": round(behind / timedelta(hours=1), 1)}
    if behind <= LATE:
        return Verdict(True, f"Days are read up to {covered[-1].end.date()}.", facts=facts)
    return Verdict(
        False,
        f"Days are read up to {covered[-1].end.date()} only. Is the schedule engagement_daily running, and did "
        "its last run fail?",
        severe=behind > TOO_LATE,
        facts=facts,
    )


OF_ENGAGEMENT = (days_are_pulled, days_are_fresh)
