"""The past of an archive, asked what rules would have raised in it."""

from datetime import UTC, datetime
from typing import Any

from assets.detecting import look_back
from tests.promises.conftest import Command
from tests.promises.site import Site
from warehouse.detections.backtest_chart import chart
from warehouse.detections.rulebook import load
from warehouse.wire.windows import Window


def test_a_backtest_counts_what_a_question_by_hand_counts_and_writes_nothing(
    site: Site, past: tuple[str, str]
) -> None:
    start, end = past
    site.pull("--from", start, "--to", end)
    window = Window(*(datetime.fromisoformat(day).replace(tzinfo=UTC) for day in past))
    with site.open(for_writing=False) as workshop:
        before = workshop.archive.refresh().seq
        past = look_back(workshop, load(), window)
        tests = past.tests
        assert workshop.archive.refresh().seq == before
    published = next(test for test in tests if test.rule.path.stem == "snapshot_or_artifact_published")
    by_hand = site.sql(
        "select count(*) from audit_events where created_at >= ? and created_at < ? "
        "and type in ('claude_chat_snapshot_created', 'claude_artifact_published')",
        [window.start, window.end],
    )[0][0]
    assert published.events == by_hand > 0
    assert sum(published.days.values()) == published.alerts
    assert len(tests) + len(past.off) == len(list(load()))
    drawn = chart(tests, window)
    assert drawn.startswith('<svg role="img" aria-label="')
    assert f"{sum(test.alerts for test in tests):,} alerts of" in drawn
    assert published.rule.title in drawn


def test_the_command_names_the_rule_that_is_not_there(site: Site, ledgerline: Command) -> None:
    ended: Any = site.run("detections", "backtest", "many_fils_exported")
    assert ended.code == 2
    assert "many_files_exported" in ended.err
