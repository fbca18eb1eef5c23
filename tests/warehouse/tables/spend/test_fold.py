"""What a pull of usage or cost makes of the days that are held: versions, restatements, nothing."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.warehouse.tables.spend.conftest import (
    DAY,
    NEXT,
    REFRESHED,
    TWO_DAYS,
    WINDOW,
    SpendBench,
    cost,
    total_of,
    usage,
)
from warehouse.archive.verify import verify
from warehouse.tables.spend.fold import fold_days, fold_pending_days
from warehouse.wire.windows import Window

LATER = "2026-11-22T12:00:00Z"


def test_a_first_pull_makes_the_first_version_of_each_day(bench: SpendBench) -> None:
    rows = [cost(1, "100.5"), cost(2, "200.25"), cost(1, "7", day=NEXT)]
    folded = bench.pull(rows, window=TWO_DAYS)
    assert (folded.records, folded.first, folded.days, folded.restated) == (3, 3, 2, 0)
    assert bench.sql(
        "select day, amount, actor_id, actor_email, product, version from cost_rows order by all"
    ) == [
        (DAY, Decimal("1.00500000"), "user_1", "u1@example.com", "chat", 1),
        (DAY, Decimal("2.00250000"), "user_2", "u2@example.com", "chat", 1),
        (NEXT, Decimal("0.07000000"), "user_1", "u1@example.com", "chat", 1),
    ]
    assert bench.sql("select day, version, rows, amount, total_amount, agrees from cost_days order by day") == [
        (DAY, 1, 2, Decimal("3.00750000"), Decimal("3.00750000"), True),
        (NEXT, 1, 1, Decimal("0.07000000"), Decimal("0.07000000"), True),
    ]


def test_the_text_of_an_amount_and_the_record_are_kept_verbatim(bench: SpendBench) -> None:
    raw = b'{ "starting_at":"2026-11-20T00:00:00Z","ending_at":"2026-11-21T00:00:00Z","group":{},"cost":{"amount":"0100.50","list_amount":"1","currency":"USD","requests":null} }'  # noqa: E501
    bench.pull([raw], [raw])
    assert bench.sql("select amount_text, amount, raw from cost_rows") == [
        ("0100.50", Decimal("1.00500000"), raw.decode())
    ]


def test_a_second_pull_of_the_same_figures_adds_nothing_whatever_their_order(bench: SpendBench) -> None:
    rows = [cost(1), cost(2), cost(3)]
    bench.pull(rows)
    folded = bench.pull(rows[::-1], refreshed=LATER)
    assert (folded.days, folded.first, folded.revised, folded.withdrawn, folded.unchanged) == (0, 0, 0, 0, 3)
    assert bench.sql("select count(*), max(version) from cost_row_versions") == [(3, 1)]


def test_a_later_pull_replaces_the_day_as_a_new_version_and_the_old_one_stays(bench: SpendBench) -> None:
    bench.pull([cost(1), cost(2, "50"), cost(3)])
    before = bench.now[0]
    bench.advance(hours=4)
    folded = bench.pull([cost(1), cost(2, "80"), cost(4)], refreshed=LATER)
    assert (folded.first, folded.revised, folded.withdrawn, folded.unchanged) == (1, 1, 1, 1)
    assert (folded.days, folded.restated) == (1, 1)
    current = "select actor_id, amount from {} order by actor_id"
    assert bench.sql(current.format("cost_rows")) == [
        ("user_1", Decimal(1)), ("user_2", Decimal("0.8")), ("user_4", Decimal(1)),
    ]  # fmt: skip
    as_of = f"cost_rows_as_of('{before.isoformat()}')"
    assert bench.sql(current.format(as_of)) == [
        ("user_1", Decimal(1)), ("user_2", Decimal("0.5")), ("user_3", Decimal(1)),
    ]  # fmt: skip
    assert bench.sql(f"select version from cost_days_as_of('{before.isoformat()}')") == [(1,)]


def test_a_restatement_says_what_changed_and_by_how_much(bench: SpendBench) -> None:
    bench.pull([cost(1), cost(2, "50"), cost(3)])
    bench.pull([cost(1), cost(2, "80"), cost(4, "30")], refreshed=LATER)
    assert bench.sql(
        "select day, version, amount_before, amount, change, added, changed, vanished from cost_restatements"
    ) == [(DAY, 2, Decimal("2.5"), Decimal("2.1"), Decimal("-0.4"), 1, 1, 1)]
    assert bench.sql(
        "select fold, actor_id, amount_before, amount, change from cost_restated_rows order by actor_id"
    ) == [
        ("changed", "user_2", Decimal("0.5"), Decimal("0.8"), Decimal("0.3")),
        ("vanished", "user_3", Decimal(1), None, Decimal(-1)),
        ("added", "user_4", None, Decimal("0.3"), Decimal("0.3")),
    ]


def test_a_day_whose_rows_all_vanish_is_empty_and_not_what_it_was(bench: SpendBench) -> None:
    bench.pull([cost(1)])
    folded = bench.pull([], [], refreshed=LATER)
    assert (folded.withdrawn, folded.days) == (1, 1)
    assert bench.sql("select count(*) from cost_rows") == [(0,)]
    assert bench.sql("select version, rows, amount from cost_days") == [(2, 0, Decimal(0))]
    assert bench.sql("select vanished, change from cost_restatements") == [(1, Decimal(-1))]


def test_a_day_without_spend_is_known_to_be_without(bench: SpendBench) -> None:
    folded = bench.pull([], [])
    assert (folded.days, folded.records) == (1, 0)
    assert bench.sql("select day, version, rows, total_amount, agrees from cost_days") == [
        (DAY, 1, 0, Decimal(0), True)
    ]


def test_a_partial_pull_replaces_nothing(bench: SpendBench) -> None:
    bench.pull([cost(1), cost(2)])
    folded = bench.pull([cost(1)], refreshed=LATER, complete=False)
    assert folded.days == folded.withdrawn == 0
    assert bench.sql("select count(*), max(version) from cost_row_versions") == [(2, 1)]
    assert bench.archive.refresh().stream("cost").pending_fold == {}


def test_only_the_last_walk_of_a_pull_counts(bench: SpendBench) -> None:
    grouped = "limit=1&group_by%5B%5D=actor"
    rows = [cost(1), cost(2)]
    entry = bench.commit(
        [
            ("limit=1", None, total_of([cost(9)])),
            (grouped, None, [cost(9)]),
            ("limit=1", None, total_of(rows)),
            (grouped, None, rows[:1]),
            (grouped, "next", rows[1:]),
        ]
    )
    folded = fold_days(bench.archive, entry)
    assert folded is not None
    assert (folded.records, folded.findings) == (2, [])
    assert bench.sql("select actor_id, page from cost_rows order by actor_id") == [("user_1", 4), ("user_2", 5)]


def test_grouped_rows_that_do_not_add_up_are_kept_and_found(bench: SpendBench) -> None:
    rows = [cost(1), cost(2)]
    folded = bench.pull(rows[:1], total_of(rows))
    [finding] = folded.findings
    assert (finding["code"], finding["subject"]) == ("grouped_differs", f"cost {DAY}")
    assert "1.00000000 more" in finding["detail"]
    assert bench.sql("select agrees, difference from cost_days") == [(False, Decimal(1))]
    assert bench.archive.refresh().findings[0]["code"] == "grouped_differs"


def test_sums_may_differ_by_the_rounding_of_the_rows_and_no_more(bench: SpendBench) -> None:
    rows = [cost(number, "33.333333") for number in range(3)]
    [whole] = total_of(rows)
    for cents, agrees in (("100.000001", True), ("100.000002", False)):
        whole["cost"] |= {"amount": cents, "list_amount": cents}
        bench.pull(rows, [whole])
        assert bench.sql("select agrees from cost_days") == [(agrees,)]


def test_a_day_on_which_only_the_total_moved_is_a_new_version(bench: SpendBench) -> None:
    bench.pull([cost(1)])
    folded = bench.pull([cost(1)], total_of([cost(1, "101")]), refreshed=LATER)
    assert (folded.days, folded.unchanged) == (1, 1)
    assert bench.sql("select version, total_amount from cost_days") == [(2, Decimal("1.01"))]
    assert bench.sql("select version, count(*) from cost_rows group by version") == [(2, 1)]


def test_usage_must_agree_to_the_token(bench: SpendBench) -> None:
    rows = [usage(1, 10), usage(2, 20)]
    assert bench.pull(rows, stream="usage").findings == []
    assert bench.sql("select total_tokens, output_tokens, requests from usage_rows order by all") == [
        (10, 10, 1), (20, 20, 1),
    ]  # fmt: skip
    assert bench.sql("select tokens, requests, total_tokens, agrees from usage_days") == [(30, 2, 30, True)]
    [finding] = bench.pull([usage(1, 10), usage(2, 21)], total_of(rows, "usage"), stream="usage").findings
    assert "total_tokens: the grouped rows add up to 31, the total is 30" in finding["detail"]
    assert bench.sql("select change, changed from usage_restatements") == [(1, 1)]


def test_a_day_is_final_at_the_age_of_31_days(bench: SpendBench) -> None:
    for refreshed, final in (("2026-12-20T23:00:00Z", False), ("2026-12-21T00:00:00Z", True)):
        bench.pull([cost(1, refreshed[11:13])], refreshed=refreshed)
        assert bench.sql("select final from cost_days") == [(final,)]


def test_the_log_knows_which_days_are_not_final_and_how_fresh_each_is(bench: SpendBench) -> None:
    bench.pull([cost(1)], window=TWO_DAYS)
    bench.pull([cost(1)], refreshed=LATER)
    stream = bench.archive.refresh().stream("cost")
    assert stream.unsettled == {str(DAY): LATER, str(NEXT): REFRESHED}
    assert stream.refreshed_at == LATER
    assert stream.reread == {}
    bench.pull([cost(1)], window=TWO_DAYS, refreshed="2026-12-21T08:00:00Z")
    assert bench.archive.refresh().stream("cost").unsettled == {str(NEXT): "2026-12-21T08:00:00Z"}


def test_a_pull_that_a_crash_left_is_folded_before_the_next_one_of_its_days(bench: SpendBench) -> None:
    rows = [cost(1)]
    pages = [("limit=1", None, total_of(rows)), ("limit=1&group_by%5B%5D=actor", None, rows)]
    bench.commit(pages)
    folded = bench.pull([cost(1, "150")], refreshed=LATER)
    assert (folded.restated, folded.revised) == (1, 1)
    assert bench.sql("select version, amount from cost_row_versions order by version") == [
        (1, Decimal(1)), (2, Decimal("1.5")),
    ]  # fmt: skip


def test_folding_again_changes_nothing(bench: SpendBench) -> None:
    bench.pull([cost(1)])
    entry = next(entry for entry in bench.archive.entries() if entry.kind == "pull")
    size = bench.archive.refresh().size
    assert fold_days(bench.archive, entry) is None
    assert fold_pending_days(bench.archive, "cost") == []
    assert bench.archive.refresh().size == size


def test_the_archive_verifies_after_restatements(bench: SpendBench) -> None:
    for cents in ("1", "2", "3"):
        bench.pull([cost(1, cents)])
    bench.archive.settle()
    assert verify(bench.archive.store, deep=True).findings == []


STRANGE = {
    "a product nobody listed": (cost(1, product="claude_garden"), "product=claude_garden"),
    "a field nobody listed": (cost(1) | {"flavour": 1}, "flavour"),
    "a dimension nobody listed": (cost(1, mood="good"), "group.mood"),
    "a kind of actor nobody listed": (cost(1, actor={"type": "robot_actor"}), "actor.type=robot_actor"),
    "another currency": (
        cost(1) | {"cost": {"amount": "100", "list_amount": "100", "currency": "EUR"}}, "currency=EUR",
    ),
    "more decimals than the column": (cost(1, "0.1234567"), "amount (more than 8 decimals)"),
    "a number instead of a text": (cost(1, 100), "amount (not text)"),
    "no amount": (cost(1) | {"cost": {"list_amount": "1", "currency": "USD"}}, "amount (missing)"),
    "no figures": ({"starting_at": "2026-11-20T00:00:00Z", "ending_at": "2026-11-21T00:00:00Z", "group": {}},
                   "cost (missing)"),
    "no day": (cost(1) | {"starting_at": "yesterday"}, "starting_at (unreadable)"),
    "another day": (cost(1, day=date(2026, 10, 1)), "starting_at (outside the window)"),
    "no object": (b"17", "(not an object)"),
    "broken characters": (b'{"starting_at":"2026-11-20T00:00:00Z","x":"\xff"}', "(invalid UTF-8)"),
}  # fmt: skip


@pytest.mark.parametrize("what", STRANGE)
def test_what_is_strange_is_kept_and_named(bench: SpendBench, what: str) -> None:
    row, name = STRANGE[what]
    folded = bench.pull([row], [])
    assert f"cost: {name}" in folded.unknown_fields
    [(day, named, raw)] = bench.sql("select day, unknown_fields, raw from cost_rows")
    assert day == DAY
    assert name in named
    assert raw
    assert f"cost: {name}" in bench.archive.refresh().table("cost_rows").unknown_fields


def test_an_unknown_kind_of_actor_is_told_as_a_type(bench: SpendBench) -> None:
    folded = bench.pull([cost(1, actor={"type": "robot_actor"})])
    assert folded.unknown_types == {"actor robot_actor": 1}


def test_figures_that_cannot_be_read_are_a_finding(bench: SpendBench) -> None:
    codes = {finding["code"] for finding in bench.pull([cost(1, "1e3")], []).findings}
    assert codes == {"figure_unreadable"}
    assert bench.sql("select amount, amount_text from cost_rows") == [(None, "1e3")]


def test_every_kind_of_actor_has_its_id_in_one_column(bench: SpendBench) -> None:
    actors = [
        {"type": "user_actor", "user_id": "user_1", "email_address": None, "name": None, "deleted": True},
        {"type": "service_account_actor", "service_account_id": "svac_1"},
        {"type": "api_actor", "api_key_id": "apikey_1"},
        {"type": "federated_actor", "provider": "github", "subject": "repo:x"},
        None,
    ]
    bench.pull([cost(number, actor=actor) for number, actor in enumerate(actors)])
    columns = "actor_type, actor_id, actor_deleted"
    assert bench.sql(f"select {columns} from cost_rows order by actor_type nulls last") == [
        ("api_actor", "apikey_1", None), ("federated_actor", "repo:x", None),
        ("service_account_actor", "svac_1", None), ("user_actor", "user_1", True), (None, None, None),
    ]  # fmt: skip


def test_a_renamed_person_is_the_same_row(bench: SpendBench) -> None:
    bench.pull([cost(1)])
    renamed = cost(1)
    renamed["group"]["actor"] |= {"email_address": "new@example.com", "deleted": True}
    folded = bench.pull([renamed], refreshed=LATER)
    assert (folded.revised, folded.first, folded.withdrawn) == (1, 0, 0)
    assert bench.sql("select change, changed from cost_restatements") == [(Decimal(0), 1)]


def test_tables_are_there_before_anything_was_pulled(bench: SpendBench) -> None:
    for table in ("cost_rows", "usage_rows", "cost_days", "cost_restatements", "usage_restated_rows"):
        assert bench.sql(f"select count(*) from {table}") == [(0,)]


def test_a_window_of_a_month_becomes_one_file_of_rows_and_one_of_days(bench: SpendBench) -> None:
    window = Window(WINDOW.start - timedelta(days=30), WINDOW.end)
    bench.pull([cost(1, day=day) for day in window.days()], window=window)
    state = bench.archive.refresh()
    assert [len(state.table(name).recent) for name in ("cost_rows", "cost_days")] == [1, 1]
    assert bench.sql("select count(*), count(distinct day), sum(amount) from cost_rows") == [(31, 31, Decimal(31))]
