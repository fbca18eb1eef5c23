"""The mapping file: who pays on which day, and every mistake with file, row, rule and remedy."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.warehouse.finops.made_rows import HEADER, RECORDED, mapping, mappings, unhurried
from warehouse.finops.cost_centers import CostCenters, Placement, as_known, read_cost_centers
from warehouse.finops.errors import FileRefused, Mistake


def mistakes(*rows: str, header: str = HEADER) -> list[Mistake]:
    with pytest.raises(FileRefused) as refused:
        read_cost_centers("\n".join([header, *rows]).encode(), "cost_centers.csv", RECORDED)
    return list(refused.value.mistakes)


def centers(found: Placement | None) -> dict[str, Decimal] | None:
    return found.shares if found else None


def on(centers: CostCenters, day: str, actor: str | None = None, email: str | None = None) -> str | None:
    found = centers.place(actor, email, date.fromisoformat(day))
    return next(iter(found.shares)) if found else None


def test_a_mover_pays_by_the_day() -> None:
    moved = mapping("ada@example.com,,platform,2026-01-01,2026-10-15", "ada@example.com,,research,2026-10-15,")
    assert on(moved, "2026-10-14", email="ada@example.com") == "platform"
    assert on(moved, "2026-10-15", email="ada@example.com") == "research"


def test_addresses_are_compared_without_regard_to_case() -> None:
    assert (
        on(mapping("Ada@Example.com,,platform,2026-01-01,"), "2026-10-01", email="aDA@example.COM") == "platform"
    )


def test_the_id_counts_before_the_address() -> None:
    both = mapping(",user_ada,platform,2026-01-01,", "ada@example.com,,research,2026-01-01,")
    assert on(both, "2026-10-01", "user_ada", "ada@example.com") == "platform"


def test_rows_that_share_an_id_are_of_one_person_whatever_address_they_carry() -> None:
    found = mistakes(
        "ada@example.com,user_ada,platform,2026-01-01,", "ada.new@example.com,user_ada,research,2026-06-01,"
    )
    assert [(one.rule, one.row) for one in found] == [("overlap", 3)]


def test_nobody_pays_before_a_joiner_begins_or_after_a_leaver_ends() -> None:
    one = mapping(",user_ada,platform,2026-03-01,2026-04-01")
    assert on(one, "2026-02-28", "user_ada") is None
    assert on(one, "2026-04-01", "user_ada") is None


def test_a_leavers_last_centre_pays_during_the_grace_and_says_since_when() -> None:
    one = mapping(",user_ada,platform,2026-03-01,2026-04-01")
    grace = timedelta(days=30)
    assert one.place("user_ada", None, date(2026, 4, 30), grace) == Placement(
        {"platform": Decimal(100)}, left=date(2026, 4, 1)
    )
    assert one.place("user_ada", None, date(2026, 5, 1), grace) is None
    assert one.left_on("user_ada", None, date(2026, 5, 1)) == date(2026, 4, 1)


def test_service_accounts_and_keys_are_mapped_by_their_id() -> None:
    one = mapping(",svac_ci,platform,2026-01-01,", ",apikey_1,research,2026-01-01,")
    assert (on(one, "2026-10-01", "svac_ci"), on(one, "2026-10-01", "apikey_1")) == ("platform", "research")


def test_a_contractor_is_shared_by_percentage() -> None:
    one = mapping(",user_ada,platform,2026-01-01,,62.5", ",user_ada,research,2026-01-01,,37.5")
    assert centers(one.place("user_ada", None, date(2026, 10, 1))) == {
        "platform": Decimal("62.5"),
        "research": Decimal("37.5"),
    }


def test_percentages_that_add_up_to_99_99_are_refused_with_the_sum_and_the_rows() -> None:
    (one,) = mistakes(
        ",user_ada,platform,2026-01-01,,62.49", ",user_ada,research,2026-01-01,,37.5", header=f"{HEADER},percent"
    )
    assert (one.rule, one.row) == ("percent_sum", 3)
    assert "99.99" in one.what
    assert "rows 2, 3" in one.what
    assert "exactly 100" in one.remedy


def test_percentages_must_add_up_on_each_day_not_only_on_the_first() -> None:
    (one,) = mistakes(
        ",user_ada,platform,2026-01-01,,50",
        ",user_ada,research,2026-01-01,2026-06-01,50",
        header=f"{HEADER},percent",
    )
    assert one.rule == "percent_sum"
    assert "from 2026-06-01" in one.what


def test_rows_that_overlap_without_percentages_are_refused() -> None:
    (one,) = mistakes("ada@example.com,,platform,2026-01-01,", "ada@example.com,,research,2026-06-01,")
    assert (one.file, one.row, one.rule) == ("cost_centers.csv", 3, "overlap")
    assert "also in row 2" in one.what


def test_an_overlap_of_which_only_one_row_has_a_percentage_is_refused() -> None:
    (one,) = mistakes(
        ",user_ada,platform,2026-01-01,,100", ",user_ada,research,2026-01-01,,", header=f"{HEADER},percent"
    )
    assert one.rule == "overlap"


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (",,platform,2026-01-01,", "nobody"),
        ("ada@example.com,,,2026-01-01,", "cost_center"),
        ("ada@example.com,,unallocated,2026-01-01,", "cost_center"),
        ("ada@example.com,,platform,,", "valid_from"),
        ("ada@example.com,,platform,2026-13-01,", "date"),
        ("ada@example.com,,platform,01.10.2026,", "date"),
        ("ada@example.com,,platform,20260101,", "date"),
        ("ada@example.com,,platform,2026-02-01,2026-02-01", "dates"),
        ("ada@example.com,,platform,2026-02-01,2026-01-01", "dates"),
        ("ada.example.com,,platform,2026-01-01,", "email"),
        ("ada@example.com,,plat\x07form,2026-01-01,", "control_character"),
        ("ada@example.com,,platform,2026-01-01", "columns"),
        ("ada@example.com,,platform,2026-01-01,,,", "columns"),
    ],
)
def test_a_wrong_row_is_named_with_its_rule_and_a_remedy(row: str, rule: str) -> None:
    (one,) = mistakes(row)
    assert (one.file, one.row, one.rule) == ("cost_centers.csv", 2, rule)
    assert one.remedy


@pytest.mark.parametrize("percent", ["0", "-5", "100.01", "1e2", "half"])
def test_a_wrong_percentage_is_refused(percent: str) -> None:
    (one,) = mistakes(f",user_ada,platform,2026-01-01,,{percent}", header=f"{HEADER},percent")
    assert one.rule in ("percent", "amount")


def test_every_mistake_of_a_file_is_told_at_once() -> None:
    found = mistakes(",,platform,2026-01-01,", "ada@example.com,,,2026-01-01,", "bob@example.com,,data,x,")
    assert [(one.row, one.rule) for one in found] == [(2, "nobody"), (3, "cost_center"), (4, "date")]


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"", "header"),
        (b"user_email,user_id,cost_center,valid_from\n", "header"),
        (b"user_email,user_id,cost_center,valid_from,valid_to,team\n", "header"),
        (b"user_email,user_id,cost_center,valid_from,valid_to,valid_to\n", "header"),
        (HEADER.encode() + b"\nad\xe9@example.com,,x,2026-01-01,\n", "encoding"),
        (HEADER.encode() + b'\n"ada@example.com,,x,2026-01-01,\n', "csv"),
    ],
)
def test_what_is_no_mapping_file_is_refused(body: bytes, rule: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read_cost_centers(body, "cost_centers.csv", RECORDED)
    assert rule in [one.rule for one in refused.value.mistakes]


def test_a_file_with_a_mark_windows_line_ends_and_empty_lines_is_read_with_its_own_row_numbers() -> None:
    body = f"\ufeff{HEADER}\r\n\r\nada@example.com,,platform,2026-01-01,\r\n".encode()
    (row,) = read_cost_centers(body, "cost_centers.csv", RECORDED).rows
    assert (row.line, row.cost_center) == (3, "platform")


def test_formula_text_is_kept_as_data_and_remarked_on() -> None:
    one = mapping('ada@example.com,,"=HYPERLINK(""x"")",2026-01-01,')
    assert one.centers == {'=HYPERLINK("x")'}
    assert [(note.row, note.rule) for note in one.notes] == [(2, "formula_text")]


def test_the_hash_is_over_what_the_rows_say_not_over_how_they_are_laid_out() -> None:
    rows = ("Ada@example.com,,platform,2026-01-01,", "bob@example.com,,data,2026-01-01,")
    assert mapping(*rows).sha256 == mapping(rows[1], " ada@example.com ,,platform,2026-01-01,").sha256
    assert mapping(*rows).sha256 != mapping(rows[0], "bob@example.com,,data,2026-01-02,").sha256


def test_the_mapping_as_known_at_a_moment_is_the_newest_recorded_by_then() -> None:
    def version(day: int, center: str) -> CostCenters:
        body = f"{HEADER}\n,user_ada,{center},2026-01-01,".encode()
        return read_cost_centers(body, "cost_centers.csv", datetime(2026, 10, day, tzinfo=UTC))

    versions = [version(20, "research"), version(1, "platform")]
    known = as_known(versions, datetime(2026, 10, 19, tzinfo=UTC))
    assert known is not None
    assert on(known, "2026-10-01", "user_ada") == "platform"
    assert as_known(versions, datetime(2026, 9, 30, tzinfo=UTC)) is None


@unhurried
@given(mappings(), st.dates(date(2026, 7, 1), date(2027, 3, 1)))
def test_on_every_day_a_person_has_no_centre_or_shares_of_exactly_100(some: CostCenters, day: date) -> None:
    for row in some.rows:
        found = some.place(row.user_id, None, day)
        assert found is None or sum(found.shares.values()) == 100
