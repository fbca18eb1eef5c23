"""The past of an archive, asked what rules would have raised in it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from assets.backtesting import look_back, pieces_of
from tests.promises.conftest import Command
from tests.promises.site import Site
from warehouse.detections.alert import Find
from warehouse.detections.backtest import BackTest, _Tally
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
    assert past.held is not None
    assert past.held.start >= window.start
    assert drawn.startswith('<svg role="img" aria-label="')
    assert f"{sum(test.alerts for test in tests):,} alerts of" in drawn
    assert published.rule.title in drawn


def test_days_that_the_archive_has_no_events_of_do_not_make_a_rule_quieter(
    site: Site, past: tuple[str, str]
) -> None:
    start, end = past
    site.pull("--from", start, "--to", end)
    first, last = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in past)
    rules = [rule for rule in load() if rule.path.stem == "snapshot_or_artifact_published"]
    with site.open(for_writing=False) as workshop:
        close, wide, before = (
            look_back(workshop, rules, window)
            for window in (
                Window(first, last),
                Window(datetime(1, 1, 1, tzinfo=UTC), last),
                Window(first - timedelta(days=60), first - timedelta(days=30)),
            )
        )
    assert wide.held == close.held == Window(first, last)
    assert wide.tests[0].per_day == close.tests[0].per_day > 0
    assert (before.held, before.tests[0].alerts) == (None, 0)
    told = site.run("detections", "backtest", "--from", "2020-01-01", "--to", "2020-02-01").out
    assert "no events of this time: silence says nothing" in told
    told = site.run("detections", "backtest", rules[0].id, "--from", "2020-01-01").out
    assert f"the archive has events of {start} to " in told


def test_a_window_in_pieces_comes_to_what_it_comes_to_whole(site: Site, past: tuple[str, str]) -> None:
    start, end = past
    site.pull("--from", start, "--to", end, code=None)
    window = Window(*(datetime.fromisoformat(day).replace(tzinfo=UTC) for day in past))
    with site.open(for_writing=False) as workshop:
        workshop.archive.refresh()
        assert len(pieces_of(workshop.archive, window, 1)) == len(window.days()) > 2
        whole = look_back(workshop, load(), window).tests
        pieces = look_back(workshop, load(), window, piece_rows=1).tests
    assert [_counts(test) for test in pieces] == [_counts(test) for test in whole]
    assert sum(test.alerts for test in whole) > 10


def _counts(test: BackTest) -> tuple[Any, ...]:
    return test.rule.path.stem, test.alerts, test.events, test.entities, test.days


def test_a_chain_of_events_across_pieces_is_one_find_with_all_of_them() -> None:
    rule = next(rule for rule in load() if rule.path.stem == "snapshot_or_artifact_published")
    first = datetime(2026, 11, 1, tzinfo=UTC)
    day = timedelta(days=1)
    window = Window(first, first + 3 * day)
    tally = _Tally(rule, window, window)

    def find(*hours: int) -> Find:
        times = [first + timedelta(hours=hour) for hour in hours]
        ids = tuple(f"event-{hour}" for hour in hours)
        return Find(
            rule=rule, group={"actor": "a"}, first_at=times[0], last_at=times[-1], event_ids=ids, commit_seqs=hours
        )

    tally.take([find(2), find(20, 25, 30)], Window(first, first + day))
    tally.take([find(20, 25, 30, 40, 50)], Window(first + day, first + 2 * day))
    tally.take([find(40, 50, 60), find(80)], Window(first + 2 * day, first + 3 * day))
    done = tally.result()
    assert (done.alerts, done.events, done.entities) == (2, 1 + 6, 1)  # hour 80 is after the window
    assert done.days == {first.date(): 2}
    assert done.sample is not None
    assert done.sample.event_ids == tuple(f"event-{hour}" for hour in (20, 25, 30, 40, 50, 60))


def test_the_command_names_the_rule_that_is_not_there(site: Site, ledgerline: Command) -> None:
    ended: Any = ledgerline(site, "detections", "backtest", "many_fils_exported")
    assert ended.code == 2
    assert "many_files_exported" in ended.err
