"""What the run of the asset `alerts` says in Dagster's log."""

from datetime import UTC, datetime

from assets.alerts import told
from warehouse.detections.alert import Alert, Find
from warehouse.detections.rule import Rule
from warehouse.detections.rulebook import load

AT = datetime(2026, 11, 20, tzinfo=UTC)


def alert(rule: Rule, number: int) -> Alert:
    find = Find(rule=rule, group={}, first_at=AT, last_at=AT, event_ids=(f"activity_{number}",), commit_seqs=(1,))
    return Alert(alert_id=f"{number:032x}", find=find, detected_at=AT, through_seq=1, version=1, fold="first")


def test_a_run_names_the_gravest_alerts_and_counts_the_rest() -> None:
    """A first look at a large tenant raises thousands: each line of a log is a commit in Dagster's storage."""
    by_level = {rule.level: rule for rule in load([])}
    raised = [alert(by_level["low"], number) for number in range(2_000)]
    raised += [alert(by_level["medium"], number) for number in range(2_000, 2_030)]
    raised += [alert(by_level["high"], 2_030)]
    lines = told(raised)
    assert len(lines) == 51
    assert lines[0] == f"high: {by_level['high'].title} ({2_030:032x})"
    assert [line.partition(":")[0] for line in lines[:50]] == ["high"] + 30 * ["medium"] + 19 * ["low"]
    assert lines[50].startswith("and 1981 more (1981 low): ")
    assert told(raised[:3]) == [f"low: {by_level['low'].title} ({number:032x})" for number in range(3)]
    assert told([]) == []
