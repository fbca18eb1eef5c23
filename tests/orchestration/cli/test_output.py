"""Text from data can do nothing to a terminal, and JSON is always JSON."""

import io
import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from orchestration.cli.output import Output, cell, duration, plain, size, to_json
from orchestration.cli.table_widths import fitted
from tests.orchestration.cli.conftest import Terminal


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ana@example.com", "ana@example.com"),
        ("Zoë 日本 🙂", "Zoë 日本 🙂"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\nb\tc\rd\0", "a\\nb\\tc\\rd\\x00"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("a\u2028b\u200bc", "a\\u2028b\\u200bc"),
        ("\udcff", "\\udcff"),
    ],
)
def test_control_characters_are_shown_as_escapes(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_a_table_draws_data_as_it_is_and_never_as_markup_or_codes() -> None:
    out = io.StringIO()
    Output(json=False, out=out).table(["name\x1b"], [["[bold]x[/bold] :smile:"], ["\x1b]0;title\x07"], [None]])
    drawn = out.getvalue()
    assert "[bold]x[/bold] :smile:" in drawn
    assert "\\x1b]0;title\\x07" in drawn
    assert "\x1b" not in drawn


def test_a_table_in_a_pipe_is_neither_wrapped_nor_cut() -> None:
    out = io.StringIO()
    Output(json=False, out=out).table(["raw"], [["x" * 500]])
    assert "x" * 500 in out.getvalue()


def test_a_table_that_no_window_is_wide_enough_for_is_shown_record_by_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    names = [f"column_{number}" for number in range(30)]
    Output(json=False, out=out).table(names, [[f"value {name} \x1b" for name in names]] * 2)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue()).splitlines()
    assert lines[0] == "-- 1 of 2"
    assert lines[1] == "column_0   value column_0 \\x1b"
    assert len(lines) == 2 * 31 + 1


def test_a_table_that_fits_stays_a_table_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = Terminal()
    Output(json=False, out=out).table(["type", "events", "raw"], [["claude_chat_created", 5, "x" * 300]])
    assert "type" in out.getvalue().splitlines()[0]
    assert "-- 1" not in out.getvalue()


@pytest.mark.parametrize("window", [69, 80, 81, 100, 140])
def test_a_table_is_never_wider_than_the_window_and_breaks_its_longest_values_first(
    window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(window))
    at, name, long = "2026-11-28T15:27:02Z", "primary_owner_transferred", "a sentence of many words " * 5
    out = Terminal()
    Output(json=False, out=out).table(["at", "name", "said"], [[at, name, long]] * 3)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue()).splitlines()
    assert max(map(len, lines)) <= window
    assert sum(at in line for line in lines) == 3
    assert sum(name in line for line in lines) == 3
    assert {word for line in lines[2:] for word in line.split()} == {at, name, *long.split()}


def test_a_name_too_long_for_the_window_is_broken_and_not_cut() -> None:
    name = "x" * 120
    widths, tight = fitted([["name", name], ["n", "1,234"]], 80)
    assert (widths, tight) == ([73, 5], True)
    assert fitted([["name", name], ["n", "1,234"]], 26)[0] is None
    assert fitted([["名前", "名" * 10]], 22) == ([20], False)  # as wide as a terminal draws them


def test_with_json_only_the_document_reaches_stdout() -> None:
    out, err = io.StringIO(), io.StringIO()
    output = Output(json=True, out=out, err=err)
    output.line("for people")
    output.table(["a"], [[1]])
    output.findings([{"code": "c", "subject": "s", "detail": "d"}])
    output.aside("beside")
    output.document({"a": 1})
    assert json.loads(out.getvalue()) == {"a": 1}
    assert err.getvalue() == "beside\n"


def test_json_has_a_form_for_every_value_of_sql() -> None:
    value = {
        "time": datetime(2026, 11, 22, 10, tzinfo=UTC), "day": date(2026, 1, 1), "money": Decimal("1.50"),
        "blob": b"\xff", "nan": float("nan"), "inf": [float("-inf")], "span": timedelta(days=1),
        "uuid": UUID(int=1), "map": {1: "a", date(2026, 1, 1): "b"}, "big": 2**70, "lone": "\udcff",
    }  # fmt: skip
    assert json.loads(to_json(value)) == {
        "time": "2026-11-22T10:00:00Z", "day": "2026-01-01", "money": "1.50", "blob": "/w==", "nan": "nan",
        "inf": ["-inf"], "span": "1 day, 0:00:00", "uuid": str(UUID(int=1)),
        "map": {"1": "a", "2026-01-01": "b"}, "big": 2**70, "lone": "\udcff",
    }  # fmt: skip
    assert to_json(value).isascii()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""), (True, "true"), (1.5, "1.5"), (["a", None], '["a", null]'), (b"\x00", "AA=="),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00Z"), ({"k": "\x1b"}, '{"k": "\\u001b"}'),
    ],
)  # fmt: skip
def test_a_cell_shows_a_value_as_people_read_it(value: object, shown: str) -> None:
    assert cell(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (0.4, "0 s"), (59, "59 s"), (60, "1 min"), (200, "3 min 20 s"), (3600, "1 h"),
     (18_725, "5 h 12 min"), (86_400, "1 d"), (273_600, "3 d 4 h"), (-5, "-5 s")],
)  # fmt: skip
def test_durations_have_at_most_two_units(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(("count", "shown"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (3_400_000, "3.4 MB")])
def test_sizes_are_decimal(count: int, shown: str) -> None:
    assert size(count) == shown


@pytest.mark.parametrize("text", ["0.00000000", "0.00000001", "-12.50", "1000000000.00000000"])
def test_money_is_written_with_its_digits_and_no_exponent(text: str) -> None:
    assert cell(Decimal(text)) == text
    assert to_json(Decimal(text)) == f'"{text}"'


def test_findings_that_are_merely_new_stand_together_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    def finding(code: str, subject: str) -> dict[str, str]:
        return {"code": code, "subject": subject, "detail": f"what to do about {subject}"}

    few = [finding("unknown_field", "a: x"), finding("gap", "2026-11-01")]
    Output(json=False).findings(few)
    assert capsys.readouterr().out.count("what to do about") == 2
    many = [*(finding("unknown_event", f"type_{number}") for number in range(3)), *few]
    Output(json=False).findings(many)
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "gap" in line] == ["  gap  2026-11-01"]
    assert lines[-2] == "  unknown_event  3 that nobody has listed"
    assert all(f"type_{number}" in lines[-1] for number in range(3))
